import { WireError } from '../../protocol/errors.ts';
import { readTrace, type TraceContext } from '../../protocol/trace.ts';
import { checkMs } from '../kernel/check-limits.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { isWritable } from '../kernel/wire-errors.ts';
import { cancelCallback, startDirectCallback } from './callback.ts';
import { Callback } from './callback-record.ts';
import { toolsOf } from './client-tools.ts';
import { traceCall } from './tool-span.ts';
import { TOOLS } from './tools.ts';

/** What the embedding API may say of a tool call. */
export interface ExecuteToolOptions {
  /** Milliseconds, counted anew by each progress, up to ten times as long. Default 300000. */
  timeoutMs?: number;
  /** What the caller calls it, for the host. Default: empty. */
  actionId?: string;
  /** Withdraws the call. Default: none. */
  signal?: AbortSignal;
  /** The trace that it belongs to, for the host. What is malformed of it is left out. Default: none. */
  trace?: TraceContext;
}

/**
 * Runs a tool of a connection's, outside any turn.
 * @throws {WireError} what the host answered, or `-32602`, `-32014`, `-32017`, `-32018`, `-32019`, `-32020`
 */
export function executeTool(
  kernel: Kernel,
  clientId: string,
  tool: string,
  parameters: unknown,
  { timeoutMs = DEFAULT_TIMEOUT_MS, actionId = '', signal, trace }: ExecuteToolOptions,
): Promise<unknown> {
  checkMs('timeoutMs', timeoutMs);
  return new Promise((resolve, reject) => {
    const host = kernel.clients.get(clientId);
    if (!host?.isOpen) throw WireError.notFound('connection');
    if (!toolsOf(host).offered.has(tool)) throw WireError.toolUnavailable(tool);
    if (!isWritable(parameters)) {
      throw WireError.invalidParams([{ path: 'parameters', message: 'is no JSON value, or nested too deeply' }]);
    }
    const limit = kernel.limits.maxPendingTools;
    if (toolsOf(host).direct.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
    if (signal?.aborted) throw WireError.toolCancelled('agent_withdrew');
    const withdraw = () => cancelCallback(kernel, callback, 'agent_withdrew');
    const id = kernel.get(TOOLS).nextCallbackId();
    const callback: Callback = new Callback(
      {
        ...traceCall(kernel, { id, tool, actionId }, readTrace({ _meta: trace })),
        id,
        host,
        tool,
        parameters,
        timeoutMs,
        actionId,
        attempt: 1,
        isGated: false,
        answer(answer) {
          toolsOf(host).direct.delete(callback);
          kernel.get(TOOLS).direct.delete(callback.id);
          if ('result' in answer) resolve(answer.result);
          else reject(toError(answer.error));
          kernel.attempt("an embedder's tool call", () => signal?.removeEventListener('abort', withdraw));
        },
      },
      kernel.clock.now(),
    );
    signal?.addEventListener('abort', withdraw, { once: true });
    if (callback.isAnswered) return;
    toolsOf(host).direct.add(callback);
    kernel.get(TOOLS).direct.set(callback.id, callback);
    startDirectCallback(kernel, callback);
  });
}

const DEFAULT_TIMEOUT_MS = 300_000;

function toError(error: WireError | object): WireError {
  if (error instanceof WireError) return error;
  const { code, message, data } = error as { code: number; message: string; data?: unknown };
  return new WireError(code, message, data);
}
