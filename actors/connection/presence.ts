import type { Identity } from '../../machines/connection.machine.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import type { WireError } from '../../protocol/errors.ts';
import { isGuest, isSocket, type Link } from '../../protocol/link.ts';
import { toMoment } from '../../protocol/moment.ts';
import { agentKey } from '../../protocol/principal.ts';
import type { Reached } from '../kernel/accounts.ts';
import { forUsersOf } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';

import { tell } from '../kernel/tell.ts';
import { giveUpCalls } from './call-life.ts';
import { forgetJwt, watchJwt } from './jwt-life.ts';

/** A connection has said who it is, or the program around the broker has. One by a JWT ends with that. */
export function noteEntry(kernel: Kernel, client: Client): void {
  const { role, agentId, identity, isVouchedFor, link } = client;
  // A guest has said it where its connection is, and there it ends.
  if (isGuest(link)) return;
  kernel.audit.by(client, 'session.auth', 'ok', agentId, {
    role,
    name: identity?.name,
    key: identity?.key?.id,
    jwt_expires_at: identity?.jwt && toMoment(identity.jwt.expiresAt),
    // Who came with a token in a header has proved it.
    vouched_for: (isVouchedFor && !isSocket(link)) || undefined,
  });
  watchJwt(kernel, client);
}

/** The limit that keeps one more connection of somebody out. An agent's takes the place of the one that it has. */
export function keepsOut(kernel: Kernel, link: Link, identity: Identity): Reached | undefined {
  const { agentId, principal } = identity;
  if (agentId !== undefined && kernel.attached.has(agentKey(principal.tenant, agentId))) return undefined;
  return kernel.shared.keepsOut(link, identity);
}

/** Somebody has as many connections as they may. Counts and logs it, and gives what they are told. */
export function turnAway(kernel: Kernel, { principal }: Identity, reached: Reached): WireError {
  const what = 'a connection was refused: there are as many as the limit lets';
  kernel.sparseLog.warn({ ...principal, limit: reached.name, most: reached.value }, what);
  return kernel.shared.refusal(reached);
}

/** Binds an agent's connection to its id; an older one of the same agent is closed and loses its turns (section 3). */
export function attachAgent(kernel: Kernel, client: Client): void {
  const { agentId, agentKey } = client;
  // One that is here only as a guest is attached where its connection is.
  if (agentId === undefined || agentKey === undefined || isGuest(client.link)) return;
  const older = kernel.attached.get(agentKey);
  kernel.attached.set(agentKey, client);
  kernel.audit.by(client, 'agent.attach', older && older !== client ? 'replaced' : 'ok', agentId);
  kernel.hooks.agentAttached(agentKey, client);
  tellOfAgent(kernel, client, agentId, 'attached');
  if (!older || older === client) return;
  closeReplaced(kernel, older, false);
}

/** An agent has a newer connection, here or at another broker: this one leaves its turns, and is closed. */
export function closeReplaced(kernel: Kernel, older: Client, isElsewhere: boolean): void {
  kernel.hooks.agentReplaced(older, isElsewhere);
  tell(kernel.ref, older.ref, { type: 'connection.close', code: CloseCode.Replaced });
}

/** An agent has come, or gone: whoever may use it hears so. */
function tellOfAgent(kernel: Kernel, client: Client, agentId: string, what: 'attached' | 'detached'): void {
  const { id, tenant, agentKey } = client;
  kernel.events.emit({
    tenant,
    kind: `agent.${what}`,
    agentId,
    message: `agent ${agentId} ${what}`,
    payload: { client_id: id },
    audience: forUsersOf(tenant, agentId),
  });
  // One that comes and goes all the time does not fill the disk, and keeps no other from being heard of.
  kernel.sparseLog.info({ tenant, agent: agentId, client: id }, `agent ${what}`, `${what} ${agentKey}`);
}

/** A connection is gone: everything that was its own goes with it, and the other side of each is told. */
export function endClient(kernel: Kernel, client: Client): void {
  const { agentId, agentKey } = client;
  kernel.events.unsubscribe(client);
  giveUpCalls(client);
  forgetJwt(kernel, client);
  kernel.shared.leave(client);
  if (client.identity && !isGuest(client.link))
    kernel.audit.by(client, 'session.end', 'ok', agentId, { overrun: client.isOverrun || undefined });
  kernel.hooks.connectionEnded(client);
  // Only if it is still the one: a replaced connection's end is not its agent's (law 15).
  if (agentId === undefined || agentKey === undefined || kernel.attached.get(agentKey) !== client) return;
  kernel.attached.delete(agentKey);
  kernel.audit.by(client, 'agent.detach', 'ok', agentId);
  tellOfAgent(kernel, client, agentId, 'detached');
}
