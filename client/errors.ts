import { CloseCode } from '../protocol/close-codes.ts';
import type { ChatEvent } from '../protocol/events.ts';
import { ErrorCode, type ErrorObject, type Issue } from '../protocol/wire-error.ts';

/** A name from {@link ErrorCode}. */
export type ErrorName = keyof typeof ErrorCode;

/** Anything the SDK rejects or throws with. */
export abstract class SwitchboardError extends Error {
  /** Whether the same call may well succeed later, unchanged. */
  readonly retryable: boolean;

  constructor(message: string, retryable: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.retryable = retryable;
  }
}

/** Why no daemon is found: its directory has none, what it wrote there cannot be read, or it has died since. */
export type NoDaemonReason = 'absent' | 'damaged' | 'dead';

/** The broker could not be reached, or refused the upgrade (`wire.md` section 1). */
export class ConnectionError extends SwitchboardError {
  /** Where the connection was meant to go. Undefined for a link, and where that is not known either. */
  readonly url: string | undefined;
  /** HTTP status of a refused upgrade: 403 for a forbidden origin or host, 503 for a full or stopping broker. */
  readonly status: number | undefined;
  /**
   * What it is about, where that is known: the broker takes nobody without a client certificate that counts
   * (`certificate_needed`), or, of a {@link NoDaemonError}, what was found in place of a daemon.
   */
  readonly reason: 'certificate_needed' | NoDaemonReason | undefined;

  constructor(
    message: string,
    options: {
      url?: string | undefined;
      status?: number | undefined;
      retryable?: boolean;
      reason?: ConnectionError['reason'];
      cause?: unknown;
    } = {},
  ) {
    super(message, options.retryable ?? options.status !== 403, options.cause);
    this.url = options.url;
    this.status = options.status;
    this.reason = options.reason;
  }
}

/** No daemon is running in this home directory (Node only). */
export class NoDaemonError extends ConnectionError {
  /** The home directory that was searched. */
  readonly home: string;
  declare readonly reason: NoDaemonReason;
  /** The process that has died; undefined where the reason is another. */
  readonly pid: number | undefined;

  constructor(home: string, reason: NoDaemonReason, pid?: number) {
    super(`no daemon found in ${home}: ${FOUND[reason](pid)}`, { reason });
    this.home = home;
    this.pid = pid;
  }
}

const FOUND: Record<NoDaemonReason, (pid?: number) => string> = {
  absent: () => 'there is no run/broker.json, which a running daemon writes',
  damaged: () => 'its run/broker.json is damaged',
  dead: (pid) => `the last one, process ${pid}, has died`,
};

/** Close codes after which connecting again the same way would end the same way (`wire.md` section 1). */
const FINAL_CLOSE_CODES: ReadonlySet<number> = new Set([
  CloseCode.NotAuthenticated,
  CloseCode.Forbidden,
  CloseCode.Replaced,
]);

/** The connection was there and is gone. What was asked and not answered may or may not have happened. */
export class ConnectionLostError extends SwitchboardError {
  /** WebSocket close code; 1006 where there was none. */
  readonly closeCode: number;
  /** What the broker said about it; may be empty. */
  readonly closeReason: string;

  /** @param renews another JWT is there for the next connection: 4401 is not the end of it */
  constructor(closeCode: number, closeReason: string, cause?: unknown, renews = false) {
    const isFinal = FINAL_CLOSE_CODES.has(closeCode) && !(renews && closeCode === CloseCode.NotAuthenticated);
    const said = closeReason ? `, ${closeReason}` : '';
    super(`connection lost (${closeCode}${said})`, !isFinal, cause);
    this.closeCode = closeCode;
    this.closeReason = closeReason;
  }
}

/** This side has closed the connection, by `close()`. */
export class ConnectionClosedError extends SwitchboardError {
  constructor() {
    super('the connection was closed by this client', false);
  }
}

const NAMES: ReadonlyMap<number, ErrorName> = new Map(
  Object.entries(ErrorCode).map(([name, code]) => [code, name as ErrorName]),
);
const RETRYABLE: ReadonlySet<number> = new Set([
  ErrorCode.SessionBusy,
  ErrorCode.AgentNotAttached,
  ErrorCode.AgentAckTimeout,
  ErrorCode.LimitExceeded,
  ErrorCode.Draining,
]);

/** The broker answered a request with an error (`wire.md` section 2). */
export class RpcError extends SwitchboardError {
  /** The wire's code: branch on this. */
  readonly code: number;
  /** The code's name; undefined for a code of an embedder's own method. */
  readonly codeName: ErrorName | undefined;
  /** What comes with the code, as the table in `wire.md` section 2 lists it. */
  readonly data: unknown;
  /** The method that was asked. */
  readonly method: string;

  constructor(method: string, error: ErrorObject) {
    super(error.message, RETRYABLE.has(error.code));
    this.method = method;
    this.code = error.code;
    this.codeName = NAMES.get(error.code);
    this.data = error.data;
  }
}

/** `session.auth` was refused: wrong token, unknown agent (`wire.md` section 3). */
export class AuthError extends RpcError {}

/**
 * What the broker sent is not what the wire says: another program than a broker, or one that speaks another version. Trying
 * again would end the same way.
 */
export class ProtocolError extends SwitchboardError {
  /** What of it does not fit. */
  readonly issues: readonly Issue[];

  /** @param what the message that it is about. */
  constructor(what: string, issues: readonly Issue[]) {
    const named = issues.map(({ path, message }) => (path ? `${path}: ${message}` : message)).join('; ');
    super(`${what} is malformed: ${named}`, false);
    this.issues = issues;
  }
}

/** A request was not answered within its `timeoutMs`. Its outcome is unknown. */
export class RequestTimeoutError extends SwitchboardError {
  readonly method: string;

  constructor(method: string, timeoutMs: number) {
    super(`${method} was not answered within ${timeoutMs} ms`, true);
    this.method = method;
  }
}

/** The terminals of `wire.md` section 6. */
export type TerminalEvent = Extract<ChatEvent, { kind: 'done' | 'error' | 'auth_required' }>;

/** A turn ended otherwise than well. Only `text()` throws this: who iterates gets the terminal as an event. */
export class TurnError extends SwitchboardError {
  /** `error`, `auth_required`, or `done` with `finish_reason: "cancelled"`. */
  readonly event: TerminalEvent;

  constructor(event: TerminalEvent) {
    super(describe(event), event.kind === 'error' && event.retryable === true);
    this.event = event;
  }
}

function describe(event: TerminalEvent): string {
  if (event.kind === 'error') return event.error;
  if (event.kind === 'auth_required') return event.message;
  return `the turn ended: ${event.finish_reason}`;
}

/** Why an interrupted chat does not go on. */
export type ResumeFailure =
  /** The connection was not back within the chat's window. */
  | 'window_over'
  /** The broker does not know that turn: it was restarted, or the turn has ended too long ago. */
  | 'not_found'
  /** More of the answer was missed than the broker keeps; the turn is cancelled. */
  | 'text_lost'
  /** Another host has the turn since, by its handle. It goes on there. */
  | 'taken_over'
  /** The broker answered with another error, which is the `cause`. */
  | 'refused'
  /** Connecting again was given up; the `cause` says why. */
  | 'disconnected';

const RESUME_FAILURES: Record<ResumeFailure, string> = {
  window_over: 'the connection was not back in time',
  not_found: 'the broker does not know this turn (any more)',
  text_lost: 'more of its text was missed than the broker keeps',
  taken_over: 'another host has taken it',
  refused: 'the broker refused it',
  disconnected: 'the connection could not be made again',
};

/**
 * A chat that lost its connection cannot be continued (`wire.md` section 8). Its turn is over, or will be when its
 * window is, unless another host has it (`taken_over`); how far the agent has come is unknown. `retryable` says whether
 * asking again may well succeed.
 */
export class ResumeError extends SwitchboardError {
  readonly reason: ResumeFailure;

  constructor(reason: ResumeFailure, cause?: SwitchboardError) {
    const isLost = reason !== 'taken_over' && reason !== 'refused' && reason !== 'disconnected';
    const detail = cause && reason !== 'not_found' && reason !== 'taken_over' ? `: ${cause.message}` : '';
    super(
      `the chat cannot be resumed, ${RESUME_FAILURES[reason]}${detail}`,
      isLost || cause?.retryable === true,
      cause,
    );
    this.reason = reason;
  }
}

/** Events were read so much more slowly than they came that their buffer ran over; where it was a chat, it was cancelled. */
export class BufferOverflowError extends SwitchboardError {
  constructor(limit: number) {
    super(`more than ${limit} characters of events were waiting to be read`, false);
  }
}
