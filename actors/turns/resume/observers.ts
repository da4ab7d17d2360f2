import type { Client } from '../../kernel/client.ts';
import { turnsOf } from '../client-turns.ts';
import type { Turn } from '../turn-record.ts';

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
