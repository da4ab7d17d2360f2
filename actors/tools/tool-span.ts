import type { Span } from '../../protocol/telemetry.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { CallbackEnding } from '../kernel/counters.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { handedOn } from '../kernel/telemetry.ts';

/** What a tool call has to do with traces. */
export interface TracedCall {
  /** `execute_tool`, where somebody is told of spans. */
  span?: Span | undefined;
  /** What its host is told. */
  trace?: TraceContext | undefined;
}

/** The names that `error.type` has for what is one. */
const ERRORS: Readonly<Partial<Record<CallbackEnding | 'failed', string>>> = {
  rejected: 'rejected',
  timedOut: 'timeout',
  failed: 'failed',
};

/**
 * Begins the span of a tool call (`docs/tracing.md`).
 * @param came what its caller has said, else what its turn belongs to
 */
export function traceCall(
  { tracing }: Kernel,
  call: { id: string; tool: string; actionId: string; agentId?: string | undefined },
  came: TraceContext | undefined,
): TracedCall {
  const span = tracing.start({
    name: `execute_tool ${call.tool}`,
    kind: 'internal',
    parent: came,
    facts: () => ({
      'gen_ai.operation.name': 'execute_tool',
      'gen_ai.tool.name': call.tool,
      'gen_ai.tool.call.id': call.actionId === '' ? call.id : call.actionId,
      'gen_ai.agent.id': call.agentId,
    }),
  });
  return { span, trace: handedOn(span, came) };
}

/** The tool call is over. */
export function endCall({ tracing }: Kernel, { span }: TracedCall, ending: CallbackEnding | 'failed'): void {
  tracing.end(span, () => ({ 'switchboard.ending': ending }), ERRORS[ending]);
}
