import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { GATE } from '../approvals/gate.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { Client } from '../kernel/client.ts';
import { roughBytes } from '../kernel/held-bytes.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sees } from '../kernel/sight.ts';
import { below } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import { jsonBytes } from '../requests/payload-size.ts';
import { relayAnswer } from '../requests/reply.ts';
import { Callback } from '../tools/callback-record.ts';
import { toolsOf } from '../tools/client-tools.ts';
import { traceCall } from '../tools/tool-span.ts';
import { TOOLS } from '../tools/tools.ts';
import { keepAnswer, type ToolCaller, takeAnswer } from './tool-answers.ts';
import { waitsForHost } from './tool-waits.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** `tools.execute`, from an agent (`wire.md` section 7). Answered when the host has, or when nothing will come. */
export const executeForTurn: Handler<'tools.execute'> = (call) => {
  const { kernel, from, params } = call;
  const turn = kernel.get(TURNS).sessions.live(params.session_id);
  if (!turn) throw WireError.notFound('session');
  if (turn.agent !== from)
    throw sees(from, turn.owner, turn.agentId) ? WireError.forbidden('session') : WireError.notFound('session');
  if (isJoined(call, turn)) return LATER;
  if (waitsForHost(call, turn, () => executeForTurn(call))) return LATER;
  const { host } = turn;
  if (!host || !toolsOf(host).offered.has(params.tool)) throw WireError.toolUnavailable(params.tool);
  const limit = kernel.limits.maxPendingTools;
  if (turn.callbacks.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
  const size = roughBytes(params.parameters);
  admitParameters(kernel, host, params.parameters, size);
  kernel.shared.demandTool(turn.accounts, from.accounts);
  requestTool(call, turn, host, size);
  return LATER;
};

/**
 * Whether this is a call of before, asked for again by an agent whose connection was lost: by its `action_id` it is found
 * while it runs, and its answer where that came meanwhile.
 */
function isJoined({ kernel, from, id, params }: Call<ParamsOf<'tools.execute'>>, turn: Turn): boolean {
  const { action_id: actionId, tool, attempt } = params;
  if (!turn.line || actionId === '' || attempt < 2) return false;
  const answer = takeAnswer(turn, actionId, tool);
  if (answer) {
    relayAnswer(kernel, from, id, answer, kernel.ref);
    return true;
  }
  for (const callback of turn.callbacks.values()) {
    const { spec } = callback;
    if (spec.actionId !== actionId || spec.tool !== tool || !spec.caller || spec.caller.client === from) continue;
    spec.caller.client = from;
    spec.caller.id = id;
    if (id !== undefined) toolsOf(from).requested.set(id, callback);
    return true;
  }
  return false;
}

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
  { kernel, from, id, params, trace }: Call<ParamsOf<'tools.execute'>>,
  turn: Turn,
  host: Client,
  size: number,
): void {
  const callId = kernel.get(TOOLS).nextCallbackId();
  // The functions below live as long as the call: what they name is kept, and its parameters are not to be.
  const { tool, action_id: actionId } = params;
  const named = { id: callId, tool, actionId, agentId: turn.agentId };
  const caller: ToolCaller = { client: from, id };
  const callback: Callback = new Callback(
    {
      ...traceCall(kernel, named, below(trace, turn.trace)),
      id: callId,
      host,
      tool,
      parameters: params.parameters,
      timeoutMs: params.timeout_ms,
      actionId,
      attempt: params.attempt,
      isGated: kernel.get(GATE).coversTool(tool),
      turn,
      caller,
      answer(answer, source) {
        const { client, id } = caller;
        if (id !== undefined && toolsOf(client).requested.get(id) === callback) toolsOf(client).requested.delete(id);
        if (client.isOpen) relayAnswer(kernel, client, id, answer, source);
        else keepAnswer(kernel, turn, { host, tool, actionId }, answer);
      },
      progress(progress, source) {
        const { client, id } = caller;
        if (id === undefined || !client.isOpen) return;
        const message = { ...progress, request_id: id };
        tell(source, client.ref, { type: 'rpc.notify', method: 'tools.progress', params: message });
      },
    },
    kernel.clock.now(),
  );
  callback.release = kernel.held.hold(from, params.parameters, size);
  if (id !== undefined) toolsOf(from).requested.set(id, callback);
  if (turn.ref) tell(kernel.ref, turn.ref, { type: 'tool.requested', callback });
}
