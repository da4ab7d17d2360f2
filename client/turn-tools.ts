import type { RpcId } from '../protocol/frame.ts';
import { isObject } from '../protocol/json.ts';
import type { InputOf } from '../protocol/methods.ts';
import type { ProgressParams, ToolDefinition } from '../protocol/tools.ts';
import type { Peer } from './peer.ts';

/** How far a tool has come, as the host says it. */
export type ToolProgress = Pick<ProgressParams, 'progress' | 'message'>;

/** What may go with a tool call. */
export interface ToolCallOptions {
  /** How long the host may take, counted anew by each progress, up to ten times as long. Milliseconds, default 300,000. */
  timeoutMs?: number | undefined;
  /** Withdraws the call; it then rejects with the signal's reason. */
  signal?: AbortSignal | undefined;
  /** The agent's own name for what it does, which the host is told. */
  actionId?: string | undefined;
  /** Which try this is, from 1. */
  attempt?: number | undefined;
  /** Hears that the tool is still at work. What it throws fails the call. */
  onProgress?: ((progress: ToolProgress) => void) | undefined;
}

/** The tools of the host that an agent is talking to (`wire.md` section 7). */
export interface TurnTools {
  /** Those that the host offered when the turn began. */
  readonly list: readonly ToolDefinition[];
  /**
   * Runs one, and gives what the host answers. The end of the turn withdraws the call.
   * @param args default `{}`.
   * @throws {ToolTimeoutError} @throws {ToolCancelledError} @throws {ToolUnavailableError} @throws {ApprovalDeniedError}
   * @throws {RpcError} whatever the host itself answered, `-32602` for arguments that do not fit.
   * @throws {TurnCancelled} once the turn's signal has aborted. @throws {TurnEnded} once the agent has ended it.
   */
  call(name: string, args?: unknown, options?: ToolCallOptions): Promise<unknown>;
}

/** The tools in a turn's context; what is none is left out. */
export function toolsOf(context: Record<string, unknown>): ToolDefinition[] {
  const { tools } = context;
  if (!Array.isArray(tools)) return [];
  return tools.filter((tool): tool is ToolDefinition => isObject(tool) && typeof tool.name === 'string');
}

/** The tool calls that are under way on one connection of an agent. */
export class ToolCalls {
  readonly #progress = new Map<RpcId, (params: ProgressParams) => void>();

  /**
   * @param signals each withdraws the call, which then rejects with that one's reason.
   * @param onProgress see {@link ToolCallOptions}.
   */
  call(
    peer: Peer,
    params: InputOf<'tools.execute'>,
    signals: readonly AbortSignal[],
    onProgress: ToolCallOptions['onProgress'],
  ): Promise<unknown> {
    const answer = new Promise((resolve, reject) => {
      for (const signal of signals) signal.throwIfAborted();
      let id: RpcId | undefined;
      let stops: (() => void)[] = [];
      const finish = () => {
        for (const stop of stops) stop();
        if (id !== undefined) this.#progress.delete(id);
      };
      const withdraw = (reason: unknown) => {
        finish();
        peer.notify('tools.cancel', { id });
        reject(reason);
      };
      id = peer.call('tools.execute', params, {
        result: (value) => {
          finish();
          resolve(value);
        },
        error: (error) => {
          finish();
          reject(error);
        },
      });
      if (id === undefined) return;
      stops = signals.map((signal) => onAbort(signal, () => withdraw(signal.reason)));
      if (!onProgress) return;
      this.#progress.set(id, ({ progress, message }) => {
        try {
          onProgress({ progress, message });
        } catch (error) {
          withdraw(error);
        }
      });
    });
    // Who does not wait for it is not ended by a host that leaves: an unhandled rejection ends the whole agent.
    answer.catch(() => {});
    return answer;
  }

  /** `tools.progress`. One for a call that is over is nothing unusual. */
  progress(params: unknown): void {
    if (!isObject(params)) return;
    this.#progress.get(params.request_id as RpcId)?.(params as unknown as ProgressParams);
  }
}

/** Returns how to stop listening. */
function onAbort(signal: AbortSignal, listener: () => void): () => void {
  signal.addEventListener('abort', listener);
  return () => signal.removeEventListener('abort', listener);
}
