import type { AnyActorRef } from 'xstate';
import type { SurfaceAction } from '../../protocol/surfaces.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { SurfaceFeed } from './feed.ts';
import { actionText, eventLogListener, subscriber } from './listeners.ts';
import type { Change } from './surface.ts';

/** From now on this client hears of every surface; those that there are it is given as a listing. */
export function subscribe(state: BrokerState, client: Client): void {
  const feed = state.surfaces.subscribe(client, () => new SurfaceFeed(state, subscriber(state, client)));
  feed.listed(state.surfaces);
}

/** Tells everybody who watches what became of a surface: subscribers all of it, the event log that it happened. */
export function announceChange(state: BrokerState, self: AnyActorRef, change: Change): void {
  if (!change.before && !change.after) return;
  for (const feed of feeds(state)) feed.changed(change, self);
}

/** Tells everybody who watches what a person did. What came of it is for that person alone. */
export function announceAction(state: BrokerState, self: AnyActorRef, action: SurfaceAction, agentId?: string): void {
  const acted = { action, agentId, text: actionText(action) };
  for (const feed of feeds(state)) feed.acted(acted, self);
}

function feeds(state: BrokerState): SurfaceFeed[] {
  return [...state.surfaces.feeds, state.surfaces.logFeed(() => new SurfaceFeed(state, eventLogListener(state)))];
}
