import { WireError } from '../../protocol/errors.ts';
import { writeJson } from '../../protocol/write-json.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** The bytes of a value as JSON; none where it is not there. */
export function jsonBytes(value: unknown): number {
  const text = writeJson(value);
  return text === undefined ? 0 : Buffer.byteLength(text);
}

/** What is kept for others is bounded: gives its bytes. @throws {WireError} `-32020` */
export function checkSize(kernel: Kernel, value: unknown): number {
  const limit = kernel.limits.maxPayloadBytes;
  const bytes = jsonBytes(value);
  if (bytes > limit) throw WireError.limitExceeded('max_payload_bytes', limit);
  return bytes;
}
