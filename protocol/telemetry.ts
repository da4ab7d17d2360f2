import type { TraceContext } from './trace.ts';

/** What is said of a span, or of something that happened in it: names and numbers. Never content, never a secret. */
export type SpanFacts = Readonly<Record<string, string | number | boolean | undefined>>;

/** A span that is to begin. */
export interface SpanStart {
  name: string;
  /** `server`: a request of a client's. `client`: one of the broker's own, to another. `internal`: neither. */
  kind: 'server' | 'client' | 'internal';
  /** Below what it belongs: a span of this broker, or what a request has brought. Default: nothing, it is a root. */
  parent?: Span | TraceContext | undefined;
  /** Another trace that it has to do with. */
  link?: TraceContext | undefined;
  /** What is known of it from the beginning: asked for only where the span is recorded. */
  facts?(): SpanFacts;
}

/** One piece of work, from its beginning to its end. */
export interface Span {
  /** What whatever comes below it is told, whether it is recorded or not. */
  readonly traceparent: string;
  /** False: it was not sampled, and what is said of it goes nowhere. */
  readonly isRecording: boolean;
  /** Something has happened. */
  event(name: string, facts?: SpanFacts): void;
  /** It is over, once. @param error what kind of error it ended in, if in one. */
  end(facts?: SpanFacts, error?: string): void;
}

/** What `/metrics` tells, to be sent elsewhere. */
export interface Measure {
  readonly kind: 'gauge' | 'counter' | 'histogram';
  readonly name: string;
  readonly help: string;
  readonly labels: readonly string[];
  /** Of a gauge or a counter: values by those of the labels. */
  readonly points: readonly { readonly labels: readonly string[]; readonly value: number }[];
  /** Of a histogram: its upper bounds, how many are in each bucket, the last without a bound, and their sum. */
  readonly histogram?: { readonly bounds: readonly number[]; readonly counts: readonly number[]; readonly sum: number };
}

/** How sending is going, since the start. */
export interface TelemetryState {
  /** Spans that were sent. */
  readonly exported: number;
  /** Spans that had no room to wait in. */
  readonly dropped: number;
  /** Spans that were to be sent and could not. */
  readonly failed: number;
  /** Spans that wait. */
  readonly waiting: number;
  /** Requests to the collector that came to nothing, by signal. */
  readonly failures: Readonly<Record<'traces' | 'metrics', number>>;
}

/**
 * Where the broker tells what it does when (`docs/tracing.md`). It is called from inside the broker's own steps: it neither
 * throws nor waits, and bounds what it keeps.
 */
export interface Telemetry {
  start(span: SpanStart): Span;
  readonly state: TelemetryState;
  /** Told once, by each broker that it is given to: how to read what `/metrics` tells. The function returned ends that. */
  measure?(read: () => readonly Measure[]): () => void;
}
