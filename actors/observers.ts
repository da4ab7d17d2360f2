import type { Client } from './client.ts';
import type { TurnLog } from './turn-log.ts';

/** From now on this client hears every event of the turn, until one of the two goes. */
export function observe(log: TurnLog, client: Client): void {
  log.observers.add(client);
  client.observing.add(log);
}

/** It hears no more of them; one that did not watch is no error. */
export function unobserve(log: TurnLog, client: Client): void {
  log.observers.delete(client);
  client.observing.delete(log);
}
