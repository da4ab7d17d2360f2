import { randomUUID } from 'node:crypto';
import { Agent as PlainAgent } from 'node:http';
import { Agent as TlsAgent } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { createTraceState, ROOT_CONTEXT, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { defaultResource, resourceFromAttributes } from '@opentelemetry/resources';
import { BasicTracerProvider, ParentBasedSampler, TraceIdRatioBasedSampler } from '@opentelemetry/sdk-trace-base';
import type { Measure, Span, SpanStart, TelemetryState } from '../protocol/telemetry.ts';
import type { TraceContext } from '../protocol/trace.ts';
import { parseTraceparent } from '../protocol/traceparent.ts';
import { VERSION } from '../version.ts';
import { MetricsSender } from './metrics-sender.ts';
import type { OpenTelemetry, OpenTelemetryOptions } from './open-telemetry.ts';
import { OtlpSpan, UnsampledSpan } from './otlp-span.ts';
import { type Place, Troubles } from './place.ts';
import { SpanSender } from './span-sender.ts';

/** How long the end waits for what is still to be sent. Milliseconds. */
const CLOSE_MS = 5_000;
/** Characters of an attribute: ids are shorter. */
const MAX_ATTRIBUTE = 1_024;

const KINDS = { server: SpanKind.SERVER, client: SpanKind.CLIENT, internal: SpanKind.INTERNAL } as const;

/** See `openTelemetry`: the SDK of OpenTelemetry, without anything that is global to the process. */
export class Otlp implements OpenTelemetry {
  readonly #provider: BasicTracerProvider;
  readonly #tracer: Tracer;
  readonly #spans: SpanSender;
  readonly #metrics: MetricsSender;
  readonly #agent: PlainAgent | TlsAgent;
  #closing: Promise<void> | undefined;

  constructor({ url, sampleRatio, metricsIntervalMs, headers, serviceName, on }: Required<OpenTelemetryOptions>) {
    const resource = defaultResource().merge(
      resourceFromAttributes({
        'service.name': serviceName,
        'service.version': VERSION,
        'service.instance.id': randomUUID(),
      }),
    );
    this.#agent = url.toLowerCase().startsWith('https:')
      ? new TlsAgent({ keepAlive: true })
      : new PlainAgent({ keepAlive: true });
    const place: Place = { url: url.replace(/\/+$/, ''), headers, agent: this.#agent };
    this.#spans = new SpanSender(place, new Troubles('traces', on));
    this.#metrics = new MetricsSender(place, new Troubles('metrics', on), resource, metricsIntervalMs);
    this.#provider = new BasicTracerProvider({
      resource,
      sampler: new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(sampleRatio) }),
      spanLimits: { attributeValueLengthLimit: MAX_ATTRIBUTE },
      spanProcessors: [this.#spans],
    });
    this.#tracer = this.#provider.getTracer('switchboard', VERSION);
  }

  get state(): TelemetryState {
    const { exported, dropped, failed, waiting, failures } = this.#spans;
    return { exported, dropped, failed, waiting, failures: { traces: failures, metrics: this.#metrics.failures } };
  }

  start({ name, kind, parent, link, facts }: SpanStart): Span {
    // As the sampler would have it; so most turns of a busy broker pay for nothing but their root.
    if (parent?.traceparent !== undefined && parseTraceparent(parent.traceparent)?.isSampled === false)
      return new UnsampledSpan(parent.traceparent);
    const linked = link && contextOf(link);
    const links = linked ? { links: [{ context: linked }] } : {};
    const span = this.#tracer.startSpan(name, { kind: KINDS[kind], ...links }, below(parent));
    if (facts && span.isRecording()) span.setAttributes(facts());
    return new OtlpSpan(span);
  }

  measure(read: () => readonly Measure[]): () => void {
    return this.#metrics.measure(read);
  }

  async flush(): Promise<void> {
    await Promise.allSettled([this.#provider.forceFlush(), this.#metrics.send()]);
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    const enough = new AbortController();
    const late = sleep(CLOSE_MS, undefined, { signal: enough.signal }).catch(() => {});
    await Promise.race([Promise.allSettled([this.#provider.shutdown(), this.#metrics.close()]), late]);
    enough.abort();
    this.#agent.destroy();
  }
}

/** What a new span is below. Never what is active in the process: that is the embedder's. */
function below(parent: SpanStart['parent']) {
  if (parent instanceof OtlpSpan) return trace.setSpan(ROOT_CONTEXT, parent.span);
  const context = parent && contextOf(parent);
  return context ? trace.setSpanContext(ROOT_CONTEXT, context) : ROOT_CONTEXT;
}

function contextOf({ traceparent, tracestate }: TraceContext) {
  const parsed = traceparent === undefined ? undefined : parseTraceparent(traceparent);
  if (!parsed) return undefined;
  const { traceId, spanId, isSampled } = parsed;
  const state = tracestate === undefined ? {} : { traceState: createTraceState(tracestate) };
  return { traceId, spanId, traceFlags: isSampled ? 1 : 0, isRemote: true, ...state };
}
