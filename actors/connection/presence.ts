import { CloseCode } from '../../protocol/close-codes.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { giveUpCalls } from './call-life.ts';

/** Binds an agent's connection to its id; an older one of the same agent is closed and loses its turns (section 3). */
export function attachAgent(kernel: Kernel, client: Client): void {
  const { agentId } = client;
  if (agentId === undefined) return;
  const older = kernel.attached.get(agentId);
  kernel.attached.set(agentId, client);
  kernel.hooks.agentAttached(agentId, client);
  const payload = { client_id: client.id };
  kernel.events.emit({ kind: 'agent.attached', agentId, message: `agent ${agentId} attached`, payload });
  if (!older || older === client) return;
  kernel.hooks.agentReplaced(older);
  tell(kernel.ref, older.ref, { type: 'connection.close', code: CloseCode.Replaced });
}

/** A connection is gone: everything that was its own goes with it, and the other side of each is told. */
export function endClient(kernel: Kernel, client: Client): void {
  const { agentId } = client;
  kernel.events.unsubscribe(client);
  giveUpCalls(client);
  kernel.hooks.connectionEnded(client);
  // Only if it is still the one: a replaced connection's end is not its agent's (law 15).
  if (agentId === undefined || kernel.attached.get(agentId) !== client) return;
  kernel.attached.delete(agentId);
  const payload = { client_id: client.id };
  kernel.events.emit({ kind: 'agent.detached', agentId, message: `agent ${agentId} detached`, payload });
}
