import type { z } from 'zod';
import { type ErrorObject, WireError } from '../protocol/errors.ts';
import type { HostExecuteParams, ToolCancelReason } from '../protocol/tools.ts';
import { RpcError } from './errors.ts';
import type { Peer, Reply } from './peer.ts';
import { type ToolCall, ToolCallCancelled, type ToolHandler } from './tool.ts';
import { toErrorObject } from './turn.ts';

/** How many offending arguments one answer names. */
const MAX_ISSUES = 20;

/** What a call needs of its tool. */
export interface ToolWork {
  schema: z.ZodType | undefined;
  handler: ToolHandler<never>;
}

/** A {@link ToolCall} from the inside: checks the arguments, runs the handler, answers once or not at all. */
export class ToolRun implements ToolCall {
  readonly requestId: string;
  readonly sessionId: string | undefined;
  readonly attempt: number;
  readonly actionId: string;
  readonly timeoutMs: number;
  readonly #parameters: unknown;
  readonly #peer: Peer;
  readonly #controller = new AbortController();
  #answered = false;

  constructor(peer: Peer, params: HostExecuteParams) {
    this.#peer = peer;
    this.requestId = params.request_id;
    this.sessionId = params.session_id;
    this.attempt = params.attempt;
    this.actionId = params.action_id;
    this.timeoutMs = params.timeout_ms;
    this.#parameters = params.parameters;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  progress(progress?: unknown, message?: string): boolean {
    if (this.#isOver) return false;
    return this.#peer.notify('tools.progress', { request_id: this.requestId, progress, message });
  }

  /** Nobody waits for the answer any more. */
  cancel(reason: ToolCancelReason | 'connection_lost'): void {
    this.#controller.abort(new ToolCallCancelled(reason));
  }

  /** Never rejects. @param onError hears what the handler threw, a cancelled call's protest apart. */
  async run({ schema, handler }: ToolWork, reply: Reply, onError: (error: unknown) => void): Promise<void> {
    try {
      const args = schema ? await check(schema, this.#parameters) : this.#parameters;
      if (this.#isOver) return;
      const result = (await handler(args as never, this)) ?? null;
      if (this.#isOver) return;
      // A function or a symbol would leave the answer without its result, which is no answer at all.
      if (JSON.stringify(result) === undefined)
        throw new TypeError('the tool answered something that is no JSON value');
      reply.result(result);
    } catch (error) {
      if (this.#isOver) return;
      fail(reply, error);
      if (!(error instanceof WireError || error instanceof RpcError)) onError(error);
    } finally {
      this.#answered = true;
    }
  }

  get #isOver(): boolean {
    return this.#answered || this.signal.aborted;
  }
}

/** @throws {WireError} `-32602`, naming every offending field. */
async function check(schema: z.ZodType, parameters: unknown): Promise<unknown> {
  const parsed = await schema.safeParseAsync(parameters);
  if (parsed.success) return parsed.data;
  const issues = parsed.error.issues.slice(0, MAX_ISSUES);
  throw WireError.invalidParams(issues.map(({ path, message }) => ({ path: path.map(String).join('.'), message })));
}

function fail(reply: Reply, error: unknown): void {
  const object: ErrorObject = toErrorObject(error);
  try {
    reply.error(object);
  } catch {
    // Its data is nothing that JSON can write.
    reply.error({ code: object.code, message: object.message });
  }
}
