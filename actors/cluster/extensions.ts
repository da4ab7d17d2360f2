import type { Client } from '../kernel/client.ts';
import { LazyMap } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import type { Extension } from './extension-record.ts';

const extensions = slot(() => new LazyMap<string, Extension>());

/** What a connection has at other brokers, by their names. */
export const extensionsOf = (client: Client): LazyMap<string, Extension> => extensions.of(client);

/** Live turns at other brokers whose hosts are among these connections. */
export function hostedTurns(clients: Iterable<Client>): number {
  let count = 0;
  for (const client of clients)
    for (const [, { turns }] of extensionsOf(client))
      for (const { role } of turns.values()) if (role === 'controller') count += 1;
  return count;
}
