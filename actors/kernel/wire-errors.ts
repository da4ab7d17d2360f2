import { ErrorCode, WireError } from '../../protocol/errors.ts';
import { unwritable } from '../../protocol/json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from './kernel.ts';

/** What a peer is told of an error: a wire error as it is; of a fault of ours nothing but that it happened. */
export function toWireError(kernel: Kernel, where: string, error: unknown): WireError {
  if (error instanceof WireError && isWritable(error.data ?? null)) return error;
  const place = where.slice(0, 128);
  kernel.sparseLog.error({ err: error, where: place, code: ErrorCode.InternalError }, 'internal error', place);
  return WireError.internal();
}

/** Whether a value can be written as JSON, and read again by anybody: an embedder's method may hand over anything. */
export function isWritable(value: unknown): boolean {
  try {
    return unwritable(value) === undefined && writeJson(value) !== undefined;
  } catch {
    return false;
  }
}
