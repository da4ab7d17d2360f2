import type { Answer } from '../../machines/callback.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { JsonObject } from '../../protocol/json.ts';

const refusals = new WeakMap<object, WireError>();

/** What stands for the answer to a request of ours that was not sent at all. */
export function refusedCall(error: WireError): Answer {
  const object: JsonObject = { ...error.toObject() };
  refusals.set(object, error);
  return { error: object };
}

/** What is said of an error that an agent has answered with; or why the agent was never asked. */
export function agentError(error: JsonObject): WireError {
  return refusals.get(error) ?? WireError.agentRejected(error);
}
