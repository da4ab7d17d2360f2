import type { Client } from '../kernel/client.ts';
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
}

const turns = slot(() => new ClientTurns());

/** A connection's turns. */
export const turnsOf = (client: Client): ClientTurns => turns.of(client);

/** From now on this client hears every event of the turn, until one of the two goes. */
export function observe(turn: Turn, client: Client): void {
  turn.observers.add(client);
  turnsOf(client).observing.add(turn);
}

/** It hears no more of them. @returns whether it did watch; one that did not is no error */
export function unobserve(turn: Turn, client: Client): boolean {
  turnsOf(client).observing.delete(turn);
  return turn.observers.delete(client);
}
