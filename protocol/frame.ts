import { WireError } from './errors.ts';
import { isObject, type JsonObject } from './json.ts';

/** A JSON-RPC id: a string or a finite number, of at most 256 bytes (`wire.md` section 2). */
export type RpcId = string | number;

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
  if (typeof value !== 'string' || value.length > MAX_ID_BYTES) return false;
  return value.length * BYTES_A_UNIT <= MAX_ID_BYTES || utf8.encode(value).length <= MAX_ID_BYTES;
}

function bad(error: WireError, id: RpcId | null = null): BadFrame {
  return { kind: 'bad', id, error };
}

/**
 * Reads one text frame (`wire.md` sections 1 and 2). Never throws: whatever is wrong comes back as a
 * {@link BadFrame} with `-32700` or `-32600`. `params` is absent, an object or an array; `null` counts as absent.
 */
export function decodeFrame(text: string): Frame {
  let message: unknown;
  try {
    message = JSON.parse(text);
  } catch {
    return bad(WireError.parseError());
  }
  if (Array.isArray(message)) return bad(WireError.invalidRequest('batches are not supported'));
  if (!isObject(message)) return bad(WireError.invalidRequest('a message is an object'));

  const hasId = Object.hasOwn(message, 'id');
  const id = message.id;
  if (hasId && !isRpcId(id))
    return bad(WireError.invalidRequest('id is a string or a finite number, of at most 256 bytes'));
  // Only a request's id is the client's own; a response's is ours and must not be answered with.
  const ownId = hasId && Object.hasOwn(message, 'method') ? (id as RpcId) : null;
  if (message.jsonrpc !== '2.0') return bad(WireError.invalidRequest('jsonrpc is "2.0"'), ownId);

  if (Object.hasOwn(message, 'method')) {
    const { method } = message;
    if (typeof method !== 'string') return bad(WireError.invalidRequest('method is a string'), ownId);
    const params = message.params ?? undefined;
    if (params !== undefined && typeof params !== 'object') {
      return bad(WireError.invalidRequest('params is an object or an array'), ownId);
    }
    return hasId ? { kind: 'request', id: id as RpcId, method, params } : { kind: 'notification', method, params };
  }
  return decodeResponse(message, hasId ? (id as RpcId) : null);
}

function decodeResponse(message: JsonObject, id: RpcId | null): Frame {
  // Some clients always write both members, the unused one as null.
  const error = message.error ?? undefined;
  const hasResult = Object.hasOwn(message, 'result') && !(error !== undefined && message.result === null);
  if (id === null || hasResult === (error !== undefined)) {
    return bad(WireError.invalidRequest('neither a request nor a notification nor a response'));
  }
  if (hasResult) return { kind: 'response', id, result: message.result };
  if (!isObject(error) || !Number.isInteger(error.code) || typeof error.message !== 'string') {
    return bad(WireError.invalidRequest('error is {code, message}'));
  }
  return { kind: 'response', id, error };
}
