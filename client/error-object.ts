import { ErrorCode, type ErrorObject, WireError } from '../protocol/wire-error.ts';
import { RpcError } from './errors.ts';

/** What the other side is told of something thrown: our own words, for they are to somebody whom we chose to answer. */
export function toErrorObject(error: unknown): ErrorObject {
  if (error instanceof WireError || error instanceof RpcError) {
    const { code, message, data } = error;
    return data === undefined ? { code, message } : { code, message, data };
  }
  return { code: ErrorCode.InternalError, message: error instanceof Error ? error.message : String(error) };
}
