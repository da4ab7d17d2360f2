import type { AgentRow, AgentSpec } from '../../protocol/agents.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import type { Client } from '../kernel/client.ts';
import { tell } from '../kernel/tell.ts';
import type { Handler, Handlers } from '../requests/dispatcher.ts';
import { checkSize } from '../requests/payload-size.ts';
import { turnsOf } from '../turns/client-turns.ts';

/** `agents.upsert` (`wire.md` section 4). */
const upsertAgent: Handler<'agents.upsert'> = ({ kernel, params }) => {
  const { maxAgents } = kernel.limits;
  if (!kernel.get(AGENTS).has(params.id) && kernel.get(AGENTS).size >= maxAgents)
    throw WireError.limitExceeded('max_agents', maxAgents);
  checkSize(kernel, params.metadata);
  return kernel.get(AGENTS).upsert(params);
};

/** `agents.remove`: its connection, if there is one, goes with it (`wire.md` section 4). */
const removeAgent: Handler<'agents.remove'> = ({ kernel, params }) => {
  const attached = kernel.attached.get(params.id);
  if (!attached && !kernel.get(AGENTS).has(params.id)) return { removed: false };
  // Another agent of that id must find nothing of this one. First what may be hard to forget: an agent that has lost that
  // can be removed later, and one that is removed cannot lose it later.
  kernel.hooks.agentRemoving(params.id);
  kernel.get(AGENTS).remove(params.id);
  kernel.hooks.agentRemoved(params.id);
  if (attached) tell(kernel.ref, attached.ref, { type: 'connection.close', code: CloseCode.Forbidden });
  return { removed: true };
};

/** `agents.list`: every known and every attached agent (`wire.md` section 4). */
const listAgents: Handler<'agents.list'> = ({ kernel }) => {
  const rows = kernel
    .get(AGENTS)
    .specs()
    .map((spec) => toRow(spec, kernel.attached.get(spec.id)));
  for (const [id, client] of kernel.attached) {
    // Where authentication is off, an agent may be attached that nobody ever registered.
    if (!kernel.get(AGENTS).has(id)) rows.push(toRow({ id, name: id, capabilities: [], metadata: {} }, client));
  }
  return rows;
};

function toRow(spec: AgentSpec, client: Client | undefined): AgentRow {
  return {
    spec,
    status: client ? 'running' : 'stopped',
    attached: client !== undefined,
    session_id: client?.id ?? null,
    turns: client ? turnsOf(client).serving.size : 0,
  };
}

/** What the registry of agents answers. */
export const agentMethods: Handlers = {
  'agents.upsert': upsertAgent,
  'agents.remove': removeAgent,
  'agents.list': listAgents,
};
