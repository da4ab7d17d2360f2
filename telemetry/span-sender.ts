import type { Context } from '@opentelemetry/api';
import { type ExportResult, ExportResultCode } from '@opentelemetry/core';
import { createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { ProtobufTraceSerializer, TraceExporterMetricsHelper } from '@opentelemetry/otlp-transformer';
import {
  BatchSpanProcessor,
  type ReadableSpan,
  type Span,
  type SpanExporter,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { inTime, type Place, type Troubles, toCollector } from './place.ts';

/** Spans that may wait to be sent, those on their way included. */
const MAX_WAITING = 20_000;
/** Spans of one request: to write more would hold up everybody for more than a few milliseconds. */
const BATCH = 256;
/** How long the first of a request waits for others. Milliseconds. */
const DELAY_MS = 2_000;

/** Longer than any takes: each ends by itself. Milliseconds. */
const NEVER_MS = 60_000;

/** Sends spans in batches, and keeps count of what becomes of each. */
export class SpanSender implements SpanProcessor {
  exported = 0;
  dropped = 0;
  failed = 0;
  waiting = 0;
  readonly #troubles: Troubles;
  readonly #batches: BatchSpanProcessor;
  #isClosed = false;

  constructor(place: Place, troubles: Troubles) {
    this.#troubles = troubles;
    const delegate = createOtlpHttpExportDelegate(
      toCollector(place, 'traces'),
      ProtobufTraceSerializer,
      'otlp_http_span_exporter',
      TraceExporterMetricsHelper,
      undefined,
    );
    const exporter: SpanExporter = {
      export: (spans, done) => this.#send(spans, (settle) => delegate.export(spans, settle), done),
      forceFlush: () => delegate.forceFlush(),
      shutdown: () => delegate.shutdown(),
    };
    this.#batches = new BatchSpanProcessor(exporter, {
      maxQueueSize: MAX_WAITING,
      maxExportBatchSize: BATCH,
      scheduledDelayMillis: DELAY_MS,
      exportTimeoutMillis: NEVER_MS,
    });
  }

  get failures(): number {
    return this.#troubles.failures;
  }

  onStart(_span: Span, _context: Context): void {}

  onEnd(span: ReadableSpan): void {
    // Counted here: what is on its way is no longer in that queue, and is memory still.
    if (this.waiting >= MAX_WAITING || this.#isClosed) {
      this.dropped += 1;
      return;
    }
    this.waiting += 1;
    this.#batches.onEnd(span);
  }

  forceFlush(): Promise<void> {
    return this.#batches.forceFlush();
  }

  shutdown(): Promise<void> {
    this.#isClosed = true;
    return this.#batches.shutdown();
  }

  /** Sends one batch. To whoever waits it always went well: they would tell the whole process of it. */
  #send(
    spans: readonly ReadableSpan[],
    send: Parameters<typeof inTime>[0],
    done: (result: ExportResult) => void,
  ): void {
    inTime(send, (error) => {
      this.waiting -= spans.length;
      if (error === undefined) {
        this.exported += spans.length;
        this.#troubles.arrived();
      } else {
        this.failed += spans.length;
        this.#troubles.failed(error);
      }
      done({ code: ExportResultCode.SUCCESS });
    });
  }
}
