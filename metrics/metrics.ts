import { Counter, Gauge, type Histogram, Registry } from 'prom-client';
import type { BrokerState } from '../actors/kernel/broker-state.ts';
import { ROUTING_BUCKETS } from '../actors/turns/routing-times.ts';
import { addMeetings } from './meetings.ts';
import { addSurfaces } from './surfaces.ts';
import { addVoice } from './voice.ts';

/**
 * `/metrics` of one broker, listed in docs/metrics.md. Everything is read when it is scraped: nothing here is on a token's
 * way. Labels take values from fixed lists only, so that no client can make the text grow.
 */
export function createMetrics(state: BrokerState): Registry {
  const registry = new Registry();
  const { counters } = state;
  /** A metric whose values are put together when it is scraped. */
  const add = (kind: typeof Gauge | typeof Counter, name: string, help: string, label: string, read: () => Values) =>
    registry.registerMetric(
      new kind({
        name: `switchboard_${name}`,
        help,
        labelNames: label === '' ? [] : [label],
        registers: [],
        collect() {
          this.reset();
          const values = read();
          if (typeof values === 'number') this.inc(values);
          else for (const [key, value] of values) this.inc({ [label]: key }, value);
        },
      }),
    );

  add(Gauge, 'build_info', 'Always 1; the version is in the label.', 'version', () => [[state.version, 1]]);
  add(Gauge, 'connections', 'Open connections by role.', 'role', () => [
    ...['unauthenticated', 'client', 'agent', 'host'].map((role) => [role, 0] as const),
    ...[...state.clients.values()].map((client) => [client.role ?? 'unauthenticated', 1] as const),
  ]);
  add(Gauge, 'agents', 'Agents that are known, and those that are attached.', 'which', () => [
    ['known', state.agents.size],
    ['attached', state.attached.size],
  ]);
  add(Gauge, 'turns', 'Live turns by state.', 'state', () => Object.entries(state.turnsByState()));
  add(Counter, 'connections_total', 'Connections opened since the start.', '', () => counters.connections);
  add(Counter, 'turns_total', 'Turns opened since the start.', '', () => counters.turns);
  add(Counter, 'requests_total', 'Requests routed since the start.', '', () => counters.requests);
  add(Counter, 'turns_ended_total', 'Turns ended since the start, by how.', 'ending', () => counters.endings);
  add(Counter, 'events_total', 'Events sent to hosts since the start, by kind.', 'kind', () => counters.events);
  add(Counter, 'drops_total', 'Frames that went nowhere since the start, by reason.', 'reason', () => counters.drops);
  add(Gauge, 'callbacks_pending', 'Tool calls that have not ended.', '', () => state.pendingCallbacks());
  add(Gauge, 'approvals_pending', 'Approvals that wait for an answer.', '', () => state.approvals.pendingCount);
  add(Gauge, 'queue_bytes', 'Bytes that wait to be written, all connections together.', '', () =>
    [...state.clients.values()].reduce((sum, { link }) => sum + link.waitingBytes, 0),
  );
  add(Gauge, 'queue_bytes_max', 'Bytes that wait for the connection that most wait for.', '', () =>
    [...state.clients.values()].reduce((most, { link }) => Math.max(most, link.waitingBytes), 0),
  );
  add(Counter, 'tokens_merged_total', 'Tokens merged into another for slow readers since the start.', '', () =>
    state.vitals.mergedTokens(),
  );
  add(
    Counter,
    'resumes_total',
    'Turns taken up again or watched since the start, by role.',
    'role',
    () => counters.resumes,
  );
  add(Gauge, 'resume_log_bytes', 'Bytes that the logs of resumable turns take together.', '', () => state.logs.bytes);
  add(Gauge, 'ended_turns_kept', 'Ended turns that can still be resumed.', '', () => state.logs.endedCount);
  addVoice(registry, state);
  addSurfaces(registry, state);
  addMeetings(registry, state);
  add(Counter, 'voice_audio_bytes_total', 'Audio since the start: to be transcribed (in), spoken (out).', 'way', () =>
    Object.entries(counters.audioBytes),
  );
  add(Counter, 'voice_partials_dropped_total', 'Partials dropped for slow readers since the start.', '', () =>
    state.vitals.droppedPartials(),
  );
  addTally('callbacks', 'Tool calls ended since the start, by how', counters.callbacks);
  addTally('approvals', 'Approvals ended since the start, by how', counters.approvals);
  addRouting(registry, state);
  add(Gauge, 'event_loop_delay_seconds', 'How late timers were over the last 5 to 10 s.', 'quantile', () => {
    const { p50, p99, max } = state.vitals.eventLoopDelay();
    return [
      ['0.5', p50 / 1000],
      ['0.99', p99 / 1000],
      ['1', max / 1000],
    ];
  });
  add(Gauge, 'memory_bytes', 'What the process holds: resident, and of that the used heap.', 'kind', () => {
    const { rss, heapUsed } = process.memoryUsage();
    return [
      ['rss', rss],
      ['heap_used', heapUsed],
    ];
  });
  add(Gauge, 'start_time_seconds', 'When the broker started, in Unix seconds.', '', () => state.startedAt / 1000);
  add(Gauge, 'inspect_watchers', 'Connections that watch the statecharts.', '', () => state.inspection?.watchers ?? 0);
  add(Counter, 'inspect_dropped_total', 'Inspection records dropped for slow watchers since the start.', '', () => {
    return counters.inspectDropped;
  });
  return registry;

  function addTally(name: string, help: string, tallies: ReadonlyMap<string, { count: number; ms: number }>) {
    add(Counter, `${name}_total`, `${help}.`, 'outcome', () => [...tallies].map(([key, { count }]) => [key, count]));
    add(Counter, `${name}_seconds_total`, `${help}: the time they took together.`, 'outcome', () =>
      [...tallies].map(([key, { ms }]) => [key, ms / 1000]),
    );
  }
}

/** The one histogram: its buckets are counted where the time is taken, so that here they are only read. */
function addRouting(registry: Registry, { routingTimes }: BrokerState): void {
  const name = 'switchboard_routing_seconds';
  const help = "From the arrival of an event to its host's queue, of one frame in 64.";
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

/** One value, or one for each value of the label; the same label twice adds up. */
type Values = number | Iterable<readonly [label: string, value: number]>;
