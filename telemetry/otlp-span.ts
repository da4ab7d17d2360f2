import { type Span as ApiSpan, SpanStatusCode } from '@opentelemetry/api';
import type { Span, SpanFacts } from '../protocol/telemetry.ts';
import { writeTraceparent } from '../protocol/traceparent.ts';

/** A span of the SDK's, as the broker knows it. */
export class OtlpSpan implements Span {
  readonly span: ApiSpan;
  readonly traceparent: string;

  constructor(span: ApiSpan) {
    this.span = span;
    const { traceId, spanId, traceFlags } = span.spanContext();
    this.traceparent = writeTraceparent({ traceId, spanId, isSampled: (traceFlags & 1) === 1 });
  }

  get isRecording(): boolean {
    return this.span.isRecording();
  }

  event(name: string, facts?: SpanFacts): void {
    this.span.addEvent(name, facts);
  }

  end(facts: SpanFacts = {}, error?: string): void {
    this.span.setAttributes(facts);
    if (error !== undefined) {
      this.span.setAttribute('error.type', error);
      this.span.setStatus({ code: SpanStatusCode.ERROR });
    }
    this.span.end();
  }
}

/** One of a trace that is not recorded: whatever comes below it belongs to what it would have belonged to. */
export class UnsampledSpan implements Span {
  readonly isRecording = false;
  readonly traceparent: string;

  constructor(traceparent: string) {
    this.traceparent = traceparent;
  }

  event(): void {}
  end(): void {}
}
