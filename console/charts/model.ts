import type { ActorStatus, FeedRecord, InspectedActor, InspectSnapshot } from '../../protocol/inspect.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { MessageLogs } from './message-logs.ts';
import { OtherBrokers } from './other-brokers.ts';

/** How long an actor that has ended stays to be looked at. Milliseconds. */
export const ENDED_STAYS_MS = 60_000;
/** How many events are kept of one actor. */
export const EVENTS_KEPT = 200;
/** How many events and steps are kept of all together: with very many actors each one keeps fewer. */
export const EVENTS_KEPT_IN_ALL = 50_000;
/** How much of that is left when there were too many. */
const LEFT = 0.75;
/** How many actors that have ended stay: with very many, those that ended first go before their minute is over. */
export const ENDED_KEPT = 2_000;

/** Of those below the actor that somebody looks at, so many stay with it. */
const CHILDREN_READ = 500;

/** Something that an actor heard; `count` of them where the broker sampled. */
export interface HeardEvent {
  readonly sequence: number;
  /** Unix milliseconds. */
  readonly at: number;
  readonly event: string;
  /** The sender's id. */
  readonly from: string | null;
  readonly payload: unknown;
  readonly count: number;
}

/** A change of state, or an event that was acted on without one. */
export interface SeenTransition {
  readonly sequence: number;
  readonly at: number;
  readonly event: string;
  readonly state: readonly string[];
  readonly previous: readonly string[];
  /** The states in between, which were left at once. */
  readonly through: readonly (readonly string[])[] | undefined;
}

/** One actor and what was seen of it. Mutable: thousands change many times a second. */
export interface WatchedActor {
  readonly id: string;
  readonly name: string;
  readonly machine: string;
  readonly parent: string | null;
  /** The broker that it is at; undefined where there is one alone. */
  readonly broker: string | undefined;
  label: string | undefined;
  /** Unix milliseconds. */
  readonly startedAt: number;
  state: readonly string[];
  status: ActorStatus;
  context: JsonObject;
  output: unknown;
  /** When it was heard that it had ended. */
  endedAt: number | undefined;
  /** When it ended, by the broker's word; where nothing was heard of its end, when that was found. */
  endedAtBroker: number | undefined;
  readonly children: Set<string>;
  readonly events: HeardEvent[];
  readonly transitions: SeenTransition[];
}

/** What a batch of records asks for: `gap` where records are missing, so that a new snapshot is needed. */
export type Applied = 'ok' | 'gap';

/** Every actor that the feed tells of: a snapshot, and the records after it. Bounded, whatever arrives. */
export class ActorsModel {
  readonly actors = new Map<string, WatchedActor>();
  readonly logs = new MessageLogs();
  machines: InspectSnapshot['machines'] = {};
  /** Records that the broker dropped because this page was too slow. */
  dropped = 0;
  /** The broker that the page is connected to, where it is one of several. */
  broker: string | undefined;
  /** The others, whose actors are told of, too. */
  readonly others = new OtherBrokers();
  /** The id of the turn that has started last, where that was seen. */
  newestTurn: string | undefined;
  #leftOut = 0;
  /** The id of the actor that somebody looks at: it stays, with whom it works for and who works for it, and of it nothing goes. */
  chosen: string | undefined;
  /** Events and steps that are kept. */
  #kept = 0;
  #sequence = -1;
  readonly #ended = new Set<string>();

  /** Takes a snapshot; what is known of the actors in it stays. One of another daemon clears everything. */
  renew(snapshot: InspectSnapshot, now: number): void {
    const root = snapshot.actors.find(({ parent }) => parent === null);
    const known = root && this.actors.get(root.id);
    const isOther = this.broker !== snapshot.broker;
    if (isOther || !known || known.startedAt !== root.started_at) this.clear();
    this.broker = snapshot.broker;
    this.others.renew(snapshot.brokers ?? []);
    this.machines = sameWhereEqual(this.machines, snapshot.machines);
    this.#leftOut = snapshot.left_out ?? 0;
    this.#sequence = snapshot.sequence;
    const listed = new Set<string>();
    for (const actor of snapshot.actors) {
      listed.add(actor.id);
      this.#put(actor);
    }
    // Once more, because a parent may be listed after its children.
    for (const { id, parent } of snapshot.actors) if (parent !== null) this.actors.get(parent)?.children.add(id);
    for (const machine of ['turn', 'callback', 'approval']) {
      for (const actor of this.actors.values()) if (actor.machine === machine) this.logs.note(actor);
    }
    for (const actor of this.actors.values()) {
      // Those of others are told of behind it.
      const isTold = listed.has(actor.id) || this.others.has(actor.broker);
      if (!isTold && actor.endedAt === undefined) this.#end(actor, 'done', now, undefined);
    }
  }

  clear(): void {
    this.actors.clear();
    this.#ended.clear();
    this.logs.clear();
    this.dropped = 0;
    this.#leftOut = 0;
    this.broker = undefined;
    this.newestTurn = undefined;
    this.others.renew([]);
    this.#kept = 0;
    this.#sequence = -1;
  }

  /** Takes records in their order; those that the snapshot holds already are passed over. */
  apply(records: readonly FeedRecord[], now: number): Applied {
    let applied: Applied = 'ok';
    for (const record of records) {
      if (record.sequence <= this.#sequence) continue;
      if (record.type === 'dropped') {
        this.dropped += record.count;
        applied = 'gap';
      } else if (record.sequence !== this.#sequence + 1) applied = 'gap';
      this.#sequence = record.sequence;
      this.#take(record, now);
    }
    return applied;
  }

  /** Forgets what ended a minute ago, and nobody looks at. @returns whether there was any. */
  expire(now: number): boolean {
    const before = this.actors.size;
    const read = this.#read();
    for (const id of this.#ended) {
      if (read.has(id)) continue;
      const actor = this.actors.get(id);
      // In the order of their ends: what comes after is younger.
      if (actor?.endedAt !== undefined && now - actor.endedAt < ENDED_STAYS_MS) break;
      this.#ended.delete(id);
      if (actor) this.#forget(actor);
    }
    return this.actors.size !== before;
  }

  /** Live actors that there was no room for. */
  get leftOut(): number {
    return this.#leftOut + this.others.leftOut;
  }

  /** How many events and steps of actors, and messages of turns, are kept. */
  get kept(): { events: number; messages: number } {
    return { events: this.#kept, messages: this.logs.kept };
  }

  /** An actor by its id, or the newest by its name; of several brokers the page's own. */
  find(idOrName: string): WatchedActor | undefined {
    const byId = this.actors.get(idOrName);
    if (byId) return byId;
    let found: WatchedActor | undefined;
    for (const actor of this.actors.values()) {
      const isNearer = found === undefined || actor.broker === this.broker || found.broker !== this.broker;
      if (actor.name === idOrName && isNearer) found = actor;
    }
    return found;
  }

  #take(record: FeedRecord, now: number): void {
    switch (record.type) {
      case 'started':
        this.logs.note(this.#put(record.actor));
        this.others.told(record.actor);
        if (record.actor.machine === 'turn' && !this.others.isBeginning(record.actor.broker))
          this.newestTurn = record.actor.id;
        return;
      case 'broker':
        this.#hearOf(record, now);
        return;
      case 'event':
        this.#hear(record);
        return;
      case 'transition': {
        const actor = this.actors.get(record.actor);
        if (!actor) return;
        const { sequence, at, event, state, previous, through, context, status, label } = record;
        actor.state = state;
        if (label !== undefined) actor.label = label;
        actor.context = context;
        this.logs.note(actor);
        actor.status = status;
        // With no event and no change of state it tells of the context alone.
        if (event === '' && state.join() === previous.join()) return;
        this.#keep(actor.transitions, { sequence, at, event, state, previous, through });
        return;
      }
      case 'ended': {
        const actor = this.actors.get(record.actor);
        if (!actor) return;
        actor.state = record.state;
        actor.output = record.output;
        this.#end(actor, record.status, now, record.at);
      }
    }
  }

  /** Another broker begins to tell of its actors, has told of all, or cannot be heard. */
  #hearOf({ broker, seen, left_out: leftOut, at }: Extract<FeedRecord, { type: 'broker' }>, now: number): void {
    const live = () => {
      const those = [...this.actors.values()].filter((one) => one.broker === broker && one.endedAt === undefined);
      return those.map(({ id }) => id);
    };
    if (seen === 'begins') {
      this.others.begin(broker, live());
      return;
    }
    const gone = seen === 'lost' ? live() : this.others.whole(broker, leftOut ?? 0);
    if (seen === 'lost') this.others.lose(broker);
    for (const id of gone) {
      const actor = this.actors.get(id);
      if (actor?.endedAt === undefined && actor) this.#end(actor, 'done', now, at);
    }
  }

  #hear(record: Extract<FeedRecord, { type: 'event' }>): void {
    const { sequence, at, event, from, payload, count = 1 } = record;
    const actor = this.actors.get(record.actor);
    if (actor) this.#keep(actor.events, { sequence, at, event, from, payload, count });
    this.logs.hear(record, actor, from === null ? undefined : this.actors.get(from), this.chosen);
  }

  /** The same actor stays the same object: others hold it. */
  #put(given: InspectedActor): WatchedActor {
    const { label, state, status, context } = given;
    const now = { label, state, status, context, endedAt: undefined, endedAtBroker: undefined };
    const known = this.actors.get(given.id);
    const actor = known ? Object.assign(known, now) : { ...newActor(given, this.broker), ...now };
    this.actors.set(given.id, actor);
    this.#ended.delete(given.id);
    if (given.parent !== null) this.actors.get(given.parent)?.children.add(given.id);
    return actor;
  }

  #end(actor: WatchedActor, status: ActorStatus, now: number, at: number | undefined): void {
    actor.status = status;
    actor.endedAt = now;
    actor.endedAtBroker = at ?? now;
    this.#ended.add(actor.id);
    if (this.#ended.size <= ENDED_KEPT) return;
    const read = this.#read();
    for (const id of this.#ended) {
      if (read.has(id)) continue;
      const oldest = this.actors.get(id);
      this.#ended.delete(id);
      if (oldest) this.#forget(oldest);
      return;
    }
  }

  /** The ids of what somebody looks at: the actor, those that it is below, and the last of those below it. */
  #read(): ReadonlySet<string> {
    const read = new Set<string>();
    const chosen = this.chosen === undefined ? undefined : this.actors.get(this.chosen);
    for (let one = chosen; one; one = one.parent === null ? undefined : this.actors.get(one.parent)) read.add(one.id);
    for (const child of chosen?.machine === 'broker' ? [] : [...(chosen?.children ?? [])].slice(-CHILDREN_READ))
      read.add(child);
    return read;
  }

  #forget(actor: WatchedActor): void {
    this.actors.delete(actor.id);
    this.#kept -= actor.events.length + actor.transitions.length;
    this.logs.forget(actor);
    if (actor.parent !== null) this.actors.get(actor.parent)?.children.delete(actor.id);
  }

  #keep<T>(list: T[], item: T): void {
    list.push(item);
    this.#kept += 1;
    this.#kept -= cut(list, EVENTS_KEPT);
    if (this.#kept > EVENTS_KEPT_IN_ALL) this.#cut();
  }

  /** Every actor keeps the same number, but for the one that somebody looks at. */
  #cut(): void {
    const share = Math.floor((EVENTS_KEPT_IN_ALL * LEFT) / this.actors.size / 2);
    this.#kept = 0;
    for (const { id, events, transitions } of this.actors.values()) {
      if (id !== this.chosen) {
        cut(events, share);
        cut(transitions, share);
      }
      this.#kept += events.length + transitions.length;
    }
  }
}

/** Takes away the oldest ones beyond so many. @returns how many it took. */
function cut(list: unknown[], limit: number): number {
  const surplus = Math.max(0, list.length - limit);
  if (surplus > 0) list.splice(0, surplus);
  return surplus;
}

const newActor = ({ id, name, machine, parent, started_at, broker }: InspectedActor, own: string | undefined) => ({
  id,
  name,
  machine,
  parent,
  broker: broker ?? own,
  startedAt: started_at,
  output: undefined,
  children: new Set<string>(),
  events: [],
  transitions: [],
});

/** What has not changed stays the same object: charts are drawn anew only for a new one. */
function sameWhereEqual<T>(old: Record<string, T>, given: Record<string, T>): Record<string, T> {
  const same = ([id, one]: [string, T]): [string, T] => {
    const before = old[id];
    return [id, before !== undefined && JSON.stringify(before) === JSON.stringify(one) ? before : one];
  };
  return Object.fromEntries(Object.entries(given).map(same));
}

/** The names of states, without those around them: what a person calls them. */
export const namesOf = (paths: readonly string[]): string[] =>
  paths.map((path) => path.slice(path.lastIndexOf('.') + 1));
