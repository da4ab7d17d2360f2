import type { StatelyActorEvent, StatelyInspectionEvent, StatelySnapshotEvent } from '@statelyai/inspect';
import type {
  FeedRecord,
  InspectedActor,
  InspectRecord,
  InspectSnapshot,
  MachineDefinition,
} from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import { OtherBrokers } from '../charts/other-brokers.ts';
import { toConfig } from './definition.ts';
import { toStateValue } from './state-value.ts';

/** The version of `@statelyai/inspect` whose events these are: its inspector takes none that do not name one. */
export const FORMAT_VERSION = '0.7.2';

/** The inspection feed as `@statelyai/inspect` would tell it. It knows how every live actor stands, for whoever comes late. */
export class StatelyEvents {
  readonly #machines: Record<string, MachineDefinition>;
  readonly #definitions = new Map<string, string>();
  readonly #actors = new Map<string, InspectedActor>();
  /** The newest record that is told already. */
  #sequence: number;

  readonly #others = new OtherBrokers();

  /** @param before - what was known, of which the actors of other brokers are told of anew behind the snapshot */
  constructor(snapshot: InspectSnapshot, before?: StatelyEvents) {
    this.#machines = snapshot.machines;
    this.#sequence = snapshot.sequence;
    this.#others.renew(snapshot.brokers ?? []);
    if (before)
      for (const actor of before.#actors.values())
        if (this.#others.has(actor.broker)) this.#actors.set(actor.id, actor);
    for (const actor of snapshot.actors) this.#actors.set(actor.id, actor);
  }

  /** Every live actor with its definition and its state, parents before their children. */
  actors(): StatelyInspectionEvent[] {
    return [...this.#actors.values()]
      .sort((one, other) => this.#depth(one) - this.#depth(other))
      .map((actor) => this.#actor(actor));
  }

  /** The ends of those that a later snapshot does not list any more: they ended unheard. @param at Unix milliseconds. */
  endsBefore(later: InspectSnapshot, at: number): StatelyInspectionEvent[] {
    const live = new Set(later.actors.map(({ id }) => id));
    const others = new Set(later.brokers ?? []);
    return [...this.#actors.values()]
      .filter(({ id, broker }) => !live.has(id) && !others.has(broker ?? ''))
      .map((actor) => this.#end(actor, at));
  }

  #end({ id, state, context }: InspectedActor, at: number): StatelySnapshotEvent {
    return {
      ...this.#head(id, at),
      id: `${id} ended`,
      type: '@xstate.snapshot',
      event: { type: '' },
      snapshot: snapshotOf({ state, status: 'done', context }, undefined),
    };
  }

  /**
   * What a batch of records tells.
   * @returns undefined where records are missing: only a new snapshot helps.
   */
  take(records: readonly FeedRecord[]): StatelyInspectionEvent[] | undefined {
    const events: StatelyInspectionEvent[] = [];
    for (const record of records) {
      // The snapshot tells of it already.
      if (record.sequence <= this.#sequence) continue;
      if (record.type === 'dropped' || record.sequence !== this.#sequence + 1) return undefined;
      this.#sequence = record.sequence;
      if (record.type === 'broker') {
        events.push(...this.#hearOf(record));
        continue;
      }
      const event = this.#record(record);
      if (event) events.push(event);
    }
    return events;
  }

  /** Ends of another broker's actors that nothing is heard of any more. */
  #hearOf({ broker, seen, left_out: leftOut, at }: Extract<FeedRecord, { type: 'broker' }>): StatelyInspectionEvent[] {
    const known = [...this.#actors.values()].filter((actor) => actor.broker === broker).map(({ id }) => id);
    if (seen === 'begins') {
      this.#others.begin(broker, known);
      return [];
    }
    const gone = seen === 'lost' ? known : this.#others.whole(broker, leftOut ?? 0);
    if (seen === 'lost') this.#others.lose(broker);
    const ended = gone.flatMap((id) => this.#actors.get(id) ?? []).map((actor) => this.#end(actor, at));
    for (const id of gone) this.#actors.delete(id);
    return ended;
  }

  #record(record: Exclude<InspectRecord, { type: 'dropped' }>): StatelyInspectionEvent | undefined {
    if (record.type === 'started') {
      this.#actors.set(record.actor.id, record.actor);
      this.#others.told(record.actor);
      return this.#actor(record.actor);
    }
    const head = { ...this.#head(record.actor, record.at), id: String(record.sequence) };
    if (record.type === 'event') {
      return { ...head, type: '@xstate.event', event: eventOf(record), sourceId: record.from ?? undefined };
    }
    const { state, status } = record;
    const before = this.#actors.get(record.actor);
    const context = record.type === 'transition' ? record.context : (before?.context ?? {});
    if (record.type === 'ended') this.#actors.delete(record.actor);
    else if (before) this.#actors.set(record.actor, { ...before, state, status, context });
    return {
      ...head,
      type: '@xstate.snapshot',
      event: { type: record.type === 'transition' ? record.event : '' },
      snapshot: snapshotOf({ state, status, context }, record.type === 'ended' ? record.output : undefined),
    };
  }

  #actor(actor: InspectedActor): StatelyActorEvent {
    return {
      ...this.#head(actor.id, actor.started_at),
      id: actor.id,
      type: '@xstate.actor',
      name: actor.name,
      parentId: actor.parent ?? undefined,
      definition: this.#definition(actor.machine),
      snapshot: snapshotOf(actor, undefined),
    };
  }

  #head(sessionId: string, at: number) {
    return { sessionId, rootId: this.#rootOf(sessionId), createdAt: String(at), _version: FORMAT_VERSION };
  }

  #definition(machine: string): string {
    let text = this.#definitions.get(machine);
    if (text === undefined) {
      const definition = this.#machines[machine];
      text = JSON.stringify(definition ? toConfig(definition) : { id: machine });
      this.#definitions.set(machine, text);
    }
    return text;
  }

  #rootOf(id: string): string {
    let root = id;
    for (let parent = this.#parentOf(root); parent; parent = this.#parentOf(root)) root = parent;
    return root;
  }

  #depth({ id }: InspectedActor): number {
    let depth = 0;
    for (let parent = this.#parentOf(id); parent; parent = this.#parentOf(parent)) depth++;
    return depth;
  }

  #parentOf(id: string): string | undefined {
    return this.#actors.get(id)?.parent ?? undefined;
  }
}

/** What was sent, with its own fields where it has some; `count` where it stands for more than one. */
function eventOf({ event, payload, count }: Extract<InspectRecord, { type: 'event' }>) {
  const fields = isObject(payload) ? payload : payload === undefined || payload === null ? {} : { payload };
  return { ...fields, ...(count === undefined ? {} : { count }), type: event };
}

function snapshotOf(
  { state, status, context }: Pick<InspectedActor, 'state' | 'status' | 'context'>,
  output: unknown,
): StatelySnapshotEvent['snapshot'] {
  // The package's type leaves out what its inspector reads: `value` and `context`.
  const snapshot = { status, value: toStateValue(state), context, output, error: undefined };
  return snapshot as StatelySnapshotEvent['snapshot'];
}
