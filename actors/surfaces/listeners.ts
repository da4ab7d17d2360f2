import type { AnyActorRef } from 'xstate';
import type { SurfaceEvent } from '../../protocol/surfaces.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { tell } from '../kernel/tell.ts';
import { JsonText } from '../requests/json-text.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import type { SurfaceListener } from './feed.ts';
import { type Acted, type Surface, toRow, toView } from './surface.ts';

/** How often a subscriber is sent the soft limit's worth of surfaces at most, however fast it reads. Milliseconds. */
const SUBSCRIBER_WINDOW_MS = 50;
/** How often the event log takes {@link LOG_EVENTS} of surfaces at most. Milliseconds. */
const LOG_WINDOW_MS = 1_000;
/** See {@link LOG_WINDOW_MS}. */
const LOG_EVENTS = 100;

/** So much in so much time. */
class Allowance {
  readonly #state: BrokerState;
  readonly #windowMs: number;
  readonly #most: number;
  #since = Number.NEGATIVE_INFINITY;
  #used = 0;

  constructor(state: BrokerState, windowMs: number, most: number) {
    this.#state = state;
    this.#windowMs = windowMs;
    this.#most = most;
  }

  isLeft(): boolean {
    const now = this.#state.clock.now();
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
export function subscriber(state: BrokerState, client: Client): SurfaceListener {
  const most = state.limits.softLimitBytes;
  const allowance = new Allowance(state, SUBSCRIBER_WINDOW_MS, most);
  const send = (from: AnyActorRef, params: JsonText) => {
    allowance.use(params.length);
    tell(from, client.ref, { type: 'rpc.notify', method: 'a2ui.event', params });
  };
  return {
    hasRoom: () => allowance.isLeft() && client.link.waitingBytes < most,
    updated: (surface, from) => send(from, state.surfaces.textOf(surface, updateText)),
    deleted: (surfaceId, _agentId, from) =>
      send(from, eventText({ kind: 'a2ui.surface_deleted', result: { surfaceId, deleted: true } })),
    acted: ({ text }, from) => send(from, text),
  };
}

/** The event log: it has what happened, and not what is on the surfaces. */
export function eventLogListener(state: BrokerState): SurfaceListener {
  const allowance = new Allowance(state, LOG_WINDOW_MS, LOG_EVENTS);
  const emit = (kind: string, agentId: string | undefined, message: string, payload: object) => {
    allowance.use(1);
    state.events.emit({ kind, agentId, message, payload, bytes: jsonBytes(payload) });
  };
  return {
    hasRoom: () => allowance.isLeft(),
    updated: (surface) => {
      const payload = { surfaceId: surface.surfaceId, deleted: false, surface: toRow(surface) };
      emit('a2ui.surface_updated', surface.agentId, 'surface updated', payload);
    },
    deleted: (surfaceId, agentId) =>
      emit('a2ui.surface_deleted', agentId, 'surface deleted', { surfaceId, deleted: true }),
    acted: ({ action, agentId }) => emit('a2ui.action', agentId, 'surface action', { event: action }),
  };
}

/** What subscribers are sent of an action. */
export function actionText(action: Acted['action']): JsonText {
  return eventText({ kind: 'a2ui.action', result: { event: action } });
}

function updateText(surface: Surface): JsonText {
  const { surfaceId } = surface;
  return eventText({ kind: 'a2ui.surface_updated', result: { surfaceId, deleted: false, surface: toView(surface) } });
}

function eventText(event: SurfaceEvent): JsonText {
  return new JsonText(JSON.stringify(event));
}
