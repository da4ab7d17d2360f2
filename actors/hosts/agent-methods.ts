import type { AgentRow, AgentSpec } from '../../protocol/agents.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import { isEmpty } from '../../protocol/json.ts';
import { agentKey } from '../../protocol/principal.ts';
import { traceId } from '../../protocol/trace.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import { atBroker } from '../kernel/at-broker.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { mayUse, sees } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import type { Handler, Handlers } from '../requests/dispatcher.ts';
import { checkPending, onceKept } from '../requests/once-kept.ts';
import { checkSize } from '../requests/payload-size.ts';
import { replyRows } from '../requests/reply-rows.ts';
import { turnsOf } from '../turns/client-turns.ts';

/** `agents.upsert` (`wire.md` section 4). */
const upsertAgent: Handler<'agents.upsert'> = (call) => {
  const { kernel, from, params } = call;
  const { maxAgents, maxKnownAgentBytes } = kernel.limits;
  const agents = kernel.get(AGENTS);
  const id = agentKey(from.tenant, params.id);
  if (!agents.has(id) && agents.size >= maxAgents) throw WireError.limitExceeded('max_agents', maxAgents);
  if (!agents.has(id)) kernel.shared.demandPlace('agents', from, agents.sizeOf(from.tenant));
  checkSize(kernel, params.metadata);
  checkPending(call);
  const isNew = !agents.has(id);
  const data = { created: isNew, rotated: !isNew && params.rotate_token === true };
  const note = { on: params.id, data, trace: traceId(call.trace) };
  const change = () => agents.upsert({ ...params, id }, false, maxKnownAgentBytes);
  const answer = kernel.audit.tried(from, 'agents.upsert', note, change);
  return onceKept(call, 'agents.upsert', agents.kept, note, () => ({ result: answer }));
};

/** `agents.remove`: its connection, if there is one, goes with it (`wire.md` section 4). */
const removeAgent: Handler<'agents.remove'> = (call) => {
  const { kernel, from, params } = call;
  checkPending(call);
  const id = agentKey(from.tenant, params.id);
  const attached = kernel.attached.get(id);
  // Where it is being removed already, that may still fail.
  const agents = kernel.get(AGENTS);
  const note = (removed: boolean) => ({ on: params.id, data: { removed }, trace: traceId(call.trace) });
  if (!attached && !agents.has(id) && !kernel.isElsewhere(id))
    return onceKept(call, 'agents.remove', agents.kept, note(false), () => ({ result: { removed: false } }));
  // Another agent of that id must find nothing of this one. First what may be hard to forget: an agent that has lost that
  // can be removed later, and one that is removed cannot lose it later.
  kernel.hooks.agentRemoving(id);
  kernel.audit.tried(from, 'agents.remove', note(true), () => agents.remove(id));
  return onceKept(call, 'agents.remove', agents.kept, note(true), () => {
    kernel.hooks.agentRemoved(id);
    if (attached) tell(kernel.ref, attached.ref, { type: 'connection.close', code: CloseCode.Forbidden });
    return { result: { removed: true } };
  });
};

/** `agents.list`: every known and every attached agent that exists for the caller (`wire.md` section 4). */
const listAgents: Handler<'agents.list'> = (call) => {
  const { kernel, from } = call;
  const { tenant } = from;
  const rows: AgentRow[] = [];
  for (const spec of kernel.get(AGENTS).specs(tenant))
    if (mayUse(from, spec.id)) rows.push(toRow(kernel, from, spec, kernel.attached.get(agentKey(tenant, spec.id))));
  for (const [key, client] of kernel.attached) {
    const { agentId: id = '' } = client;
    // Where authentication is off, or a principal of its own is an agent, one may be attached that nobody ever registered.
    if (client.tenant === tenant && mayUse(from, id) && !kernel.get(AGENTS).has(key))
      rows.push(toRow(kernel, from, { id, name: id, capabilities: [], metadata: {} }, client));
  }
  return replyRows(call, rows, { toHead: toListed });
};

/** A row without its agent's metadata, which may be long; itself where there is none. */
const toListed = (row: AgentRow): AgentRow =>
  isEmpty(row.spec.metadata) ? row : { ...row, spec: { ...row.spec, metadata: {} } };

function toRow(kernel: Kernel, from: Client, spec: AgentSpec, client: Client | undefined): AgentRow {
  return {
    spec,
    status: client ? 'running' : 'stopped',
    attached: client !== undefined,
    session_id: client?.id ?? null,
    turns: client ? turnsSeenBy(from, client) : 0,
    ...(client && atBroker(kernel)),
  };
}

/** How many turns an agent answers, of those that exist for this client. */
function turnsSeenBy(from: Client, agent: Client): number {
  const { serving } = turnsOf(agent);
  if (from === agent) return serving.size;
  let seen = 0;
  for (const { owner, agentId } of serving) if (sees(from, owner, agentId)) seen += 1;
  return seen;
}

/** What the registry of agents answers. */
export const agentMethods: Handlers = {
  'agents.upsert': upsertAgent,
  'agents.remove': removeAgent,
  'agents.list': listAgents,
};
