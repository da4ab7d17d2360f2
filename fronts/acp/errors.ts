import { RequestError } from '../../sdks/acp.ts';
import { type FrontError, frontErrorOf } from '../core/errors.ts';

/** JSON-RPC's, as ACP names them. */
const INVALID_PARAMS = -32602;
const INTERNAL = -32603;
const AUTH_REQUIRED = -32000;

/** What an ACP client is told of an error: in words, and nothing of a fault of ours. */
export function requestErrorOf(error: unknown): RequestError {
  if (error instanceof RequestError) return error;
  const known = frontErrorOf(error);
  if (!known) return new RequestError(INTERNAL, 'internal error');
  return new RequestError(codeOf(known), known.message, known.code === null ? undefined : { code: known.code });
}

function codeOf({ status }: FrontError): number {
  if (status === 400 || status === 413) return INVALID_PARAMS;
  return status === 401 ? AUTH_REQUIRED : INTERNAL;
}

/** An agent that is not there. */
export function notAttached(agentId: string): RequestError {
  return new RequestError(INTERNAL, `the agent ${agentId} is not attached`, { code: 'agent_not_found' });
}
