import type { Client } from '../kernel/client.ts';
import { LazyMap } from '../kernel/lazy.ts';
import { slot } from '../kernel/slots.ts';
import type { Extension } from './extension-record.ts';

const extensions = slot(() => new LazyMap<string, Extension>());

/** What a connection has at other brokers, by their names. */
export const extensionsOf = (client: Client): LazyMap<string, Extension> => extensions.of(client);
