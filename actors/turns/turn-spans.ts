import { WireError } from '../../protocol/errors.ts';
import type { CheckedEvent } from '../../protocol/events.ts';
import type { Span, SpanFacts } from '../../protocol/telemetry.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { Ending } from '../kernel/counters.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Tracing } from '../kernel/telemetry.ts';
import type { QueuedChat } from './sessions.ts';
import type { Turn } from './turn-record.ts';

/** What ends like this is an error to who reads the trace; the others are as somebody wanted them. */
const ERRORS: ReadonlySet<Ending | 'dropped'> = new Set(['failed', 'refused']);

/*
 * Names of attributes, here and in tools/: the semantic conventions of OpenTelemetry 1.45.0, in which all of `gen_ai.*` and of
 * `rpc.*` are still "Development"; what there is no name for is `switchboard.*`.
 */

/** The spans of one chat, from its request to its end (`docs/tracing.md`). Where nobody is told of spans there is none. */
export class TurnSpans {
  readonly #tracing: Tracing;
  /** `agents.chat`: all of it, as its host sees it. */
  readonly #chat: Span;
  /** `invoke_agent`: from when the agent is asked. */
  #agent: Span | undefined;
  /** `agents.chat.subscribe`: of a host that has taken it over. */
  #resumed: Span | undefined;
  #deltas = 0;
  #bytes = 0;

  private constructor(tracing: Tracing, chat: Span) {
    this.#tracing = tracing;
    this.#chat = chat;
  }

  /** Begins that of a request. */
  static of({ tracing }: Kernel, { from, sessionId, params, trace }: QueuedChat): TurnSpans | undefined {
    const chat = tracing.start({
      name: 'agents.chat',
      kind: 'server',
      parent: trace,
      facts: () => ({
        'rpc.system': 'jsonrpc',
        'rpc.method': 'agents.chat',
        'gen_ai.agent.id': params.agent_id,
        'gen_ai.conversation.id': params.conversation_id ?? sessionId,
        'switchboard.tenant': from.tenant,
      }),
    });
    return chat && new TurnSpans(tracing, chat);
  }

  /** The agent is about to be asked. */
  opened({ id, agentId, conversationId, sessionId }: Turn): Span | undefined {
    this.#agent = this.#tracing.start({
      name: `invoke_agent ${agentId}`,
      kind: 'client',
      parent: this.#chat,
      facts: () => ({
        'gen_ai.operation.name': 'invoke_agent',
        'gen_ai.agent.id': agentId,
        'gen_ai.conversation.id': conversationId ?? sessionId,
        'switchboard.turn.id': id,
      }),
    });
    return this.#agent;
  }

  /** An event of the agent's, counted where it passes. `bytes`: of its frame. */
  passed({ kind }: CheckedEvent, bytes: number): void {
    this.#bytes += bytes;
    if (kind !== 'token') return;
    if (this.#deltas === 0) this.#tracing.event(this.#agent, 'first_token');
    this.#deltas += 1;
  }

  /** Frames that were held until the agent had accepted. */
  released(bytes: number): void {
    this.#bytes += bytes;
  }

  /** Whether it is worth counting. */
  get isRecording(): boolean {
    return this.#agent?.isRecording === true;
  }

  /** It is without a host. */
  detached(): void {
    this.#tracing.event(this.#chat, 'detached');
    this.#endResumed('detached');
  }

  /** A host has taken it up, or over: that one's own trace has a span that leads to this one. */
  resumed(by: TraceContext | undefined): void {
    this.#tracing.event(this.#chat, 'resumed');
    this.#endResumed('taken over');
    this.#resumed = this.#tracing.start({
      name: 'agents.chat.subscribe',
      kind: 'server',
      parent: by,
      link: this.#chat,
      facts: () => ({ 'rpc.system': 'jsonrpc', 'rpc.method': 'agents.chat.subscribe' }),
    });
  }

  /** It is over. `dropped`: it never was a turn, for its host has gone while it waited. */
  ended(ending: Ending | 'dropped'): void {
    const error = ERRORS.has(ending) ? ending : undefined;
    const facts = (): SpanFacts => ({
      'switchboard.ending': ending,
      'switchboard.deltas': this.#deltas,
      'switchboard.bytes': this.#bytes,
    });
    this.#endResumed(ending);
    this.#tracing.end(this.#agent, facts, error);
    this.#tracing.end(this.#chat, facts, error);
  }

  /** It was refused, and never was a turn. */
  refused(error: unknown): void {
    const { code } = error instanceof WireError ? error : WireError.internal();
    const facts = () => ({ 'switchboard.ending': 'refused', 'rpc.jsonrpc.error_code': code });
    this.#tracing.end(this.#agent, facts, String(code));
    this.#tracing.end(this.#chat, facts, String(code));
  }

  #endResumed(ending: string): void {
    this.#tracing.end(this.#resumed, () => ({ 'switchboard.ending': ending }));
    this.#resumed = undefined;
  }
}
