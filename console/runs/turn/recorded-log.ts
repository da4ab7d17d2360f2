import type { ActorStatus, InspectedActor, MachineDefinition } from '../../../protocol/inspect.ts';
import { isObject, type JsonObject } from '../../../protocol/json.ts';
import type { RecordedEvent, RecordedTurn, RecordedTurnLog } from '../../../protocol/recording.ts';
import { type EventRecord, type MessageLog, OpenLog } from '../../charts/message-log.ts';
import type { HeardEvent, SeenTransition, WatchedActor } from '../../charts/model.ts';
import { field, paramsOf } from '../../charts/payload.ts';

/** More messages of one turn than a recorder keeps. */
const MESSAGES_KEPT = 200_000;

/** Where an actor stood from a record on. */
export interface ActorMark {
  readonly sequence: number;
  readonly at: number;
  readonly state: readonly string[];
  readonly status: ActorStatus;
  readonly context: JsonObject;
  /** Absent where nothing but the context has changed. */
  readonly step: SeenTransition | undefined;
}

/** One actor of a turn, and all that was recorded of it. */
export interface RecordedActor {
  readonly first: InspectedActor;
  /** As it stands at the end; the turn's messages are read by it. */
  readonly now: WatchedActor;
  /** The number of the record that it begins with; 0: it was there before. */
  readonly since: number;
  /** In order. */
  readonly marks: ActorMark[];
  readonly events: HeardEvent[];
}

/** A piece of what the agent said. */
export interface SaidText {
  readonly sequence: number;
  /** When its first token came, and its last. Unix milliseconds. */
  readonly at: number;
  readonly until: number;
  readonly text: string;
  readonly count: number;
  /** Characters that were left out at its end. */
  readonly cut: number;
}

const isBeginning = (record: RecordedEvent, { turn_id }: RecordedTurn): boolean =>
  record.type === 'started' && record.actor.machine === 'turn' && record.actor.name === turn_id;

/** What was recorded of one turn, by actor and as messages. It grows with a live turn; what it has said once stays. */
export class RecordedLog {
  readonly actors = new Map<string, RecordedActor>();
  readonly texts: SaidText[] = [];
  machines: Readonly<Record<string, MachineDefinition>> = {};
  /** Records that there was no room for. */
  dropped = 0;
  /** The turn's own actor. */
  turn: RecordedActor | undefined;
  /** The newest record. */
  lastSequence = -1;
  /** When that was, or what was said in it ended. Unix milliseconds. */
  lastAt = 0;
  #messages: OpenLog | undefined;
  /** What was heard before the turn's own actor began. */
  #early: EventRecord[] = [];
  #count = 0;
  #first: RecordedEvent | undefined;
  #last: RecordedEvent | undefined;

  /** Takes what has come since the last time. @returns whether there was anything. */
  take({ turn, actors, records, machines }: RecordedTurnLog): boolean {
    if (this.#count > 0 && (records[0] !== this.#first || records[this.#count - 1] !== this.#last)) this.#clear();
    if (this.#count === records.length && this.actors.size > 0) return false;
    this.machines = machines;
    if (this.#count === 0) {
      for (const actor of actors) this.#put(actor, 0, turn.turn_id);
      if (!records.some((record) => isBeginning(record, turn))) this.#assume(turn, actors, records);
    }
    for (let at = this.#count; at < records.length; at += 1) this.#record(records[at] as RecordedEvent, turn.turn_id);
    this.#count = records.length;
    this.#first = records[0];
    this.#last = records.at(-1);
    return true;
  }

  /** Its messages, as the sequence reads them. */
  get messages(): MessageLog {
    return this.#messages ?? { turn: '', messages: [], forgotten: 0, isSampled: false };
  }

  /** Its beginning has made room for others: what the table says of it, and its first transition, stand for that. */
  #assume(turn: RecordedTurn, actors: readonly InspectedActor[], records: readonly RecordedEvent[]): void {
    if (this.turn || records.length === 0) return;
    const { turn_id, session_id, agent_id, host, started_at } = turn;
    const moved = records.find((record) => record.type === 'transition' && record.context.turn_id === turn_id);
    const text = records.find(({ type }) => type === 'text');
    const agent = actors.find(({ context }) => context.agent_id === agent_id)?.name ?? null;
    const first: InspectedActor = {
      id: moved?.type === 'transition' ? moved.actor : text?.type === 'text' ? text.actor : turn_id,
      name: turn_id,
      machine: 'turn',
      parent: null,
      state: moved?.type === 'transition' ? moved.previous : [],
      status: 'active',
      started_at,
      context: moved?.type === 'transition' ? moved.context : { turn_id, session_id, agent_id, host, agent },
    };
    this.#put(first, 0, turn_id);
  }

  #clear(): void {
    this.actors.clear();
    this.texts.length = 0;
    this.dropped = 0;
    this.turn = undefined;
    this.lastSequence = -1;
    this.lastAt = 0;
    this.#messages = undefined;
    this.#early = [];
    this.#count = 0;
  }

  #record(record: RecordedEvent, turnName: string): void {
    this.lastSequence = record.sequence;
    this.lastAt = Math.max(this.lastAt, record.type === 'text' ? record.until : record.at);
    switch (record.type) {
      case 'started':
        this.#put(record.actor, record.sequence, turnName);
        return;
      case 'text': {
        const { sequence, at, until, from, actor, count, text, cut = 0 } = record;
        this.texts.push({ sequence, at, until, text, count, cut });
        const isHeard = this.turn?.now.state.includes('live.host.away') !== true;
        const payload = { kind: 'token', delta: text, ...(cut > 0 ? { cut } : {}) };
        // What nobody heard yet went to the turn alone.
        const event = isHeard ? 'text' : 'chat.event';
        this.#hear({ sequence, at, until, type: 'event', actor, event, from, payload, count });
        return;
      }
      case 'event':
        this.#hear(record);
        return;
      case 'transition':
      case 'ended':
        this.#mark(record);
        return;
      case 'dropped':
        this.dropped += record.count;
    }
  }

  #put(first: InspectedActor, since: number, turnName: string): void {
    if (this.actors.has(first.id)) return;
    const { id, name, machine, parent, started_at: startedAt, label, state, status, context } = first;
    const now: WatchedActor = {
      ...{ id, name, machine, parent, startedAt, label, state, status, context },
      broker: undefined,
      output: undefined,
      endedAt: undefined,
      endedAtBroker: undefined,
      children: new Set(),
      events: [],
      transitions: [],
    };
    const actor = { first, now, since, marks: [], events: [] };
    this.actors.set(id, actor);
    if (machine !== 'turn' || name !== turnName || this.turn) return;
    this.turn = actor;
    this.#messages = new OpenLog(now, MESSAGES_KEPT);
    for (const record of this.#early) this.#hear(record);
    this.#early = [];
  }

  #mark(record: Extract<RecordedEvent, { type: 'transition' | 'ended' }>): void {
    const actor = this.actors.get(record.actor);
    if (!actor) return;
    const { now, marks } = actor;
    const { sequence, at, state, status } = record;
    now.state = state;
    now.status = status;
    if (record.type === 'ended') {
      now.output = record.output;
      now.endedAtBroker = at;
      marks.push({ sequence, at, state, status, context: now.context, step: undefined });
      return;
    }
    const { event, previous, through, context, label } = record;
    now.context = context;
    if (label !== undefined) now.label = label;
    const isStep = event !== '' || state.join() !== previous.join();
    const step = isStep ? { sequence, at, event, state, previous, through } : undefined;
    marks.push({ sequence, at, state, status, context, step });
  }

  #hear(record: EventRecord): void {
    const { sequence, at, event, from, payload, count = 1 } = record;
    const hearer = this.actors.get(record.actor);
    const isToken = event === 'text' || field(paramsOf(payload), 'kind') === 'token' || event === 'chat.token';
    if (event === 'chat.event' && isToken && record.until === undefined && hearer === this.turn && hearer)
      this.#said(record);
    hearer?.events.push({ sequence, at, event: event === 'text' ? 'chat.event' : event, from, payload, count });
    // What a socket brings its connection goes on to the broker: that is told of.
    if (from === null && hearer?.now.machine === 'connection' && /^(rpc|chat)\./.test(event)) return;
    if (!this.#messages) this.#early.push(record);
    else this.#messages.add(record, hearer?.now, from === null ? undefined : this.actors.get(from)?.now);
  }

  /** A token that was recorded by itself. */
  #said({ sequence, at, payload, count = 1 }: EventRecord): void {
    const params = paramsOf(payload);
    const text = isObject(params) && typeof params.delta === 'string' ? params.delta : '';
    this.texts.push({ sequence, at, until: at, text, count, cut: 0 });
  }
}
