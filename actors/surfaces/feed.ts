import type { AnyActorRef } from 'xstate';
import type { BrokerState } from '../kernel/broker-state.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Acted, Change, Surface } from './surface.ts';

/** How soon it is looked again whether there is room. Milliseconds. */
const RETRY_MS = 50;

/** Who is told of surfaces, for as long as it has room. */
export interface SurfaceListener {
  hasRoom(): boolean;
  updated(surface: Surface, from: AnyActorRef): void;
  deleted(surfaceId: string, agentId: string | undefined, from: AnyActorRef): void;
  acted(acted: Acted, from: AnyActorRef): void;
}

/** Of a surface, that it is told as it is then; and before that, where it was told to be there, that it has gone. */
type Waiting = { gone?: { agentId: string | undefined } } | { acted: Acted };

/**
 * What one listener is still to be told, in order. While it has no room a newer change of a surface takes the place of
 * the one that waits, and a surface that came and went meanwhile is not told of at all: what waits is one entry for each
 * surface that there is or that the listener knows of, whatever happens to them, and so many actions.
 */
export class SurfaceFeed {
  readonly #state: BrokerState;
  readonly #listener: SurfaceListener;
  /** Revisions of the surfaces that it was told to be there. */
  readonly #known = new Map<string, number>();
  readonly #waiting = new Map<string | Acted, Waiting>();
  /** Those of the waiting that are actions, oldest first. */
  readonly #actions = new Set<Acted>();
  #retry: Deadline | undefined;

  constructor(state: BrokerState, listener: SurfaceListener) {
    this.#state = state;
    this.#listener = listener;
  }

  /** It has been given a listing: when one of these goes, it has to hear of that. */
  listed(surfaces: Iterable<Surface>): void {
    for (const { surfaceId } of surfaces) if (!this.#known.has(surfaceId)) this.#known.set(surfaceId, 0);
  }

  changed({ surfaceId, before, after }: Change, from: AnyActorRef): void {
    const waiting = this.#waiting.get(surfaceId);
    if (after) {
      if (!waiting) this.#waiting.set(surfaceId, {});
    } else if (this.#known.delete(surfaceId)) this.#waiting.set(surfaceId, { gone: { agentId: before?.agentId } });
    else if (waiting && !('gone' in waiting)) this.#waiting.delete(surfaceId);
    this.#flush(from);
  }

  acted(acted: Acted, from: AnyActorRef): void {
    this.#waiting.set(acted, { acted });
    this.#actions.add(acted);
    this.#flush(from);
    if (this.#actions.size <= this.#state.limits.maxWaitingActions) return;
    const [oldest] = this.#actions;
    if (!oldest) return;
    this.#forget(oldest);
    this.#state.counters.drop('surface_action');
  }

  /** Nobody listens any more. */
  end(): void {
    this.#waiting.clear();
    this.#actions.clear();
    this.#state.deadlines.disarm(this.#retry);
    this.#retry = undefined;
  }

  #flush(from: AnyActorRef): void {
    for (const [key, waiting] of this.#waiting) {
      if (!this.#listener.hasRoom()) break;
      this.#forget(key);
      if ('acted' in waiting) this.#listener.acted(waiting.acted, from);
      else this.#tell(String(key), waiting.gone, from);
    }
    if (this.#waiting.size === 0 || this.#retry) return;
    this.#retry = this.#state.deadlines.arm(RETRY_MS, () => {
      this.#retry = undefined;
      this.#flush(this.#state.ref);
    });
  }

  #tell(surfaceId: string, gone: { agentId: string | undefined } | undefined, from: AnyActorRef): void {
    if (gone) this.#listener.deleted(surfaceId, gone.agentId, from);
    const surface = this.#state.surfaces.get(surfaceId);
    if (!surface || this.#known.get(surfaceId) === surface.revision) return;
    this.#known.set(surfaceId, surface.revision);
    this.#listener.updated(surface, from);
  }

  #forget(key: string | Acted): void {
    this.#waiting.delete(key);
    if (typeof key !== 'string') this.#actions.delete(key);
  }
}
