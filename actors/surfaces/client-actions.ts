import type { Client } from '../kernel/client.ts';
import { slot } from '../kernel/slots.ts';

const actions = slot(() => ({ pending: 0 }));

/** How many actions of a connection are on their way to A2A agents. */
export const actionsOf = (client: Client): { pending: number } => actions.of(client);
