import type { FrontError } from '../core/errors.ts';

/** An error as clients of the OpenAI API read it. */
export function errorBody({ status, code, message, param }: FrontError) {
  return { error: { message, type: typeOf(status), param: param ?? null, code } };
}

function typeOf(status: number): string {
  if (status === 401) return 'authentication_error';
  if (status === 403) return 'permission_error';
  if (status === 429) return 'rate_limit_error';
  if (status === 424) return 'agent_error';
  return status >= 500 ? 'server_error' : 'invalid_request_error';
}

/** `openai` tries 408, 409, 429 and 5xx again by itself: not what has run. */
export function errorHeaders({ hasRun }: FrontError): Readonly<Record<string, string>> {
  return hasRun ? { 'x-should-retry': 'false' } : {};
}
