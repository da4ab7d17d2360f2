import type { EventObject } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { Summary } from './summary.ts';

interface Said extends EventObject {
  params?: { kind?: unknown; error?: unknown; code?: unknown };
  error?: unknown;
}

/** What an event says of why its turn failed. `hearer`: the machine that hears it, `outside` where that is none of the turn's. */
export function noteEvent(summary: Summary, hearer: string, { type, params, error }: Said): void {
  if (hearer === 'turn' && type === 'turn.terminal' && params?.kind === 'error')
    summary.failed(params.code ?? 'agent_error', params.error);
  // The host's own request has its error: the turn was refused.
  if (hearer === 'outside' && type === 'rpc.fail' && summary.state === 'dispatching' && error instanceof WireError)
    summary.failed(error.code, error.message);
}
