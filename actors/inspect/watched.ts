import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';

/** So many events of one actor within a window are told one by one; of what follows only the number and the last. */
const TOLD_SINGLY = 50;

/** The windows that events are counted in, the same for all actors of a feed. */
export interface Window {
  /** Grows by one from window to window. */
  number: number;
  /** Single events that may still be told in this one, by all actors together. */
  left: number;
}

/** Events of one type that are told together. */
export interface Bundle {
  readonly type: string;
  count: number;
  last: EventObject;
  source: AnyActorRef | undefined;
}

/** One live actor, as the feed has last told of it. */
export class Watched {
  readonly ref: AnyActorRef;
  readonly id: string;
  snapshot: AnyMachineSnapshot;
  state: readonly string[];
  /** The context as it was last told, as JSON. */
  contextText = '';
  /** It has heard something since. */
  isTouched = false;
  readonly bundles: Bundle[] = [];
  /** Where its chart has been since it was last told, one for each step of the event that it works on. */
  steps: string[][] = [];
  #window = 0;
  #heard = 0;
  #isLoud = false;

  constructor(ref: AnyActorRef, snapshot: AnyMachineSnapshot) {
    this.ref = ref;
    this.id = ref.sessionId;
    this.snapshot = snapshot;
    this.state = statePaths(snapshot.value);
  }

  /**
   * Whether one more event of those that come in great numbers is told by itself. An actor that heard too many in the
   * window before has not got quieter until a whole window says so.
   */
  isToldSingly(window: Window): boolean {
    if (this.#window !== window.number) {
      this.#isLoud = this.#window === window.number - 1 && this.#heard > TOLD_SINGLY;
      this.#window = window.number;
      this.#heard = 0;
    }
    this.#heard += 1;
    if (this.#isLoud || this.#heard > TOLD_SINGLY || window.left <= 0) return false;
    window.left -= 1;
    return true;
  }

  /** Adds an event to those of its type. */
  bundle(event: EventObject, source: AnyActorRef | undefined): void {
    for (const bundle of this.bundles) {
      if (bundle.type !== event.type) continue;
      bundle.count += 1;
      bundle.last = event;
      bundle.source = source;
      return;
    }
    this.bundles.push({ type: event.type, count: 1, last: event, source });
  }
}

/** The innermost active states of a snapshot's value, nested ones as `a.b`. */
export function statePaths(value: unknown, prefix = ''): string[] {
  if (typeof value === 'string') return [prefix + value];
  return Object.entries(value as Record<string, unknown>).flatMap(([name, inner]) => {
    const path = `${prefix}${name}`;
    const deeper = statePaths(inner, `${path}.`);
    return deeper.length === 0 ? [path] : deeper;
  });
}
