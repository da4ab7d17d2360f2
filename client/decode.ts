import { isObject } from '../protocol/json.ts';
import type { JsonCodec } from './place.ts';

/** A message of the broker's, as far as the SDK goes on with it. */
export type Message =
  | { kind: 'request'; id: string | number; method: string; params: unknown }
  | { kind: 'notification'; method: string; params: unknown }
  | { kind: 'answer'; id: unknown; result: unknown; error: unknown };

/**
 * Reads one text frame. Of its own, beside the broker's `decodeFrame`: what a broker has to say to each fault of a stranger
 * is longer than the whole of this. An answer without `result` and `error` has the result null (`wire.md` section 2).
 * Undefined: it is nothing that could be acted upon.
 */
export function decode(text: string, json: JsonCodec): Message | undefined {
  let message: unknown;
  try {
    message = json.parse(text);
  } catch {
    return undefined;
  }
  if (!isObject(message)) return undefined;
  const { id, method, params, result, error } = message;
  if (typeof method !== 'string') return { kind: 'answer', id, result: result ?? null, error: error ?? undefined };
  if (typeof id === 'string' || typeof id === 'number') return { kind: 'request', id, method, params };
  return { kind: 'notification', method, params };
}
