import { ErrorCode, WireError } from './errors.ts';
import { isObject, type JsonObject } from './json.ts';
import { parseJson } from './parse-json.ts';

/**
 * A JSON-RPC id: a string or a finite number, of at most 256 bytes as text (`wire.md` section 2). A bigint is an integer
 * beyond 2^53, whose digits its sender wants back.
 */
export type RpcId = string | number | bigint;

/** A call that wants an answer. */
export interface RequestFrame {
  kind: 'request';
  id: RpcId;
  method: string;
  params: unknown;
}
/** A call that never gets an answer. */
export interface NotificationFrame {
  kind: 'notification';
  method: string;
  params: unknown;
}
/** The answer to a request of ours: exactly one of `result` and `error`. */
export interface ResponseFrame {
  kind: 'response';
  id: RpcId;
  result?: unknown;
  error?: JsonObject;
  /** What is wrong with it, where it is no answer as JSON-RPC has it: it is one only to whoever waits for that id. */
  fault?: string;
}
/** What could not be understood, and the error that its sender is answered with. */
export interface BadFrame {
  kind: 'bad';
  id: RpcId | null;
  error: WireError;
}

/** One decoded message. */
export type Frame = RequestFrame | NotificationFrame | ResponseFrame | BadFrame;

/** Bytes of an id, as UTF-8: it is repeated in its answer, and in each frame about what it has asked for. */
const MAX_ID_BYTES = 256;
/** Bytes that one of UTF-16's units takes at most. */
const BYTES_A_UNIT = 3;
const utf8 = new TextEncoder();

/** Whether a value may be a JSON-RPC id. `1e400` parses to Infinity, which JSON cannot write back. */
export function isRpcId(value: unknown): value is RpcId {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value === 'bigint') return String(value).length <= MAX_ID_BYTES;
  if (typeof value !== 'string' || value.length > MAX_ID_BYTES) return false;
  return value.length * BYTES_A_UNIT <= MAX_ID_BYTES || utf8.encode(value).length <= MAX_ID_BYTES;
}

function bad(error: WireError, id: RpcId | null = null): BadFrame {
  return { kind: 'bad', id, error };
}

/**
 * Reads one text frame (`wire.md` sections 1 and 2). Never throws: whatever is wrong comes back as a
 * {@link BadFrame} with `-32700` or `-32600`. `params` is absent, an object or an array; `null` counts as absent. Long
 * integers keep their digits, as {@link parseJson} has them.
 */
export function decodeFrame(text: string): Frame {
  let message: unknown;
  try {
    message = parseJson(text);
  } catch {
    return bad(WireError.parseError());
  }
  if (Array.isArray(message)) return bad(WireError.invalidRequest('batches are not supported'));
  if (!isObject(message)) return bad(WireError.invalidRequest('a message is an object'));

  const hasId = Object.hasOwn(message, 'id');
  const id = message.id;
  if (hasId && !isRpcId(id))
    return bad(WireError.invalidRequest('id is a string or a finite number, of at most 256 bytes'));
  // Some clients have one shape for all messages, and write what an answer lacks as null.
  const isCall = Object.hasOwn(message, 'method') && (message.method !== null || !isAnswer(message));
  if (!isCall && hasId) return decodeResponse(message, id as RpcId);
  // Only a request's id is the client's own; a response's is ours and must not be answered with.
  const ownId = hasId ? (id as RpcId) : null;
  if (message.jsonrpc !== '2.0') return bad(WireError.invalidRequest(VERSION_FAULT), ownId);
  if (!isCall) return bad(WireError.invalidRequest(SHAPE_FAULT));
  const { method } = message;
  if (typeof method !== 'string') return bad(WireError.invalidRequest('method is a string'), ownId);
  const params = message.params ?? undefined;
  if (params !== undefined && typeof params !== 'object') {
    return bad(WireError.invalidRequest('params is an object or an array'), ownId);
  }
  return hasId ? { kind: 'request', id: id as RpcId, method, params } : { kind: 'notification', method, params };
}

const VERSION_FAULT = 'jsonrpc is "2.0"';
const SHAPE_FAULT = 'neither a request nor a notification nor a response';

function isAnswer(message: JsonObject): boolean {
  return Object.hasOwn(message, 'result') || Object.hasOwn(message, 'error');
}

/**
 * An answer, however it is made (`wire.md` section 2): whoever waits for it need not wait for a timeout. Without `result`
 * and `error`, which is how JavaScript writes `undefined`, its result is null; of both, the error counts; and an error that
 * is none becomes one.
 */
function decodeResponse(message: JsonObject, id: RpcId): ResponseFrame {
  // Some clients always write both members, the unused one as null.
  const error = message.error ?? undefined;
  const fault = faultOf(message, error);
  const said = fault === undefined ? {} : { fault };
  if (error === undefined) return { kind: 'response', id, result: message.result ?? null, ...said };
  if (isErrorObject(error)) return { kind: 'response', id, error, ...said };
  const made = { code: ErrorCode.InternalError, message: 'the peer answered with a malformed error' };
  return { kind: 'response', id, error: { ...made, data: { peer_error: error } }, ...said };
}

function faultOf(message: JsonObject, error: unknown): string | undefined {
  if (message.jsonrpc !== '2.0') return VERSION_FAULT;
  if (error === undefined) return Object.hasOwn(message, 'result') ? undefined : SHAPE_FAULT;
  if (!isErrorObject(error)) return 'error is {code, message}';
  return (message.result ?? undefined) === undefined ? undefined : 'result and error exclude each other';
}

function isErrorObject(error: unknown): error is JsonObject {
  return isObject(error) && Number.isInteger(error.code) && typeof error.message === 'string';
}
