import type { HostExecuteParams, ToolCancelReason } from '../protocol/tools.ts';
import { ErrorCode, type ErrorObject, WireError } from '../protocol/wire-error.ts';
import { toErrorObject } from './error-object.ts';
import { RpcError } from './errors.ts';
import type { Peer, Reply } from './peer.ts';
import type { JsonCodec } from './place.ts';
import type { StandardSchema } from './standard-schema.ts';
import { type ToolCall, ToolCallCancelled, type ToolHandler } from './tool.ts';
import { checkArguments } from './tool-schema.ts';
import { traceparentOf, withinTrace } from './within-trace.ts';

/** What a call needs of its tool. */
export interface ToolWork {
  schema: StandardSchema | undefined;
  handler: ToolHandler<never>;
}

/** A request of the broker's that waits for a call's answer. */
export interface ToolAsker {
  peer: Peer;
  requestId: string;
  reply: Reply;
}

/** What a call came to. A result is its JSON: what the handler's own object becomes later is not its answer. */
type Outcome = { json: string } | { error: ErrorObject };

/** To an agent that asks again for what nobody can say anything of (`wire.md` section 7). */
export const unknownOutcome = (): WireError =>
  new WireError(ErrorCode.ToolCancelled, 'tool cancelled: nobody knows whether it has run', {
    reason: 'unknown_outcome',
  });

/** A {@link ToolCall} from the inside: checks the arguments, runs the handler once, and answers whoever asks for it. */
export class ToolRun implements ToolCall {
  readonly sessionId: string | undefined;
  readonly attempt: number;
  readonly actionId: string;
  readonly timeoutMs: number;
  readonly traceparent: string | undefined;
  /** Until it has run. */
  #parameters: unknown;
  readonly #meta: unknown;
  readonly #json: JsonCodec;
  readonly #controller = new AbortController();
  /** Usually one. None: its connection was lost, and its agent may ask again. */
  #askers: ToolAsker[];
  #requestId: string;
  #outcome: Outcome | undefined;

  constructor(asker: ToolAsker, params: HostExecuteParams) {
    this.#askers = [asker];
    this.#json = asker.peer.json;
    this.#requestId = asker.requestId;
    this.sessionId = params.session_id;
    this.attempt = params.attempt;
    this.actionId = params.action_id;
    this.timeoutMs = params.timeout_ms;
    this.#parameters = params.parameters;
    this.#meta = params._meta;
    this.traceparent = traceparentOf(params._meta);
  }

  get requestId(): string {
    return this.#requestId;
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether nobody waits for its answer just now. */
  get isAlone(): boolean {
    return this.#askers.length === 0;
  }

  progress(progress?: unknown, message?: string): boolean {
    const asker = this.#askers.at(-1);
    if (this.#isOver || !asker) return false;
    return asker.peer.notify('tools.progress', { request_id: asker.requestId, progress, message });
  }

  /** It is asked for again: whoever does so is answered as the first was, or is to be. */
  join(asker: ToolAsker): void {
    if (this.#outcome) {
      this.#answer(asker, this.#outcome);
      return;
    }
    this.#askers.push(asker);
    this.#requestId = asker.requestId;
  }

  /** One request waits no longer. Where it was the last one, the call is cancelled. */
  leave(requestId: string, reason: ToolCancelReason): void {
    this.#askers = this.#askers.filter((asker) => asker.requestId !== requestId);
    if (this.isAlone) this.cancel(reason);
  }

  /** The connection is gone, and every request with it. */
  lost(): void {
    this.#askers = [];
  }

  /** Nobody waits for the answer any more. */
  cancel(reason: ToolCancelReason | 'connection_lost'): void {
    this.#controller.abort(new ToolCallCancelled(reason));
  }

  /**
   * Never rejects. @param onError hears what the handler threw, a cancelled call's protest apart.
   * @returns how long the answer is, in characters; undefined where it was cancelled before its handler ran.
   */
  async run({ schema, handler }: ToolWork, onError: (error: unknown) => void): Promise<number | undefined> {
    try {
      const args = schema ? await checkArguments(schema, this.#parameters) : this.#parameters;
      if (this.signal.aborted) return undefined;
      const result = (await withinTrace(this.#meta, () => handler(args as never, this))) ?? null;
      const json = this.#json.stringify(result);
      // A function or a symbol would leave the answer without its result, which is no answer at all.
      if (json === undefined) throw new TypeError('the tool answered something that is no JSON value');
      return this.#settle({ json }, ({ reply }) => reply.result(result));
    } catch (error) {
      // What it did until then only it could say.
      if (this.signal.aborted) return this.#settle({ error: unknownOutcome().toObject() });
      if (!(error instanceof WireError || error instanceof RpcError)) onError(error);
      return this.#settle({ error: this.#writable(toErrorObject(error)) });
    } finally {
      this.#parameters = undefined;
    }
  }

  get #isOver(): boolean {
    return this.#outcome !== undefined || this.signal.aborted;
  }

  #settle(outcome: Outcome, answer = (asker: ToolAsker) => this.#answer(asker, outcome)): number {
    this.#outcome = outcome;
    for (const asker of this.#askers.splice(0)) answer(asker);
    return 'json' in outcome ? outcome.json.length : this.#json.stringify(outcome.error).length;
  }

  #answer({ reply }: ToolAsker, outcome: Outcome): void {
    if ('json' in outcome) reply.result(this.#json.parse(outcome.json));
    else reply.error(outcome.error);
  }

  #writable(error: ErrorObject): ErrorObject {
    try {
      this.#json.stringify(error);
      return error;
    } catch {
      // Its data is nothing that JSON can write.
      return { code: error.code, message: error.message };
    }
  }
}
