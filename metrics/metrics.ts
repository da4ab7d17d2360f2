import type { Counter, Gauge, Histogram, Registry } from 'prom-client';
import type { Kernel } from '../actors/kernel/kernel.ts';
import { type Metric, metric } from '../actors/kernel/metric.ts';
import { ROUTING_BUCKETS } from '../actors/kernel/routing-times.ts';
import { isGuest } from '../protocol/link.ts';
import type { Measure } from '../protocol/telemetry.ts';
import { prometheus } from './prometheus.ts';

/**
 * `/metrics` of one broker, listed in docs/metrics.md: what the kernel has, and what the families bring. Everything is read
 * when it is scraped: nothing here is on a token's way. Labels take values from fixed lists only, so that no client can
 * make the text grow.
 */
export function createMetrics(kernel: Kernel, ofFamilies: readonly Metric[]): Registry {
  const { Registry } = prometheus();
  const registry = new Registry();
  for (const one of [...kernelMetrics(kernel), ...ofFamilies]) registry.registerMetric(collected(one));
  addRouting(registry, kernel);
  return registry;
}

/** A metric whose values are put together when it is scraped. */
function collected({ kind, name, help, labels = [], read }: Metric): Gauge | Counter {
  const { Counter, Gauge } = prometheus();
  const Kind: typeof Gauge | typeof Counter = kind === 'gauge' ? Gauge : Counter;
  return new Kind({
    name: `switchboard_${name}`,
    help,
    labelNames: [...labels],
    registers: [],
    collect() {
      this.reset();
      const values = read();
      if (typeof values === 'number') {
        this.inc(values);
        return;
      }
      for (const [key, value] of values) {
        const keys = typeof key === 'string' ? [key] : key;
        this.inc(Object.fromEntries(labels.map((label, index) => [label, keys[index] ?? ''])), value);
      }
    },
  });
}

function kernelMetrics(kernel: Kernel): Metric[] {
  const { counters, clients } = kernel;
  // A guest's is the link's between two brokers, which is told of by itself.
  const waiting = () => [...clients.values()].flatMap(({ link }) => (isGuest(link) ? [] : link.waitingBytes));
  return [
    metric('gauge', 'build_info', 'Always 1; the version is in the label.', () => [[kernel.version, 1]], 'version'),
    metric('gauge', 'connections', 'Open connections by role.', () => connections(kernel), 'role'),
    metric('counter', 'connections_total', 'Connections opened since the start.', () => counters.connections),
    metric(
      'counter',
      'connections_closed_total',
      'Connections closed since the start, by close code.',
      () => counters.closedConnections,
      'code',
    ),
    metric(
      'counter',
      'upgrades_refused_total',
      'WebSocket upgrades refused since the start, by HTTP status.',
      () => [...kernel.vitals.refusedUpgrades()].map(([status, count]) => [String(status), count]),
      'status',
    ),
    metric(
      'counter',
      'http_refused_total',
      'Plain HTTP refused since the start, by reason.',
      () => kernel.vitals.refusedRequests(),
      'reason',
    ),
    metric(
      'counter',
      'strangers_refused_total',
      'Requests and upgrades refused since the start for where they come from, by what they failed at.',
      () => kernel.vitals.refusedStrangers(),
      'reason',
    ),
    metric('gauge', 'plain_connections', 'Sockets of the own ports that are no WebSockets.', () =>
      kernel.vitals.plainConnections(),
    ),
    metric('gauge', 'unfinished_bytes', 'What messages take that have not arrived whole.', () =>
      kernel.vitals.unfinishedBytes(),
    ),
    metric('counter', 'requests_total', 'Requests routed since the start.', () => counters.requests),
    metric(
      'counter',
      'drops_total',
      'Frames that went nowhere since the start, by reason.',
      () => counters.drops,
      'reason',
    ),
    metric(
      'counter',
      'limited_total',
      'What a limit of an identity, agent, tenant or key has refused or held up since the start, by its name.',
      () => kernel.shared.reached,
      'limit',
    ),
    metric(
      'counter',
      'events_mended_total',
      'Events of agents that went on without a field, or with one that was put in.',
      () => kernel.eventFaults.mended,
    ),
    metric(
      'gauge',
      'held_bytes',
      'Bytes, roughly, of what clients have sent and is kept because it waits.',
      () => kernel.held.bytes,
    ),
    metric('gauge', 'queue_bytes', 'Bytes that wait to be written, all connections together.', () =>
      waiting().reduce((sum, bytes) => sum + bytes, 0),
    ),
    metric('gauge', 'queue_bytes_max', 'Bytes that wait for the connection that most wait for.', () =>
      waiting().reduce((most, bytes) => Math.max(most, bytes), 0),
    ),
    metric(
      'gauge',
      'event_loop_delay_seconds',
      'How late timers were over the last 5 to 10 s.',
      () => {
        const { p50, p99, max } = kernel.vitals.eventLoopDelay();
        return [
          ['0.5', p50 / 1000],
          ['0.99', p99 / 1000],
          ['1', max / 1000],
        ];
      },
      'quantile',
    ),
    metric(
      'gauge',
      'memory_bytes',
      'What the process holds: resident, and of that the used heap.',
      () => {
        const { rss, heapUsed } = process.memoryUsage();
        return [
          ['rss', rss],
          ['heap_used', heapUsed],
        ];
      },
      'kind',
    ),
    metric(
      'counter',
      'log_lines_lost_total',
      'Lines of the log that were lost since the start.',
      () => kernel.log.lostLines ?? 0,
    ),
    metric(
      'counter',
      'audit_records_total',
      'Records of the audit since the start: written to the file, and lost for want of room.',
      () => [
        ['written', kernel.audit.state.written],
        ['lost', kernel.audit.state.lost],
      ],
      'outcome',
    ),
    metric(
      'counter',
      'audit_failures_total',
      'How often the audit file could not be written or synced.',
      () => kernel.audit.state.failures,
    ),
    metric(
      'counter',
      'audit_refused_total',
      'Requests refused since the start because they could not be audited.',
      () => kernel.audit.refused,
    ),
    metric(
      'gauge',
      'audit_waiting_bytes',
      'Bytes of records that wait to be written.',
      () => kernel.audit.state.waitingBytes,
    ),
    metric('gauge', 'audit_writable', '1 where the audit can be written, or there is none; else 0.', () =>
      kernel.audit.state.isWritable ? 1 : 0,
    ),
    metric(
      'counter',
      'spans_total',
      'Spans of sampled traces since the start: sent, dropped for want of room, and failed to be sent.',
      () => {
        const { exported, dropped, failed } = kernel.tracing.state;
        return [
          ['exported', exported],
          ['dropped', dropped],
          ['failed', failed],
        ];
      },
      'outcome',
    ),
    metric('gauge', 'spans_waiting', 'Spans that wait to be sent.', () => kernel.tracing.state.waiting),
    metric(
      'counter',
      'otlp_failures_total',
      'Requests to the collector since the start that came to nothing, by signal.',
      () => Object.entries(kernel.tracing.state.failures),
      'signal',
    ),
    metric('gauge', 'start_time_seconds', 'When the broker started, in Unix seconds.', () => kernel.startedAt / 1000),
  ];
}

/** The same values, for who has them sent elsewhere. */
export function readMeasures(kernel: Kernel, ofFamilies: readonly Metric[]): Measure[] {
  return [...[...kernelMetrics(kernel), ...ofFamilies].map(measured), routingMeasure(kernel)];
}

function measured({ kind, name, help, labels = [], read }: Metric): Measure {
  const values = read();
  const points = new Map<string, { labels: readonly string[]; value: number }>();
  for (const [key, value] of typeof values === 'number' ? [[[], values] as const] : values) {
    const keys = typeof key === 'string' ? [key] : key;
    const point = points.get(keys.join('\n'));
    if (point) point.value += value;
    else points.set(keys.join('\n'), { labels: keys, value });
  }
  return { kind, name: `switchboard_${name}`, help, labels, points: [...points.values()] };
}

function routingMeasure({ routingTimes: { buckets, sum } }: Kernel): Measure {
  const counts = [...ROUTING_BUCKETS, '+Inf'].map((_, index) => buckets[index] ?? 0);
  const histogram = { bounds: ROUTING_BUCKETS, counts, sum };
  return { kind: 'histogram', name: ROUTING, help: ROUTING_HELP, labels: [], points: [], histogram };
}

function* connections({ clients }: Kernel): Iterable<readonly [string, number]> {
  for (const role of ['unauthenticated', 'client', 'agent', 'host']) yield [role, 0];
  for (const { role, link } of clients.values()) if (!isGuest(link)) yield [role ?? 'unauthenticated', 1];
}

const ROUTING = 'switchboard_routing_seconds';
const ROUTING_HELP = "From the arrival of an event to its host's queue, of one frame in 64.";

/** The one histogram: its buckets are counted where the time is taken, so that here they are only read. */
function addRouting(registry: Registry, { routingTimes }: Kernel): void {
  const [name, help] = [ROUTING, ROUTING_HELP];
  const histogram = {
    name,
    async get() {
      const { buckets, count, sum } = routingTimes;
      let below = 0;
      const bounds = [...ROUTING_BUCKETS, '+Inf'].map((le, index) => {
        below += buckets[index] ?? 0;
        return { metricName: `${name}_bucket`, labels: { le }, value: below };
      });
      const totals = [
        { metricName: `${name}_sum`, labels: {}, value: sum },
        { metricName: `${name}_count`, labels: {}, value: count },
      ];
      return { name, help, type: 'histogram', values: [...bounds, ...totals], aggregator: 'sum' };
    },
  };
  // A registry asks no more of a metric than this; the library's own histogram takes observations only.
  registry.registerMetric(histogram as unknown as Histogram);
}
