import type { AnyActorRef } from 'xstate';
import type { SurfaceAction, SurfaceEvent } from '../../protocol/surfaces.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { namedEvent } from '../kernel/named-event.ts';
import { tell } from '../kernel/tell.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { seesSurface, surfaceIdFor } from './rooms.ts';
import { type Acted, type Change, labelOf, type Surface, type SurfaceLabel, toRow, toView } from './surface.ts';
import { SURFACES } from './surfaces.ts';

/** From now on this client hears of every surface that exists for it; those that there are it is given as a listing. */
export function subscribe(kernel: Kernel, client: Client): void {
  const feed = kernel.get(SURFACES).subscribe(client, () => new SurfaceFeed(kernel, subscriber(kernel, client)));
  feed.listed([...kernel.get(SURFACES)].filter((surface) => seesSurface(client, surface)));
}

/** Tells everybody who watches what became of a surface: subscribers all of it, the event log that it happened. */
export function announceChange(kernel: Kernel, self: AnyActorRef, change: Change): void {
  if (!change.before && !change.after) return;
  for (const feed of feeds(kernel)) feed.changed(change, self);
}

/** Tells everybody who watches what a person did. What came of it is for that person alone. */
export function announceAction(kernel: Kernel, self: AnyActorRef, action: SurfaceAction, surface: Surface): void {
  const acted = { action, surface: labelOf(surface), texts: new Map() };
  for (const feed of feeds(kernel)) feed.acted(acted, self);
}

function feeds(kernel: Kernel): SurfaceFeed[] {
  return [
    ...kernel.get(SURFACES).feeds,
    kernel.get(SURFACES).logFeed(() => new SurfaceFeed(kernel, eventLogListener(kernel))),
  ];
}

/** How soon it is looked again whether there is room. Milliseconds. */
const RETRY_MS = 50;

/** Who is told of surfaces, for as long as it has room. */
interface SurfaceListener {
  /** Whether a surface exists for it. */
  sees(surface: SurfaceLabel): boolean;
  hasRoom(): boolean;
  updated(surface: Surface, from: AnyActorRef): void;
  deleted(surface: SurfaceLabel, from: AnyActorRef): void;
  acted(acted: Acted, from: AnyActorRef): void;
}

/** Of a surface, that it is told as it is then; and before that, where it was told to be there, that it has gone. */
type Waiting = { gone?: SurfaceLabel } | { acted: Acted };

/**
 * What one listener is still to be told, in order. While it has no room a newer change of a surface takes the place of
 * the one that waits, and a surface that came and went meanwhile is not told of at all: what waits is one entry for each
 * surface that there is or that the listener knows of, whatever happens to them, and so many actions.
 */
export class SurfaceFeed {
  readonly #kernel: Kernel;
  readonly #listener: SurfaceListener;
  /** The surfaces that it was told to be there. */
  readonly #known = new Set<string>();
  readonly #waiting = new Map<string | Acted, Waiting>();
  /** Those of the waiting that are actions, oldest first. */
  readonly #actions = new Set<Acted>();
  #retry: Deadline | undefined;

  constructor(kernel: Kernel, listener: SurfaceListener) {
    this.#kernel = kernel;
    this.#listener = listener;
  }

  /** It has been given a listing: when one of these goes, it has to hear of that. */
  listed(surfaces: Iterable<Surface>): void {
    for (const { key } of surfaces) this.#known.add(key);
  }

  changed({ key, before, after }: Change, from: AnyActorRef): void {
    const surface = after ?? before;
    if (!surface || !this.#listener.sees(surface)) return;
    const waiting = this.#waiting.get(key);
    if (after) {
      if (!waiting) this.#waiting.set(key, {});
    } else if (this.#known.delete(key)) this.#waiting.set(key, { gone: labelOf(surface) });
    else if (waiting && !('gone' in waiting)) this.#waiting.delete(key);
    this.#flush(from);
  }

  acted(acted: Acted, from: AnyActorRef): void {
    if (!this.#listener.sees(acted.surface)) return;
    this.#waiting.set(acted, { acted });
    this.#actions.add(acted);
    this.#flush(from);
    if (this.#actions.size <= this.#kernel.limits.maxWaitingActions) return;
    for (const oldest of this.#actions) {
      this.#forget(oldest);
      this.#kernel.counters.dropOf<'surface_action'>('surface_action');
      return;
    }
  }

  /** Nobody listens any more. */
  end(): void {
    this.#kernel.deadlines.disarm(this.#retry);
  }

  #flush(from: AnyActorRef): void {
    for (const [key, waiting] of this.#waiting) {
      if (!this.#listener.hasRoom()) break;
      this.#forget(key);
      if ('acted' in waiting) this.#listener.acted(waiting.acted, from);
      else this.#tell(String(key), waiting.gone, from);
    }
    if (this.#waiting.size === 0 || this.#retry) return;
    this.#retry = this.#kernel.deadlines.arm(RETRY_MS, () => {
      this.#retry = undefined;
      this.#flush(this.#kernel.ref);
    });
  }

  #tell(key: string, gone: SurfaceLabel | undefined, from: AnyActorRef): void {
    if (gone) this.#listener.deleted(gone, from);
    const surface = this.#kernel.get(SURFACES).get(key);
    if (!surface) return;
    this.#known.add(key);
    this.#listener.updated(surface, from);
  }

  #forget(key: string | Acted): void {
    this.#waiting.delete(key);
    if (typeof key !== 'string') this.#actions.delete(key);
  }
}

/** How often a subscriber is sent the soft limit's worth of surfaces at most, however fast it reads. Milliseconds. */
const SUBSCRIBER_WINDOW_MS = 50;
/** How often the event log takes {@link LOG_EVENTS} of surfaces at most. Milliseconds. */
const LOG_WINDOW_MS = 1_000;
/** See {@link LOG_WINDOW_MS}. */
const LOG_EVENTS = 100;

/** So much in so much time. */
class Allowance {
  readonly #kernel: Kernel;
  readonly #windowMs: number;
  readonly #most: number;
  #since = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(kernel: Kernel, windowMs: number, most: number) {
    this.#kernel = kernel;
    this.#windowMs = windowMs;
    this.#most = most;
  }

  isLeft(): boolean {
    const now = this.#kernel.clock.now();
    if (now - this.#since >= this.#windowMs) {
      this.#since = now;
      this.#used = 0;
    }
    return this.#used < this.#most;
  }

  use(amount: number): void {
    this.#used += amount;
  }
}

/**
 * A client that subscribes to surfaces. What is sent to it is large, and somebody else decides how often: so it is sent no
 * more than leaves its connection below the soft limit, and a surface beside it, and its own chats have the rest.
 */
function subscriber(kernel: Kernel, client: Client): SurfaceListener {
  const most = kernel.limits.softLimitBytes;
  const allowance = new Allowance(kernel, SUBSCRIBER_WINDOW_MS, most);
  const send = (from: AnyActorRef, params: JsonText) => {
    allowance.use(params.length);
    tell(from, client.ref, { type: 'rpc.notify', method: 'a2ui.event', params });
  };
  return {
    hasRoom: () => allowance.isLeft() && client.link.waitingBytes < most,
    sees: (surface) => seesSurface(client, surface),
    updated: (surface, from) =>
      send(from, kernel.get(SURFACES).textOf(surface, surfaceIdFor(client, surface), updateText)),
    deleted: (surface, from) => {
      const surfaceId = surfaceIdFor(client, surface);
      send(from, eventText({ kind: 'a2ui.surface_deleted', result: { surfaceId, deleted: true } }));
    },
    acted: ({ action, surface, texts }, from) => {
      const surfaceId = surfaceIdFor(client, surface);
      const text = texts.get(surfaceId) ?? actionText({ ...action, surfaceId });
      texts.set(surfaceId, text);
      send(from, text);
    },
  };
}

/** The event log: it has what happened, and not what is on the surfaces. */
function eventLogListener(kernel: Kernel): SurfaceListener {
  const allowance = new Allowance(kernel, LOG_WINDOW_MS, LOG_EVENTS);
  const emit = (kind: string, surface: SurfaceLabel, message: string, payloadFor: (surfaceId: string) => object) => {
    allowance.use(1);
    const { agentId, surfaceId, key, owner, author } = surface;
    const audience = { is: 'owner', owner, agentId, agent: author, isRoom: true } as const;
    const said = namedEvent(surfaceId, key, { owner, isRoom: true }, (id) => ({ message, payload: payloadFor(id) }));
    kernel.events.emit({ tenant: owner.tenant, kind, agentId, bytes: jsonBytes(said.payload), audience, ...said });
  };
  return {
    sees: () => true,
    hasRoom: () => allowance.isLeft(),
    updated: (surface) => emit('a2ui.surface_updated', labelOf(surface), 'surface updated', rowsOf(surface)),
    deleted: (surface) =>
      emit('a2ui.surface_deleted', surface, 'surface deleted', (surfaceId) => ({ surfaceId, deleted: true })),
    acted: ({ action, surface }) =>
      emit('a2ui.action', surface, 'surface action', (surfaceId) => ({ event: { ...action, surfaceId } })),
  };
}

/** What events say of a surface that has changed. Of the surface itself it keeps nothing: an event is kept for long. */
function rowsOf(surface: Surface): (surfaceId: string) => object {
  const row = toRow(surface, surface.surfaceId);
  return (surfaceId) => ({ surfaceId, deleted: false, surface: { ...row, surfaceId } });
}

/** What subscribers are sent of an action. */
function actionText(action: Acted['action']): JsonText {
  return eventText({ kind: 'a2ui.action', result: { event: action } });
}

function updateText(surface: Surface, surfaceId: string): JsonText {
  const result = { surfaceId, deleted: false, surface: toView(surface, surfaceId) };
  return eventText({ kind: 'a2ui.surface_updated', result });
}

function eventText(event: SurfaceEvent): JsonText {
  return new JsonText(writeJson(event));
}
