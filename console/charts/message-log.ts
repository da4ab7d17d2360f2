import type { InspectRecord } from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import type { WatchedActor } from './model.ts';
import { field, nameOf } from './payload.ts';

/** How many messages are kept of one turn; runs of tokens count as one each. */
export const MESSAGES_KEPT = 500;

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

/** An actor, where it is known. */
export type Actor = WatchedActor | undefined;
/** That somebody heard something. */
export type EventRecord = Extract<InspectRecord, { type: 'event' }> & {
  /** Of a recorded run: when its last one came. Unix milliseconds. */
  readonly until?: number;
};

/** The log of one turn while it is written. */
export class OpenLog implements MessageLog {
  readonly turn: string;
  /** The broker that the turn is at, where there are several. */
  readonly broker: string | undefined;
  readonly messages: Message[] = [];
  forgotten = 0;
  isSampled = false;
  /** Requests of clients that the broker itself has still to answer, as `<connection>#<id>`. */
  readonly unanswered = new Set<string>();
  /** The runs that a further token goes into: those since the last message that was no token. */
  readonly #runs = new Map<string, Message>();
  readonly #about: WatchedActor;
  readonly #mostKept: number;
  /** Who has become its host since it began; the turn's context tells of it a moment later. */
  #host: string | undefined;

  /** @param kept how many messages it keeps. */
  constructor(turn: WatchedActor, kept = MESSAGES_KEPT) {
    this.turn = turn.id;
    this.broker = turn.broker;
    this.#about = turn;
    this.#mostKept = kept;
  }

  /** Takes a message, or one more of a run. */
  add(record: EventRecord, hearer: Actor, sender: Actor): void {
    if (record.event === 'host.joined') this.#join(record);
    const { sequence, at, until = at, from, actor: to, event, payload } = record;
    const name = nameOf(event, payload);
    const isToken = name === 'token' || event === 'chat.token';
    let { count = 1 } = record;
    // A run that was recorded whole is no sample.
    if (count > 1 && record.until === undefined) {
      this.isSampled = true;
      if (hearer?.machine !== 'turn') {
        // What a connection or the broker heard together may be of many turns: it tells of the leg, not of the number.
        // And where the run is over on the turn itself, it is late.
        if (!isToken || !this.#ownRun()) return;
        count = 1;
      }
    }
    const key = isToken ? JSON.stringify([from, to, event]) : '';
    const run = isToken ? this.#runs.get(key) : undefined;
    if (run) {
      run.count += count;
      run.until = until;
      run.payload = payload;
      this.#level();
      return;
    }
    const fromParty = from === null ? undefined : this.#partyOf(sender);
    const toParty = this.#partyOf(hearer);
    const message: Message = { sequence, at, until, from, to, fromParty, toParty, event, name, payload, count };
    if (isToken) this.#runs.set(key, message);
    else this.#runs.clear();
    this.#level();
    this.messages.push(message);
    this.cut(this.#mostKept);
  }

  /** Leaves out the oldest messages beyond so many. */
  cut(limit: number): void {
    const surplus = this.messages.length - limit;
    if (surplus <= 0) return;
    for (const { sequence } of this.messages.splice(0, surplus)) {
      // A further token is not to vanish into a message that nobody sees.
      for (const [key, run] of this.#runs) if (run.sequence === sequence) this.#runs.delete(key);
    }
    this.forgotten += surplus;
  }

  /** A client becomes the turn's host: its request was the host's, and what it is sent from here on is, too. */
  #join({ payload }: EventRecord): void {
    const subscription = isObject(payload) ? payload.subscription : undefined;
    this.#host = field(subscription, 'client') ?? this.#host;
    const at = this.messages.findLastIndex(({ name }) => name === 'agents.chat.subscribe');
    const request = this.messages[at];
    if (request) this.messages[at] = { ...request, fromParty: 'host' };
  }

  /** The tokens that the turn itself has heard. */
  #ownRun(): Message | undefined {
    return [...this.#runs.values()].find(({ toParty }) => toParty === 'turn');
  }

  /** Where tokens are told of together, the number on every leg is the turn's own: they are the same tokens. */
  #level(): void {
    const own = this.isSampled ? this.#ownRun() : undefined;
    if (own) for (const leg of this.#runs.values()) leg.count = own.count;
  }

  #partyOf(actor: Actor): Party {
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
        if (actor && actor.name === (this.#host ?? this.#about.context.host)) return 'host';
        return actor?.name === this.#about.context.agent ? 'agent' : 'others';
    }
  }
}
