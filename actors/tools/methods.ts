import { WireError } from '../../protocol/errors.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { type Handler, LATER } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { requestTool, sortedTools } from './tools.ts';

/** `session.init` (`wire.md` section 3). There are no policies here; the field is CAR's. */
export const initSession: Handler<'session.init'> = ({ state, from, params }) => ({
  session_id: from.id,
  tools_registered: register(state, from, params.tools ?? []),
  policies_registered: 0,
});

/** `tools.register` (`wire.md` section 3). A tool of the same name is replaced. */
export const registerTools: Handler<'tools.register'> = ({ state, from, params }) => register(state, from, params);

/** `tools.unregister` (`wire.md` section 3). A call that is under way goes on. */
export const unregisterTool: Handler<'tools.unregister'> = ({ from, params }) => ({
  unregistered: params.name,
  removed: from.tools.delete(params.name) ? 1 : 0,
});

/** `tools.list` (`wire.md` section 3). */
export const listTools: Handler<'tools.list'> = ({ from }) => ({ tools: sortedTools(from), count: from.tools.size });

/** `tools.execute`, from an agent (`wire.md` section 7). Answered when the host has, or when nothing will come. */
export const executeTool: Handler<'tools.execute'> = (call) => {
  const { state, from, params } = call;
  const turn = state.sessions.live(params.session_id);
  if (!turn) throw WireError.notFound('session');
  if (turn.agent !== from) throw WireError.forbidden('session');
  const { host } = turn;
  if (!host?.tools.has(params.tool)) throw WireError.toolUnavailable();
  const limit = state.limits.maxPendingTools;
  if (turn.callbacks.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
  requestTool(call, turn, host);
  return LATER;
};

/** All or none: over the limit nothing is registered. */
function register(state: BrokerState, client: Client, tools: readonly ToolDefinition[]): number {
  const limit = state.limits.maxToolsPerConnection;
  const next = new Map([...client.tools, ...tools.map((tool) => [tool.name, tool] as const)]);
  if (next.size > limit) throw WireError.limitExceeded('max_tools_per_connection', limit);
  const { maxToolBytes } = state.limits;
  if (jsonBytes([...next.values()]) > maxToolBytes) throw WireError.limitExceeded('max_tool_bytes', maxToolBytes);
  for (const tool of tools) client.tools.set(tool.name, tool);
  return tools.length;
}
