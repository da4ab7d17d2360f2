import type { EventObject } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { Summary } from './summary.ts';

interface Said extends EventObject {
  params?: { kind?: unknown; error?: unknown; code?: unknown; tool?: unknown; ok?: unknown };
  error?: unknown;
}

/** What an error says, and where it hands on the agent's own, what that says. */
function wordsOf({ message, data }: WireError): string {
  const own = (data as { agent_error?: { message?: unknown } } | undefined)?.agent_error?.message;
  return typeof own === 'string' ? `${message}: ${own}` : message;
}

/** What an event says of its turn's tools, and of why it failed. `hearer`: the machine that hears it, `outside` where that is none of the turn's. */
export function noteEvent(summary: Summary, hearer: string, { type, params, error }: Said): void {
  if (hearer === 'turn' && type === 'turn.terminal' && params?.kind === 'error')
    summary.failed(params.code ?? 'agent_error', params.error);
  if (hearer === 'turn' && params?.kind === 'tool_call') summary.toolCalled(String(params.tool), 'agent');
  if (hearer === 'turn' && params?.kind === 'tool_result' && params.ok === false) summary.toolFailed('agent');
  // The host's own request has its error: the turn was refused.
  if (hearer === 'outside' && type === 'rpc.fail' && summary.state === 'dispatching' && error instanceof WireError)
    summary.failed(error.code, wordsOf(error));
}
