import { type HrTime, ValueType } from '@opentelemetry/api';
import { createOtlpHttpExportDelegate } from '@opentelemetry/otlp-exporter-base/node-http';
import { MetricsExporterMetricsHelper, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import type { Resource } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  DataPointType,
  type MetricData,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import type { Measure } from '../protocol/telemetry.ts';
import { VERSION } from '../version.ts';
import { inTime, type Place, type Troubles, toCollector } from './place.ts';

/** Sends now and then what `/metrics` tells. Between two times nothing is kept. */
export class MetricsSender {
  readonly #resource: Resource;
  readonly #troubles: Troubles;
  readonly #delegate;
  readonly #timer: ReturnType<typeof setInterval>;
  readonly #startedAt = Date.now();
  #read: (() => readonly Measure[]) | undefined;
  #sending: Promise<void> | undefined;
  #isClosed = false;

  constructor(place: Place, troubles: Troubles, resource: Resource, intervalMs: number) {
    this.#resource = resource;
    this.#troubles = troubles;
    this.#delegate = createOtlpHttpExportDelegate(
      toCollector(place, 'metrics'),
      ProtobufMetricsSerializer,
      'otlp_http_metric_exporter',
      MetricsExporterMetricsHelper,
      undefined,
    );
    this.#timer = setInterval(() => void this.send(), intervalMs);
    this.#timer.unref();
  }

  get failures(): number {
    return this.#troubles.failures;
  }

  /** @throws {Error} where there is another broker already: nobody could tell their values apart */
  measure(read: () => readonly Measure[]): () => void {
    if (this.#read) throw new Error('this telemetry serves another broker already');
    this.#read = read;
    return () => {
      if (this.#read !== read) return;
      // As they were at its end, behind what is on its way.
      const last = this.#collected(read());
      this.#read = undefined;
      this.#sending = this.#sending ? this.#sending.then(() => this.#send(last)) : this.#send(last);
    };
  }

  /** Sends what there is now. One that is still on its way is not overtaken. Never rejects. */
  send(): Promise<void> {
    if (!this.#read || this.#isClosed || this.#sending) return this.#sending ?? Promise.resolve();
    this.#sending = this.#send(this.#collected(this.#read())).then(() => {
      this.#sending = undefined;
    });
    return this.#sending;
  }

  async close(): Promise<void> {
    clearInterval(this.#timer);
    await this.send();
    this.#isClosed = true;
    await this.#delegate.shutdown();
  }

  #send(metrics: ResourceMetrics): Promise<void> {
    return new Promise((resolve) => {
      inTime(
        (settle) => this.#delegate.export(metrics, settle),
        (error) => {
          if (error === undefined) this.#troubles.arrived();
          else this.#troubles.failed(error);
          resolve();
        },
      );
    });
  }

  #collected(measures: readonly Measure[]): ResourceMetrics {
    const [startTime, endTime] = [hrTime(this.#startedAt), hrTime(Date.now())];
    const metrics = measures.map((measure) => toMetric(measure, { startTime, endTime }));
    return {
      resource: this.#resource,
      scopeMetrics: [{ scope: { name: 'switchboard', version: VERSION }, metrics }],
    };
  }
}

function toMetric(measure: Measure, time: { startTime: HrTime; endTime: HrTime }): MetricData {
  const { kind, name, help: description, labels, points, histogram } = measure;
  const base = {
    descriptor: { name, description, unit: '', valueType: ValueType.DOUBLE },
    aggregationTemporality: AggregationTemporality.CUMULATIVE,
  };
  if (histogram) {
    const { bounds, counts, sum } = histogram;
    const count = counts.reduce((all, one) => all + one, 0);
    const value = { buckets: { boundaries: [...bounds], counts: [...counts] }, sum, count };
    return { ...base, dataPointType: DataPointType.HISTOGRAM, dataPoints: [{ ...time, attributes: {}, value }] };
  }
  const dataPoints = points.map((point) => ({
    ...time,
    attributes: Object.fromEntries(labels.map((label, at) => [label, point.labels[at] ?? ''])),
    value: point.value,
  }));
  if (kind === 'gauge') return { ...base, dataPointType: DataPointType.GAUGE, dataPoints };
  return { ...base, dataPointType: DataPointType.SUM, isMonotonic: true, dataPoints };
}

const hrTime = (ms: number): HrTime => [Math.floor(ms / 1_000), Math.round((ms % 1_000) * 1e6)];
