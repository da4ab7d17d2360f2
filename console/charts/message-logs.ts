import { isObject } from '../../protocol/json.ts';
import { type Actor, type EventRecord, type MessageLog, OpenLog } from './message-log.ts';
import type { WatchedActor } from './model.ts';
import { field, methodOf, paramsOf } from './payload.ts';

/** How many messages are kept of all turns together: with very many turns each one keeps fewer. */
export const MESSAGES_KEPT_IN_ALL = 50_000;
/** How much of that is left when there were too many. */
const LEFT = 0.75;
/** How many requests of clients are remembered until one of them turns out to have opened a turn. */
const REQUESTS_REMEMBERED = 200;
/** How many requests of one turn may wait for an answer that is recognized. */
const ANSWERS_AWAITED = 100;

/** The conversations of all turns that are watched. */
export class MessageLogs {
  readonly #byTurn = new Map<string, OpenLog>();
  /** Which turn an actor's messages belong to: turns, callbacks and approvals, by id. */
  readonly #turnOf = new Map<string, string>();
  /** Turns by what the wire calls them, turn id and session id; of two turns of one session the newer. */
  readonly #byName = new Map<string, string>();
  readonly #namesOf = new Map<string, string[]>();
  /** Requests that belong to a turn and are unanswered, by connection and id. */
  readonly #awaiting = new Map<string, string>();
  /** Approvals that belong to no turn as far as is known, by name. */
  readonly #strays = new Map<string, string>();
  /** Requests that may turn out to have opened a turn. */
  readonly #requests: { record: EventRecord; actor: Actor; sender: WatchedActor }[] = [];
  #kept = 0;

  /** How many messages are kept. */
  get kept(): number {
    return this.#kept;
  }

  /** Of a turn, by its actor's id. */
  of(turnId: string): MessageLog | undefined {
    return this.#byTurn.get(turnId);
  }

  clear(): void {
    for (const map of [this.#byTurn, this.#turnOf, this.#byName, this.#namesOf, this.#strays, this.#awaiting])
      map.clear();
    this.#requests.length = 0;
    this.#kept = 0;
  }

  /** An actor is there, or has changed: its messages belong to a turn from now on. */
  note(actor: WatchedActor): void {
    if (this.#turnOf.has(actor.id)) {
      // A gate's approval names no turn, but the callback that waits for it names the approval.
      const name = actor.machine === 'callback' ? field(actor.context, 'approval') : undefined;
      const stray = name === undefined ? undefined : this.#strays.get(name);
      const turn = this.#turnOf.get(actor.id);
      if (stray === undefined || name === undefined || turn === undefined) return;
      this.#strays.delete(name);
      this.#belong(stray, name, turn);
    } else if (actor.machine === 'turn') this.#open(actor);
    else if (actor.machine === 'callback' || actor.machine === 'approval') this.#adopt(actor);
  }

  forget({ id, name }: WatchedActor): void {
    const log = this.#byTurn.get(id);
    this.#kept -= log?.messages.length ?? 0;
    for (const key of log?.unanswered ?? []) this.#awaiting.delete(key);
    const turn = this.#turnOf.get(id);
    this.#byTurn.delete(id);
    this.#turnOf.delete(id);
    this.#strays.delete(name);
    for (const known of this.#namesOf.get(id) ?? []) if (this.#byName.get(known) === turn) this.#byName.delete(known);
    this.#namesOf.delete(id);
  }

  /** Notes an event where it belongs to a turn. @param chosen the id of the actor that somebody looks at. */
  hear(record: EventRecord, actor: Actor, sender: Actor, chosen: string | undefined): void {
    const own = this.#turnOf.get(record.actor) ?? (record.from === null ? undefined : this.#turnOf.get(record.from));
    const isToBroker = actor?.machine === 'broker';
    const named = isToBroker ? this.#named(record.payload) : this.#answered(record, sender);
    const log = this.#byTurn.get(own ?? named ?? '');
    const opens = isToBroker && methodOf(record.payload) === 'agents.chat';
    if (opens && sender) {
      // Its session may be a finished turn's too, so it waits until its own turn is there.
      this.#requests.push({ record, actor, sender });
      if (this.#requests.length > REQUESTS_REMEMBERED) this.#requests.shift();
    } else if (log && isAt(log, actor)) {
      if (isToBroker) this.#expectAnswer(log, record);
      this.#add(log, record, actor, sender);
      if (this.#kept > MESSAGES_KEPT_IN_ALL) this.#cut(chosen);
    }
  }

  #add(log: OpenLog, record: EventRecord, actor: Actor, sender: Actor): void {
    this.#kept -= log.messages.length;
    log.add(record, actor, sender);
    this.#kept += log.messages.length;
  }

  /** Every turn keeps the same number of messages, but for the one that somebody looks at. */
  #cut(chosen: string | undefined): void {
    const share = Math.floor((MESSAGES_KEPT_IN_ALL * LEFT) / this.#byTurn.size);
    this.#kept = 0;
    for (const log of this.#byTurn.values()) {
      if (log.turn !== chosen) log.cut(share);
      this.#kept += log.messages.length;
    }
  }

  #open(turn: WatchedActor): void {
    const log = new OpenLog(turn);
    this.#byTurn.set(turn.id, log);
    this.#turnOf.set(turn.id, turn.id);
    const names = [turn.name, field(turn.context, 'session_id')].filter((name) => name !== undefined);
    for (const name of names) this.#byName.set(name, turn.id);
    this.#namesOf.set(turn.id, names);
    const at = this.#requests.findLastIndex(({ record, sender }) => opensTurn(record, sender.name, turn));
    const [request] = at < 0 ? [] : this.#requests.splice(at, 1);
    if (!request) return;
    this.#expectAnswer(log, request.record);
    this.#add(log, request.record, request.actor, request.sender);
  }

  #expectAnswer({ turn, unanswered }: OpenLog, { from, payload }: EventRecord): void {
    const key = isObject(payload) && payload.id !== undefined ? `${from}#${String(payload.id)}` : undefined;
    if (key === undefined) return;
    this.#awaiting.set(key, turn);
    unanswered.add(key);
    const [oldest] = unanswered.size > ANSWERS_AWAITED ? unanswered : [];
    if (oldest === undefined) return;
    unanswered.delete(oldest);
    this.#awaiting.delete(oldest);
  }

  /** The turn whose request the broker answers with this. */
  #answered({ actor, payload }: EventRecord, sender: Actor): string | undefined {
    if (sender?.machine !== 'broker' || !isObject(payload)) return undefined;
    const key = `${actor}#${String(payload.id)}`;
    const turn = this.#awaiting.get(key);
    if (turn === undefined) return undefined;
    this.#awaiting.delete(key);
    this.#byTurn.get(turn)?.unanswered.delete(key);
    return turn;
  }

  #adopt(actor: WatchedActor): void {
    const parent = actor.parent === null ? undefined : this.#turnOf.get(actor.parent);
    const { context } = actor;
    const turn = parent ?? this.#named(context) ?? this.#named(context.details);
    if (turn !== undefined) this.#belong(actor.id, actor.name, turn);
    else if (actor.machine === 'approval') this.#strays.set(actor.name, actor.id);
  }

  /** Of an actor that is no turn: requests name it, and so belong to its turn too. */
  #belong(id: string, name: string, turn: string): void {
    this.#turnOf.set(id, turn);
    this.#byName.set(name, turn);
    this.#namesOf.set(id, [name]);
  }

  /** The turn that something names. */
  #named(value: unknown): string | undefined {
    const params = paramsOf(value);
    const name = field(params, 'turn_id') ?? field(params, 'session_id') ?? field(params, 'approval_id');
    return name === undefined ? undefined : this.#byName.get(name);
  }
}

/** What a client says at its own broker is said again at the turn's, by who stands for it there. */
const isAt = ({ broker }: OpenLog, actor: Actor): boolean => actor === undefined || actor.broker === broker;

/** Whether a request of a client opened a turn. One without a session id of its own was given one by the broker. */
function opensTurn({ payload }: EventRecord, client: string, { context }: WatchedActor): boolean {
  const params = paramsOf(payload);
  const session = field(params, 'session_id');
  return (
    field(context, 'host') === client &&
    field(context, 'agent_id') === field(params, 'agent_id') &&
    (session === undefined || session === field(context, 'session_id'))
  );
}
