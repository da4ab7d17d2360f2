import type { InspectRecord } from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import type { WatchedActor } from './model.ts';
import { field, methodOf, nameOf, paramsOf } from './payload.ts';

/** How many messages are kept of one turn; runs of tokens count as one each. */
export const MESSAGES_KEPT = 500;
/** How many requests of clients are remembered until one of them turns out to have opened a turn. */
const REQUESTS_REMEMBERED = 200;
/** How many requests of one turn may wait for an answer that is recognized. */
const ANSWERS_AWAITED = 100;

/** Who takes part in a turn. `others`: further clients, such as one that answers an approval. */
export type Party = 'others' | 'host' | 'broker' | 'turn' | 'callbacks' | 'approvals' | 'agent';

/** One message between two actors, or a run of them that differ in nothing but their text. */
export interface Message {
  readonly sequence: number;
  /** When the first one came, and the last. Unix milliseconds. */
  readonly at: number;
  until: number;
  /** The ids of sender and hearer, and what those are to the turn. Nobody sent what a timer brought. */
  readonly from: string | null;
  readonly to: string;
  readonly fromParty: Party | undefined;
  readonly toParty: Party;
  /** The event's type. */
  readonly event: string;
  /** What people call it: the method, the kind of a chat event, else the event's type. */
  readonly name: string;
  payload: unknown;
  count: number;
}

/** What one turn, its callbacks and its approvals heard and said. */
export interface MessageLog {
  readonly turn: string;
  readonly messages: Message[];
  /** Messages that were left out, since there were too many. */
  forgotten: number;
  /** Tokens came too fast to be told one by one: their number on each leg is the one that the turn heard. */
  isSampled: boolean;
}

type Actor = WatchedActor | undefined;

type EventRecord = Extract<InspectRecord, { type: 'event' }>;
interface OpenLog extends MessageLog {
  /** The runs that a further token goes into: those since the last message that was no token. */
  readonly runs: Map<string, Message>;
  readonly about: WatchedActor;
  /** Requests of clients that the broker itself has still to answer, as `<connection>#<id>`. */
  readonly unanswered: Set<string>;
}

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

  /** Of a turn, by its actor's id. */
  of(turnId: string): MessageLog | undefined {
    return this.#byTurn.get(turnId);
  }

  clear(): void {
    for (const map of [this.#byTurn, this.#turnOf, this.#byName, this.#namesOf, this.#strays, this.#awaiting])
      map.clear();
    this.#requests.length = 0;
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
    for (const key of this.#byTurn.get(id)?.unanswered ?? []) this.#awaiting.delete(key);
    const turn = this.#turnOf.get(id);
    this.#byTurn.delete(id);
    this.#turnOf.delete(id);
    this.#strays.delete(name);
    for (const known of this.#namesOf.get(id) ?? []) if (this.#byName.get(known) === turn) this.#byName.delete(known);
    this.#namesOf.delete(id);
  }

  /** Notes an event where it belongs to a turn. */
  hear(record: EventRecord, actor: Actor, sender: Actor): void {
    const own = this.#turnOf.get(record.actor) ?? (record.from === null ? undefined : this.#turnOf.get(record.from));
    const isToBroker = actor?.machine === 'broker';
    const named = isToBroker ? this.#named(record.payload) : this.#answered(record, sender);
    const log = this.#byTurn.get(own ?? named ?? '');
    const opens = isToBroker && methodOf(record.payload) === 'agents.chat';
    if (opens && sender) {
      // Its session may be a finished turn's too, so it waits until its own turn is there.
      this.#requests.push({ record, actor, sender });
      if (this.#requests.length > REQUESTS_REMEMBERED) this.#requests.shift();
    } else if (log) {
      if (isToBroker) this.#expectAnswer(log, record);
      add(log, record, actor, sender);
    }
  }

  #open(turn: WatchedActor): void {
    const log: OpenLog = {
      turn: turn.id,
      messages: [],
      forgotten: 0,
      isSampled: false,
      runs: new Map(),
      about: turn,
      unanswered: new Set(),
    };
    this.#byTurn.set(turn.id, log);
    this.#turnOf.set(turn.id, turn.id);
    const names = [turn.name, field(turn.context, 'session_id')].filter((name) => name !== undefined);
    for (const name of names) this.#byName.set(name, turn.id);
    this.#namesOf.set(turn.id, names);
    const at = this.#requests.findLastIndex(({ record, sender }) => opensTurn(record, sender.name, turn));
    const [request] = at < 0 ? [] : this.#requests.splice(at, 1);
    if (!request) return;
    this.#expectAnswer(log, request.record);
    add(log, request.record, request.actor, request.sender);
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

function add(log: OpenLog, record: EventRecord, hearer: Actor, sender: Actor): void {
  const { sequence, at, from, actor: to, event, payload } = record;
  const name = nameOf(event, payload);
  const isToken = name === 'token' || event === 'chat.token';
  let { count = 1 } = record;
  if (count > 1) {
    log.isSampled = true;
    if (hearer?.machine !== 'turn') {
      // What a connection or the broker heard together may be of many turns: it tells of the leg, not of the number.
      // And where the run is over on the turn itself, it is late.
      if (!isToken || !ownRun(log)) return;
      count = 1;
    }
  }
  const key = isToken ? JSON.stringify([from, to, event]) : '';
  const run = isToken ? log.runs.get(key) : undefined;
  if (run) {
    run.count += count;
    run.until = at;
    run.payload = payload;
    level(log);
    return;
  }
  const fromParty = from === null ? undefined : partyOf(log, sender);
  const toParty = partyOf(log, hearer);
  const message: Message = { sequence, at, until: at, from, to, fromParty, toParty, event, name, payload, count };
  if (isToken) log.runs.set(key, message);
  else log.runs.clear();
  level(log);
  log.messages.push(message);
  if (log.messages.length > MESSAGES_KEPT) {
    log.messages.shift();
    log.forgotten += 1;
  }
}

/** The tokens that the turn itself has heard. */
const ownRun = ({ runs }: OpenLog): Message | undefined => [...runs.values()].find(({ toParty }) => toParty === 'turn');

/** Where tokens are told of together, the number on every leg is the turn's own: they are the same tokens. */
function level(log: OpenLog): void {
  const own = log.isSampled ? ownRun(log) : undefined;
  if (own) for (const leg of log.runs.values()) leg.count = own.count;
}

function partyOf({ about }: OpenLog, actor: Actor): Party {
  switch (actor?.machine) {
    case 'broker':
      return 'broker';
    case 'turn':
      return 'turn';
    case 'callback':
      return 'callbacks';
    case 'approval':
      return 'approvals';
    default:
      if (actor?.name === about.context.host) return 'host';
      return actor?.name === about.context.agent ? 'agent' : 'others';
  }
}

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
