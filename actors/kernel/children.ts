import { type AnyActorLogic, type AnyActorRef, createActor } from 'xstate';

/** A record whose actor is a child of the broker's. */
export interface ChildRecord {
  ref: unknown;
}

/** One kind of child: made once for each broker, by the room that it belongs to. */
export interface ChildKind<R extends ChildRecord> {
  /** The chart with its effects. */
  readonly logic: AnyActorLogic;
  /** It reached a final: `final` is that state's name. */
  ended(record: R, final: string): void;
  /** Its actor broke, a fault of ours (law 10). Whatever it still held is let go of here, and whoever waits is told. */
  failed(record: R): void;
  /** Actors whose parent it is. */
  children?(record: R): Iterable<ChildRecord>;
}

interface Entry {
  readonly actor: AnyActorRef;
  readonly record: ChildRecord;
  readonly kind: ChildKind<ChildRecord>;
}

/**
 * Every child of the broker's actor, and what its end means: nobody enumerates the kinds of children. A Map of our own,
 * for a machine copies its `children` at each spawn and stop (law 3).
 */
export class Children {
  readonly #parent: () => AnyActorRef;
  readonly #attempt: (what: string, step: () => void) => void;
  readonly #entries = new Map<string, Entry>();

  /** `parent` gives the broker's actor, in whose actions they end: what throws there goes no further (law 11). */
  constructor(parent: () => AnyActorRef, attempt: (what: string, step: () => void) => void) {
    this.#parent = parent;
    this.#attempt = attempt;
  }

  /** Makes and starts the actor of one record. It is known before it runs: it may break at once. */
  start<R extends ChildRecord>(kind: ChildKind<R>, id: string, record: R, input: object): void {
    const actor = createActor(kind.logic, { parent: this.#parent(), id, input });
    this.#entries.set(id, { actor, record, kind: kind as unknown as Entry['kind'] });
    record.ref = actor;
    actor.start();
  }

  /** One of them reached a final. */
  done(id: string): void {
    const entry = this.#take(id);
    if (!entry) return;
    const { kind, record, actor } = entry;
    this.#attempt('what has ended', () => kind.ended(record, String(actor.getSnapshot().value)));
  }

  /** One of them broke. */
  failed(id: string): void {
    const entry = this.#take(id);
    if (entry) this.#attempt('what has broken', () => entry.kind.failed(entry.record));
  }

  #take(id: string): Entry | undefined {
    const entry = this.#entries.get(id);
    this.#entries.delete(id);
    return entry;
  }

  /** Every actor that runs, parents before their children. */
  *[Symbol.iterator](): Generator<AnyActorRef> {
    for (const { actor, record, kind } of this.#entries.values()) {
      yield actor;
      // One that was not started yet is no actor.
      for (const { ref } of kind.children?.(record) ?? []) if (ref) yield ref as AnyActorRef;
    }
  }
}
