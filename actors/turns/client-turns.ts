import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { LazySet } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import type { QueuedChat } from './sessions.ts';
import type { Turn } from './turn-record.ts';

/** What a connection has to do with turns. */
class ClientTurns {
  /** Turns whose host it is. */
  readonly hosting = new LazySet<Turn>();
  /** Turns that it only watches. */
  readonly observing = new LazySet<Turn>();
  /** Chats of its that wait for their session. */
  readonly queued = new LazySet<QueuedChat>();
  /** Turns that it answers, as an agent. */
  readonly serving = new LazySet<Turn>();
  /** Sessions of which it had the last turn, as their agent: see `Sessions.wasServedBy`. */
  readonly served = new LazySet<string>();
}

const turns = slot(() => new ClientTurns());

/** What a turn hears whose host's key was removed: it ends, and waits for nobody. */
export const HOST_EXPELLED = { type: 'turn.cancel', reason: 'host_disconnected', graceMs: 0 } as const;

/** A connection's turns. */
export const turnsOf = (client: Client): ClientTurns => turns.of(client);

/** @throws {WireError} `-32020` where a connection is the host of as many turns as it may be. */
export function checkTurnLimit(kernel: Kernel, from: Client): void {
  const limit = kernel.limits.maxTurnsPerConnection;
  const { hosting, queued } = turnsOf(from);
  if (hosting.size + queued.size >= limit) throw WireError.limitExceeded('max_turns_per_connection', limit);
}

/** From now on this client hears every event of the turn, until one of the two goes. */
export function observe(turn: Turn, client: Client): void {
  turn.observers.add(client);
  turnsOf(client).observing.add(turn);
}

/** It hears no more of them. @returns whether it did watch; one that did not is no error */
export function unobserve(turn: Turn, client: Client): boolean {
  turnsOf(client).observing.delete(turn);
  if (turn.host !== client) turn.ahead?.delete(client);
  return turn.observers.delete(client);
}
