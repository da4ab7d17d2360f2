import type { AnyActorRef, AnyMachineSnapshot, EventObject } from 'xstate';
import type { CheckedEvent } from '../../protocol/events.ts';
import { isPlainToken } from '../../protocol/token.ts';
import { statePaths } from '../shown/state-paths.ts';

/** So many events of one actor within a window are told one by one; of what follows only the number and the last. */
const TOLD_SINGLY = 50;

/** The windows that events are counted in, the same for all actors of a feed. */
export interface Window {
  /** Grows by one from window to window. */
  number: number;
  /** Single events that may still be told in this one, by all actors together. */
  left: number;
}

/** Events of one type that are told together; `last` is undefined while there are none. */
export interface Bundle {
  count: number;
  last: EventObject | undefined;
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
  /** One for each hot type that it has heard in great numbers, by the type's place; kept for the next ones. */
  readonly #kept: (Bundle | undefined)[] = [];
  /** Those that hold something, in the order in which they began. */
  #bundles: Bundle[] = [];
  /** Where its chart has been since it was last told, one for each step of the event that it works on. */
  steps: string[][] = [];
  #window = 0;
  #heard = 0;
  /** So many may be told singly in this window. */
  #singly = 0;

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
    if (this.#window !== window.number) this.#begin(window);
    this.#heard += 1;
    if (this.#heard > this.#singly || window.left <= 0) return false;
    window.left -= 1;
    return true;
  }

  #begin({ number }: Window): void {
    const isLoud = this.#window === number - 1 && this.#heard > TOLD_SINGLY;
    this.#singly = isLoud ? 0 : TOLD_SINGLY;
    this.#window = number;
    this.#heard = 0;
  }

  /**
   * Adds an event to those of its type, which is the hot one in this place. Of a token makes nothing but the first time:
   * see {@link kept}.
   */
  bundle(place: number, event: EventObject, source: AnyActorRef | undefined): void {
    const bundle = this.#kept[place] ?? this.#keep(place);
    if (bundle.count === 0) this.#bundles.push(bundle);
    bundle.count += 1;
    bundle.last = kept(event);
    bundle.source = source;
  }

  #keep(place: number): Bundle {
    const bundle: Bundle = { count: 0, last: undefined, source: undefined };
    while (this.#kept.length < place) this.#kept.push(undefined);
    this.#kept[place] = bundle;
    return bundle;
  }

  /** Whether events wait to be told together. */
  get hasBundles(): boolean {
    return this.#bundles.length > 0;
  }

  /** Takes what waits, and begins anew. */
  takeBundles(): Bundle[] {
    const taken = this.#bundles.map((bundle) => ({ ...bundle }));
    for (const bundle of this.#bundles) {
      bundle.count = 0;
      bundle.last = undefined;
      bundle.source = undefined;
    }
    this.#bundles = [];
    return taken;
  }
}

/**
 * An event as it is heard, to be told later. On its way to the host what is no plain token is stamped in place, and would
 * be told as another one than was heard: of that one the parameters are copied. So who is not watched pays nothing.
 */
function kept(event: EventObject & { params?: CheckedEvent }): EventObject {
  const { params } = event;
  if (params?.kind !== 'token' || isPlainToken(params)) return event;
  const copy: typeof event = { ...event, params: { ...params } };
  return copy;
}
