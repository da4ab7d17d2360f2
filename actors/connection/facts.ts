import { connectionHotEvents, connectionMachine } from '../../machines/connection.machine.ts';
import type { Client } from '../kernel/client.ts';
import type { Facts } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** The chart of connections, and what is told of one. */
export const connectionChart = {
  machine: connectionMachine,
  hot: connectionHotEvents,
  facts({ client }: { client: Client }, kernel: Kernel): Facts {
    const fields = {
      role: client.role ?? 'unauthenticated',
      agent_id: client.agentId ?? null,
      via: client.link.kind,
      is_open: client.isOpen,
      wrong_tokens: client.authFailures,
      waiting_bytes: client.link.waitingBytes,
      pending_calls: client.calls.size,
      ...kernel.hooks.clientFacts(client),
      has_handshaken: client.hasHandshaken,
    };
    return {
      label: client.agentId ?? client.role ?? 'unauthenticated',
      startedAt: kernel.wall.of(client.connectedAt),
      fields,
    };
  },
};
