import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { ToolDefinition } from '../../protocol/tools.ts';
import type { Client } from '../connection/client.ts';
import { attempt } from '../kernel/attempt.ts';
import type { BrokerState } from '../kernel/broker-state.ts';
import { checkMs } from '../kernel/check-limits.ts';
import { tell } from '../kernel/tell.ts';
import type { Call } from '../requests/dispatcher.ts';
import { relayAnswer } from '../requests/reply.ts';
import { isWritable } from '../requests/wire-errors.ts';
import type { Turn } from '../turns/turn-record.ts';
import { cancelCallback, startCallback } from './callback.ts';
import { Callback } from './callback-record.ts';

/** A connection's tools, sorted by name. */
export function sortedTools(client: Client): ToolDefinition[] {
  return [...client.tools.values()].sort((a, b) => (a.name < b.name ? -1 : 1));
}

/** Asks a turn to run a tool of its host for its agent. */
export function requestTool(
  { state, from, id, params }: Call<ParamsOf<'tools.execute'>>,
  turn: Turn,
  host: Client,
): void {
  const callback: Callback = new Callback(
    {
      id: state.nextCallbackId(),
      host,
      tool: params.tool,
      parameters: params.parameters,
      timeoutMs: params.timeout_ms,
      actionId: params.action_id,
      attempt: params.attempt,
      isGated: state.gate.coversTool(params.tool),
      turn,
      caller: { client: from, id },
      settle(answer) {
        if (id !== undefined && from.toolRequests.get(id) === callback) from.toolRequests.delete(id);
        relayAnswer(state, from, id, answer);
      },
      progress(progress) {
        if (id === undefined) return;
        const message = { ...progress, request_id: id };
        tell(state.ref, from.ref, { type: 'rpc.notify', method: 'tools.progress', params: message });
      },
    },
    state.clock.now(),
  );
  if (id !== undefined) from.toolRequests.set(id, callback);
  if (turn.ref) tell(state.ref, turn.ref, { type: 'tool.requested', callback });
}

/** What the embedding API may say of a tool call. */
export interface ExecuteToolOptions {
  /** Milliseconds, counted anew by each progress, up to ten times as long. Default 300000. */
  timeoutMs?: number;
  actionId?: string;
  /** Withdraws the call. */
  signal?: AbortSignal;
}

/**
 * Runs a tool of a connection's, outside any turn.
 * @throws {WireError} what the host answered, or `-32602`, `-32014`, `-32017`, `-32018`, `-32019`, `-32020`
 */
export function executeTool(
  state: BrokerState,
  clientId: string,
  tool: string,
  parameters: unknown,
  { timeoutMs = DEFAULT_TIMEOUT_MS, actionId = '', signal }: ExecuteToolOptions,
): Promise<unknown> {
  checkMs('timeoutMs', timeoutMs);
  return new Promise((resolve, reject) => {
    const host = state.clients.get(clientId);
    if (!host?.isOpen) throw WireError.notFound('connection');
    if (!host.tools.has(tool)) throw WireError.toolUnavailable();
    if (!isWritable(parameters)) {
      throw WireError.invalidParams([{ path: 'parameters', message: 'is no JSON value, or nested too deeply' }]);
    }
    const limit = state.limits.maxPendingTools;
    if (host.directCallbacks.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
    if (signal?.aborted) throw WireError.toolCancelled('agent_withdrew');
    const withdraw = () => cancelCallback(state, callback, 'agent_withdrew');
    const callback: Callback = new Callback(
      {
        id: state.nextCallbackId(),
        host,
        tool,
        parameters,
        timeoutMs,
        actionId,
        attempt: 1,
        isGated: false,
        settle(answer) {
          host.directCallbacks.delete(callback);
          state.directCallbacks.delete(callback.id);
          if ('result' in answer) resolve(answer.result);
          else reject(toError(answer.error));
          attempt(state, "an embedder's tool call", () => signal?.removeEventListener('abort', withdraw));
        },
      },
      state.clock.now(),
    );
    signal?.addEventListener('abort', withdraw, { once: true });
    if (callback.isSettled) return;
    host.directCallbacks.add(callback);
    state.directCallbacks.set(callback.id, callback);
    startCallback(state, state.ref, callback);
  });
}

const DEFAULT_TIMEOUT_MS = 300_000;

function toError(error: WireError | object): WireError {
  if (error instanceof WireError) return error;
  const { code, message, data } = error as { code: number; message: string; data?: unknown };
  return new WireError(code, message, data);
}
