import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { ProgressParams, ToolDefinition } from '../../protocol/tools.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Handler, Handlers, NotificationHandlers } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { cancelCallback } from './callback.ts';
import { sortedTools, toolsOf } from './client-tools.ts';

/** `session.init` (`wire.md` section 3). There are no policies here; the field is CAR's. */
const initSession: Handler<'session.init'> = ({ kernel, from, params }) => {
  const registered = register(kernel, from, params.tools ?? []);
  if (params.params_once !== undefined) toolsOf(from).wantsParamsOnce = params.params_once;
  return { session_id: from.id, tools_registered: registered, policies_registered: 0 };
};

/** `tools.register` (`wire.md` section 3). A tool of the same name is replaced. */
const registerTools: Handler<'tools.register'> = ({ kernel, from, params }) => register(kernel, from, params);

/** `tools.unregister` (`wire.md` section 3). A call that is under way goes on. */
const unregisterTool: Handler<'tools.unregister'> = ({ from, params }) => ({
  unregistered: params.name,
  removed: toolsOf(from).offered.delete(params.name) ? 1 : 0,
});

/** `tools.list` (`wire.md` section 3). */
const listTools: Handler<'tools.list'> = ({ from }) => ({
  tools: sortedTools(from),
  count: toolsOf(from).offered.size,
});

/** All or none: over the limit nothing is registered. */
function register(kernel: Kernel, client: Client, tools: readonly ToolDefinition[]): number {
  const limit = kernel.limits.maxToolsPerConnection;
  const next = new Map([...toolsOf(client).offered, ...tools.map((tool) => [tool.name, tool] as const)]);
  if (next.size > limit) throw WireError.limitExceeded('max_tools_per_connection', limit);
  const { maxToolBytes } = kernel.limits;
  if (jsonBytes([...next.values()]) > maxToolBytes) throw WireError.limitExceeded('max_tool_bytes', maxToolBytes);
  for (const tool of tools) toolsOf(client).offered.set(tool.name, tool);
  return tools.length;
}

/** A host's tool is still at work. Only the host that was asked is heard: the call is looked up among its own. */
const progress = (kernel: Kernel, from: Client, params: ProgressParams): void => {
  const target = from.calls.get(params.request_id)?.progressTo;
  if (target) tell(kernel.ref, target, { type: 'callback.progress', params });
  else kernel.counters.drop('late_progress');
};

/** An agent withdraws its own request; one that is over already is no error. */
const withdraw = (kernel: Kernel, from: Client, { id }: { id: RpcId }): void => {
  const callback = toolsOf(from).requested.get(id);
  const withdraw = toolsOf(from).awaiting.get(id);
  if (callback) cancelCallback(kernel, callback, 'agent_withdrew');
  else if (withdraw) withdraw();
  else kernel.counters.drop('late_withdrawal');
};

/** Notifications about tools (`wire.md` section 7). */
export const toolNotifications: NotificationHandlers = { 'tools.progress': progress, 'tools.cancel': withdraw };

/** What tools answer; that an agent uses one, its turn does. */
export const toolMethods: Handlers = {
  'session.init': initSession,
  'tools.register': registerTools,
  'tools.unregister': unregisterTool,
  'tools.list': listTools,
};
