import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import protobuf from 'otlp-definitions/build/src/generated/root.js';
import { onTestFinished } from 'vitest';

// biome-ignore lint/suspicious/noExplicitAny: generated, and without types of what is in it
const { trace, metrics } = (protobuf as any).opentelemetry.proto.collector;
const ExportTraces = trace.v1.ExportTraceServiceRequest;
const ExportMetrics = metrics.v1.ExportMetricsServiceRequest;

type Attributes = Record<string, string | number | boolean>;

/** A span as it came over the wire. */
export interface HeardSpan {
  name: string;
  kind: string;
  traceId: string;
  spanId: string;
  /** Empty of a root. */
  parentSpanId: string;
  attributes: Attributes;
  events: string[];
  links: { traceId: string; spanId: string }[];
  hasFailed: boolean;
  resource: Attributes;
  startNs: bigint;
  endNs: bigint;
}

/** A metric as it came over the wire. */
export interface HeardMetric {
  name: string;
  kind: 'gauge' | 'sum' | 'histogram';
  points: { attributes: Attributes; value?: number; count?: number; counts?: number[]; bounds?: number[] }[];
}

/** What a collector does with a request, in place of taking it. */
export type Behaviour = (response: ServerResponse) => void;

/** A collector of OpenTelemetry on loopback, which reads OTLP with the definitions of its makers. Gone after the test. */
export async function startCollector({ port = 0 } = {}) {
  const spans: HeardSpan[] = [];
  const reports: HeardMetric[][] = [];
  const headers: IncomingHttpHeaders[] = [];
  const heard: string[] = [];
  let behaviour: Behaviour | undefined;
  const server = createServer(async (request, response) => {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    heard.push(request.url ?? '');
    headers.push(request.headers);
    if (behaviour) return behaviour(response);
    const body = Buffer.concat(chunks);
    if (request.url === '/v1/traces') spans.push(...readSpans(body));
    else if (request.url === '/v1/metrics') reports.push(readMetrics(body));
    else return response.writeHead(404).end();
    response.writeHead(200, { 'content-type': 'application/x-protobuf' }).end();
  });
  server.listen(port, '127.0.0.1');
  await once(server, 'listening');
  const close = () =>
    new Promise<void>((resolve) => {
      server.closeAllConnections();
      server.close(() => resolve());
    });
  onTestFinished(close);
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    spans,
    /** The metrics of each request. */
    reports,
    headers,
    /** The path of each request. */
    heard,
    /** From now on; undefined: takes what is sent. */
    behave(next: Behaviour | undefined) {
      behaviour = next;
    },
    close,
    /** The one span of that name. */
    span(name: string): HeardSpan {
      const [found, ...more] = spans.filter((one) => one.name === name);
      if (!found || more.length > 0) throw new Error(`not one span ${name}: ${spans.map((one) => one.name)}`);
      return found;
    },
  };
}

const KINDS = ['', 'internal', 'server', 'client'];
const ERROR = 2;

function readSpans(body: Buffer): HeardSpan[] {
  const { resourceSpans } = ExportTraces.decode(body);
  return resourceSpans.flatMap(({ resource, scopeSpans }: Decoded) =>
    scopeSpans.flatMap(({ spans }: Decoded) =>
      spans.map((span: Decoded) => ({
        name: span.name,
        kind: KINDS[span.kind],
        traceId: hex(span.traceId),
        spanId: hex(span.spanId),
        parentSpanId: hex(span.parentSpanId ?? []),
        attributes: read(span.attributes),
        events: span.events.map(({ name }: Decoded) => name),
        links: span.links.map((link: Decoded) => ({ traceId: hex(link.traceId), spanId: hex(link.spanId) })),
        hasFailed: span.status?.code === ERROR,
        resource: read(resource.attributes),
        startNs: BigInt(String(span.startTimeUnixNano)),
        endNs: BigInt(String(span.endTimeUnixNano)),
      })),
    ),
  );
}

function readMetrics(body: Buffer): HeardMetric[] {
  const { resourceMetrics } = ExportMetrics.decode(body);
  return resourceMetrics.flatMap(({ scopeMetrics }: Decoded) =>
    scopeMetrics.flatMap((scope: Decoded) =>
      scope.metrics.map((metric: Decoded) => {
        const kind = (['gauge', 'sum', 'histogram'] as const).find((name) => metric[name]);
        const points = metric[kind ?? ''].dataPoints.map((point: Decoded) =>
          kind === 'histogram'
            ? {
                attributes: read(point.attributes),
                count: Number(point.count),
                counts: point.bucketCounts.map(Number),
                bounds: point.explicitBounds,
              }
            : { attributes: read(point.attributes), value: point.asDouble ?? Number(point.asInt) },
        );
        return { name: metric.name, kind, points };
      }),
    ),
  );
}

// biome-ignore lint/suspicious/noExplicitAny: as above
type Decoded = any;

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex');

function read(attributes: Decoded[]): Attributes {
  return Object.fromEntries(
    attributes.map(({ key, value }) => [
      key,
      value.stringValue ?? value.boolValue ?? value.doubleValue ?? Number(value.intValue),
    ]),
  );
}
