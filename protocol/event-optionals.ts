import type { JsonObject } from './json.ts';

/**
 * The fields of each kind of event that may be left out, for whoever reads events and has no schemas at hand. A test holds
 * them to the schemas.
 */
export const EVENT_OPTIONALS: Readonly<Record<string, readonly string[]>> = {
  // A kind is anybody's word: `constructor` is none of these either.
  __proto__: null as never,
  tool_call: ['call_id', 'sequence', 'params'],
  tool_result: ['call_id', 'sequence', 'excerpt', 'evidence'],
  approval_pending: ['tool', 'action', 'params', 'details', 'deadline'],
  done: ['text'],
  error: ['code', 'retryable'],
};

/** The same of `voice.event`, by type. */
export const VOICE_EVENT_OPTIONALS: Readonly<Record<string, readonly string[]>> = {
  __proto__: null as never,
  final: ['start_ms', 'end_ms', 'speaker', 'confidence'],
};

/** Takes the nulls out of an event that stand for what is not there (`wire.md`, head). In place: it is its reader's own. */
export function dropNulls(event: JsonObject, optionals: readonly string[] | undefined): void {
  for (const name of optionals ?? []) if (event[name] === null) delete event[name];
}
