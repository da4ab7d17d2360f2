import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { GATE } from '../approvals/gate.ts';
import type { Client } from '../kernel/client.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import { relayAnswer } from '../requests/reply.ts';
import { Callback } from '../tools/callback-record.ts';
import { toolsOf } from '../tools/client-tools.ts';
import { TOOLS } from '../tools/tools.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `tools.execute`, from an agent (`wire.md` section 7). Answered when the host has, or when nothing will come. */
export const executeTool: Handler<'tools.execute'> = (call) => {
  const { state, from, params } = call;
  const turn = state.get(TURNS).sessions.live(params.session_id);
  if (!turn) throw WireError.notFound('session');
  if (turn.agent !== from) throw WireError.forbidden('session');
  const { host } = turn;
  if (!host || !toolsOf(host).offered.has(params.tool)) throw WireError.toolUnavailable();
  const limit = state.limits.maxPendingTools;
  if (turn.callbacks.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
  requestTool(call, turn, host);
  return LATER;
};

/** Asks a turn to run a tool of its host for its agent. */
function requestTool({ state, from, id, params }: Call<ParamsOf<'tools.execute'>>, turn: Turn, host: Client): void {
  const callback: Callback = new Callback(
    {
      id: state.get(TOOLS).nextCallbackId(),
      host,
      tool: params.tool,
      parameters: params.parameters,
      timeoutMs: params.timeout_ms,
      actionId: params.action_id,
      attempt: params.attempt,
      isGated: state.get(GATE).coversTool(params.tool),
      turn,
      caller: { client: from, id },
      answer(answer, source) {
        if (id !== undefined && toolsOf(from).requested.get(id) === callback) toolsOf(from).requested.delete(id);
        relayAnswer(state, from, id, answer, source);
      },
      progress(progress, source) {
        if (id === undefined) return;
        const message = { ...progress, request_id: id };
        tell(source, from.ref, { type: 'rpc.notify', method: 'tools.progress', params: message });
      },
    },
    state.clock.now(),
  );
  callback.release = state.held.hold(from, params.parameters);
  if (id !== undefined) toolsOf(from).requested.set(id, callback);
  if (turn.ref) tell(state.ref, turn.ref, { type: 'tool.requested', callback });
}
