import { AuthError, ConnectionError, ConnectionLostError, RpcError } from '../../client/node.ts';
import { AuthUnavailableError } from '../../protocol/auth-unavailable.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { isObject } from '../../protocol/json.ts';
import { ErrorCode } from '../../protocol/wire-error.ts';
import type { TurnEnd } from './turn.ts';

/** What else is known of a {@link FrontError}. */
export interface FrontErrorOptions {
  /** The member of the request that it is about. */
  param?: string;
  /** When to ask again, in milliseconds. */
  retryAfterMs?: number;
  /** The turn was dispatched: a client that tries again by itself would have it run twice. Default false. */
  hasRun?: boolean;
  headers?: Readonly<Record<string, string>>;
}

/** What a front answers in place of what was asked for: an HTTP status, a code by which programs branch, words for people. */
export class FrontError extends Error {
  override readonly name = 'FrontError';
  readonly status: number;
  /** Null: the status says it all. */
  readonly code: string | null;
  readonly param: string | undefined;
  readonly retryAfterMs: number | undefined;
  readonly hasRun: boolean;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, code: string | null, message: string, options: FrontErrorOptions = {}) {
    super(message);
    this.status = status;
    this.code = code;
    this.param = options.param;
    this.retryAfterMs = options.retryAfterMs;
    this.hasRun = options.hasRun ?? false;
    this.headers = options.headers ?? {};
  }

  static badRequest(message: string, param?: string): FrontError {
    return new FrontError(400, null, message, param === undefined ? {} : { param });
  }
}

/** A body that is not JSON. */
export class NotJson extends FrontError {
  constructor() {
    super(400, null, 'the body is not JSON');
  }
}

/** Nobody waits for the answer any more. Whoever throws it has undone what it did. */
export class ClientGone extends Error {
  override readonly name = 'ClientGone';

  constructor() {
    super('the client has gone');
  }
}

/** The wire's errors as HTTP (`docs/fronts.md`). What is not here is a fault of ours: 500. */
const BY_CODE: ReadonlyMap<number, readonly [status: number, code: string | null]> = new Map([
  [ErrorCode.InvalidParams, [400, null]],
  [ErrorCode.AuthRequired, [401, 'invalid_api_key']],
  [ErrorCode.ApprovalDenied, [403, 'approval_denied']],
  [ErrorCode.DeadlineExceeded, [504, 'deadline_exceeded']],
  [ErrorCode.SessionBusy, [409, 'session_busy']],
  [ErrorCode.AgentNotAttached, [404, 'agent_not_found']],
  [ErrorCode.AgentRejected, [502, 'agent_rejected']],
  [ErrorCode.AgentAckTimeout, [504, 'agent_timeout']],
  [ErrorCode.NotFound, [404, 'not_found']],
  [ErrorCode.Forbidden, [403, 'forbidden']],
  [ErrorCode.LimitExceeded, [429, 'limit_exceeded']],
  [ErrorCode.Draining, [503, 'draining']],
]);

const NOT_NOW = 'tokens cannot be verified just now';

/** What whoever asked is told of an error of the broker's or the SDK's; undefined where it is a fault of ours. */
export function frontErrorOf(error: unknown): FrontError | undefined {
  if (error instanceof FrontError) return error;
  if (error instanceof AuthUnavailableError)
    return new FrontError(503, 'auth_unavailable', NOT_NOW, { retryAfterMs: error.retryAfterMs });
  if (error instanceof AuthError) return new FrontError(401, 'invalid_api_key', 'the key is not valid (any more)');
  if (error instanceof RpcError) return ofTheBroker(error);
  if (error instanceof ConnectionLostError) return ofClosing(error.closeCode);
  if (error instanceof ConnectionError) return new FrontError(503, 'draining', 'the broker is stopping');
  return undefined;
}

function ofTheBroker({ code, message, data }: RpcError): FrontError | undefined {
  // What the broker adds has made it too long: it is no shorter the next time.
  if (code === ErrorCode.LimitExceeded && limitIn(data) === 'max_message_bytes') return TOO_LARGE;
  const [status, name] = BY_CODE.get(code) ?? [];
  if (status === undefined || name === undefined) return undefined;
  const after = isObject(data) && typeof data.retry_after_ms === 'number' ? data.retry_after_ms : undefined;
  const retryAfterMs = after ?? (code === ErrorCode.LimitExceeded ? DEFAULT_RETRY_MS : undefined);
  const words = code === ErrorCode.AgentRejected ? wordsOfAgent(data, message) : message;
  // An agent that is only late may have begun.
  const hasRun = code === ErrorCode.AgentAckTimeout;
  return new FrontError(status, name, words, retryAfterMs === undefined ? { hasRun } : { hasRun, retryAfterMs });
}

/** The limit that was reached. */
const limitIn = (data: unknown): unknown => (isObject(data) && isObject(data.limit) ? data.limit.name : undefined);

const TOO_LARGE = new FrontError(413, 'too_large', 'this is more than the broker takes');

/** When to come back where the broker does not say. */
export const DEFAULT_RETRY_MS = 1_000;

/** Why an agent would not take a turn, in its own words. */
function wordsOfAgent(data: unknown, message: string): string {
  const said = isObject(data) && isObject(data.agent_error) ? data.agent_error.message : undefined;
  return typeof said === 'string' && said !== '' ? `${message}: ${said}` : message;
}

function ofClosing(closeCode: number): FrontError {
  if (closeCode === CloseCode.NotAuthenticated || closeCode === CloseCode.Forbidden)
    return new FrontError(401, 'invalid_api_key', 'the key is not valid (any more)');
  if (closeCode === CloseCode.TooBig) return TOO_LARGE;
  if (closeCode === LOST) return new FrontError(503, 'connection_lost', 'the connection to the broker was lost');
  return new FrontError(503, 'draining', 'the broker is stopping');
}

/** Nobody has closed it. */
const LOST = 1006;

/** What a turn has come to. */
export interface Outcome {
  /** Why it failed, if it did. It has run: a client that tries again would have it run twice. */
  failure?: FrontError;
  /** How it finished, in the agent's word. */
  finishReason: string;
  /** All that it said, where the agent said so at its end. */
  text: string;
}

/** See {@link Outcome}. */
export function outcomeOf(end: TurnEnd): Outcome {
  if ('error' in end) return failed(end.error);
  const { event } = end;
  if (event.kind === 'done') return { finishReason: event.finish_reason, text: event.text ?? '' };
  const options = { hasRun: true };
  if (event.kind === 'auth_required')
    return failed(new FrontError(401, 'agent_auth_required', event.message || event.reason, options));
  const code = event.code === undefined || event.code === null ? 'agent_error' : String(event.code);
  return failed(new FrontError(event.retryable === true ? 503 : 424, code, event.error, options));
}

/** Whether it ended because somebody wanted it to, whoever says so: the broker, or the agent. */
export function wasCancelled({ failure, finishReason }: Outcome): boolean {
  return failure ? failure.code === 'cancelled' : finishReason === 'cancelled';
}

const failed = (failure: FrontError): Outcome => ({ failure, finishReason: 'error', text: '' });
