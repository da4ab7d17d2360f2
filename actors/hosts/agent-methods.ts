import type { AgentRow, AgentSpec } from '../../protocol/agents.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../connection/client.ts';
import { tell } from '../kernel/tell.ts';
import { forgetAgent } from '../memory/scope.ts';
import type { Handler } from '../requests/dispatcher.ts';
import { checkSize } from '../requests/payload-size.ts';
import { removeSurfacesOf } from '../surfaces/commit.ts';

/** `agents.upsert` (`wire.md` section 4). */
export const upsertAgent: Handler<'agents.upsert'> = ({ state, params }) => {
  const { maxAgents } = state.limits;
  if (!state.agents.has(params.id) && state.agents.size >= maxAgents)
    throw WireError.limitExceeded('max_agents', maxAgents);
  checkSize(state, params.metadata);
  return state.agents.upsert(params);
};

/** `agents.remove`: its connection, if there is one, goes with it (`wire.md` section 4). */
export const removeAgent: Handler<'agents.remove'> = ({ state, params }) => {
  const attached = state.attached.get(params.id);
  if (!attached && !state.agents.has(params.id)) return { removed: false };
  // Another agent of that id must not read what was told to this one, nor have its surfaces. Its facts go first: an agent
  // that has lost them can be removed later, and one that is removed cannot lose them later.
  forgetAgent(state, params.id);
  state.agents.remove(params.id);
  if (attached) tell(state.ref, attached.ref, { type: 'connection.close', code: CloseCode.Forbidden });
  removeSurfacesOf(state, params.id);
  return { removed: true };
};

/** `agents.list`: every known and every attached agent (`wire.md` section 4). */
export const listAgents: Handler<'agents.list'> = ({ state }) => {
  const rows = state.agents.specs().map((spec) => toRow(spec, state.attached.get(spec.id)));
  for (const [id, client] of state.attached) {
    // Where authentication is off, an agent may be attached that nobody ever registered.
    if (!state.agents.has(id)) rows.push(toRow({ id, name: id, capabilities: [], metadata: {} }, client));
  }
  return rows;
};

function toRow(spec: AgentSpec, client: Client | undefined): AgentRow {
  return {
    spec,
    status: client ? 'running' : 'stopped',
    attached: client !== undefined,
    session_id: client?.id ?? null,
    turns: client?.serving.size ?? 0,
  };
}
