import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { GATE } from '../approvals/gate.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import { roughBytes } from '../kernel/held-bytes.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { relayAnswer } from '../requests/reply.ts';
import { Callback } from '../tools/callback-record.ts';
import { toolsOf } from '../tools/client-tools.ts';
import { TOOLS } from '../tools/tools.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `tools.execute`, from an agent (`wire.md` section 7). Answered when the host has, or when nothing will come. */
export const executeTool: Handler<'tools.execute'> = (call) => {
  const { kernel, from, params } = call;
  const turn = kernel.get(TURNS).sessions.live(params.session_id);
  if (!turn) throw WireError.notFound('session');
  if (turn.agent !== from) throw WireError.forbidden('session');
  const { host } = turn;
  if (!host || !toolsOf(host).offered.has(params.tool)) throw WireError.toolUnavailable();
  const limit = kernel.limits.maxPendingTools;
  if (turn.callbacks.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
  const size = roughBytes(params.parameters);
  admitParameters(kernel, host, params.parameters, size);
  requestTool(call, turn, host, size);
  return LATER;
};

/** What is longer than so much, roughly, is weighed before it waits for an ack or at a gate. Smaller ones when they are sent. */
const WEIGHED_BYTES = 256 * 1024;

/** @throws {WireError} `-32020` where they would be too much for the host now */
function admitParameters(kernel: Kernel, host: Client, parameters: unknown, size: number): void {
  if (size < Math.min(WEIGHED_BYTES, kernel.limits.maxMessageBytes / 8)) return;
  // To a host that did not say otherwise they are sent twice.
  const times = toolsOf(host).wantsParamsOnce ? 1 : 2;
  admitBytes(kernel, host, times * jsonBytes(parameters));
}

/** Asks a turn to run a tool of its host for its agent. */
function requestTool(
  { kernel, from, id, params }: Call<ParamsOf<'tools.execute'>>,
  turn: Turn,
  host: Client,
  size: number,
): void {
  const callback: Callback = new Callback(
    {
      id: kernel.get(TOOLS).nextCallbackId(),
      host,
      tool: params.tool,
      parameters: params.parameters,
      timeoutMs: params.timeout_ms,
      actionId: params.action_id,
      attempt: params.attempt,
      isGated: kernel.get(GATE).coversTool(params.tool),
      turn,
      caller: { client: from, id },
      answer(answer, source) {
        if (id !== undefined && toolsOf(from).requested.get(id) === callback) toolsOf(from).requested.delete(id);
        relayAnswer(kernel, from, id, answer, source);
      },
      progress(progress, source) {
        if (id === undefined) return;
        const message = { ...progress, request_id: id };
        tell(source, from.ref, { type: 'rpc.notify', method: 'tools.progress', params: message });
      },
    },
    kernel.clock.now(),
  );
  callback.release = kernel.held.hold(from, params.parameters, size);
  if (id !== undefined) toolsOf(from).requested.set(id, callback);
  if (turn.ref) tell(kernel.ref, turn.ref, { type: 'tool.requested', callback });
}
