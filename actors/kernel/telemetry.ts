import type { Span, SpanFacts, SpanStart, Telemetry, TelemetryState } from '../../protocol/telemetry.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { SparseLog } from './sparse-log.ts';

const NO_STATE: TelemetryState = {
  exported: 0,
  dropped: 0,
  failed: 0,
  waiting: 0,
  failures: { traces: 0, metrics: 0 },
};

/**
 * Where the broker tells what it does when. It is on no token's way, and an embedder's own may throw: what is lost by that is
 * a span.
 */
export class Tracing {
  readonly #telemetry: Telemetry | undefined;
  readonly #log: SparseLog;

  constructor(telemetry: Telemetry | undefined, log: SparseLog) {
    this.#telemetry = telemetry;
    this.#log = log;
  }

  get isOn(): boolean {
    return this.#telemetry !== undefined;
  }

  /** How sending is going. */
  get state(): TelemetryState {
    return this.#telemetry?.state ?? NO_STATE;
  }

  /** Begins a span; undefined where nobody is told of any. */
  start(start: SpanStart): Span | undefined {
    return this.#telemetry && this.#attempt(() => this.#telemetry?.start(start));
  }

  event(span: Span | undefined, name: string, facts?: SpanFacts): void {
    if (span?.isRecording) this.#attempt(() => span.event(name, facts));
  }

  /** See {@link Span.end}. `facts` is called where they are recorded. */
  end(span: Span | undefined, facts: () => SpanFacts, error?: string): void {
    if (!span) return;
    this.#attempt(() => span.end(span.isRecording ? facts() : undefined, error));
  }

  #attempt<T>(step: () => T): T | undefined {
    try {
      return step();
    } catch (err) {
      this.#log.error({ err }, 'the telemetry has thrown');
      return undefined;
    }
  }
}

/** What goes on to whoever is asked next: the broker's own span as the parent, where there is one; else what has come. */
export function handedOn(span: Span | undefined, came: TraceContext | undefined): TraceContext | undefined {
  return span ? { ...came, traceparent: span.traceparent } : came;
}

/** What a request belongs to which may not say so: then it is what it is part of. */
export function below(came: TraceContext | undefined, whole: TraceContext | undefined): TraceContext | undefined {
  return came?.traceparent === undefined && whole ? { ...came, ...whole } : came;
}

/** The same for as long as something lasts: what a caller wants to be known is said once, and not kept. */
export function withoutBaggage(trace: TraceContext | undefined): TraceContext | undefined {
  if (trace?.baggage === undefined) return trace;
  const { baggage: _baggage, ...kept } = trace;
  return kept.traceparent === undefined ? undefined : kept;
}

/** `_meta` of a message, where there is something to say. */
export const metaOf = (trace: TraceContext | undefined): { _meta?: TraceContext } => (trace ? { _meta: trace } : {});
