import type { Registry } from 'prom-client';
import { isObject } from '../protocol/json.ts';
import { prometheus } from './prometheus.ts';

/** How one value is made of those that several brokers have. */
type Rule = 'sum' | 'most' | 'least';

/**
 * Of each gauge what it is for several brokers together, without `switchboard_`. Counters and histograms are sums. Where a
 * label decides, its values are named, and `else` is for the others.
 */
export const GAUGES: Readonly<
  Record<string, Rule | { label: string; is: Readonly<Record<string, Rule>>; else: Rule }>
> = {
  build_info: 'most',
  // Since when there is one of them.
  start_time_seconds: 'least',
  connections: 'sum',
  plain_connections: 'sum',
  unfinished_bytes: 'sum',
  held_bytes: 'sum',
  queue_bytes: 'sum',
  queue_bytes_max: 'most',
  event_loop_delay_seconds: 'most',
  memory_bytes: 'sum',
  audit_waiting_bytes: 'sum',
  audit_writable: 'least',
  spans_waiting: 'sum',
  // Each broker knows all of them.
  keys: 'most',
  goals: 'most',
  agents: { label: 'which', is: { known: 'most' }, else: 'sum' },
  turns: 'sum',
  callbacks_pending: 'sum',
  approvals_pending: 'sum',
  resume_log_bytes: 'sum',
  journal_degraded: 'most',
  journal_bytes: 'sum',
  journal_segments: 'sum',
  journal_turns: 'sum',
  ended_turns_kept: 'sum',
  tenant_connections: 'sum',
  tenant_agents: 'sum',
  tenant_turns: 'sum',
  voice_streams: 'sum',
  meetings: 'sum',
  surfaces: 'sum',
  inspect_watchers: 'sum',
  recorded_turns: 'sum',
  recorded_bytes: 'sum',
  recorded_degraded: 'most',
  cluster_brokers: 'least',
  cluster_connected: 'least',
  cluster_guests: 'sum',
  cluster_extensions: 'sum',
  cluster_waiting_bytes: 'sum',
  cluster_ended_turns_waiting_bytes: 'sum',
};

type Labels = Readonly<Record<string, string | number>>;
interface Value {
  readonly value: number;
  readonly labels: Labels;
  readonly metricName?: string;
}
/** One metric as prom-client tells it, and takes it. */
interface Told {
  readonly name: string;
  readonly help: string;
  readonly type: string;
  readonly values: readonly Value[];
}

/** What a broker has to tell, for {@link mergedMetrics} of another. */
export async function tellMetrics(registry: Registry): Promise<string> {
  return JSON.stringify(await registry.getMetricsAsJSON());
}

/**
 * The metrics of several brokers as those of one.
 * @param told - what {@link tellMetrics} has said at each
 * @throws {Error} where one of them is none
 */
export function mergedMetrics(told: readonly string[]): Registry {
  const merged = new Map<string, Told & { values: Value[]; byKey: Map<string, number> }>();
  for (const text of told) {
    for (const { name, help, type, values } of readTold(text)) {
      const known = merged.get(name) ?? { name, help, type, values: [], byKey: new Map() };
      merged.set(name, known);
      for (const value of values) add(known, value);
    }
  }
  return registryOf([...merged.values()]);
}

/** A registry of metrics whose values are known. */
export function registryOf(metrics: readonly Told[]): Registry {
  const { Registry } = prometheus();
  const registry = new Registry();
  for (const { name, help, type, values } of metrics) {
    // A registry asks no more of a metric than this.
    const metric = { name, get: async () => ({ name, help, type, values, aggregator: 'sum' }) };
    registry.registerMetric(metric as unknown as Parameters<Registry['registerMetric']>[0]);
  }
  return registry;
}

function add(metric: Told & { values: Value[]; byKey: Map<string, number> }, value: Value): void {
  const key = JSON.stringify([value.metricName ?? '', Object.entries(value.labels).sort()]);
  const at = metric.byKey.get(key);
  const known = at === undefined ? undefined : metric.values[at];
  if (at === undefined || known === undefined) {
    metric.byKey.set(key, metric.values.length);
    metric.values.push(value);
    return;
  }
  metric.values[at] = { ...known, value: RULES[ruleOf(metric, value.labels)](known.value, value.value) };
}

const RULES: Readonly<Record<Rule, (a: number, b: number) => number>> = {
  sum: (a, b) => a + b,
  most: Math.max,
  least: Math.min,
};

function ruleOf({ name, type }: Told, labels: Labels): Rule {
  if (type !== 'gauge') return 'sum';
  const rule = GAUGES[name.replace(/^switchboard_/, '')] ?? 'sum';
  return typeof rule === 'string' ? rule : (rule.is[String(labels[rule.label])] ?? rule.else);
}

function readTold(text: string): Told[] {
  const told: unknown = JSON.parse(text);
  if (!Array.isArray(told) || !told.every((one) => isObject(one) && Array.isArray(one.values)))
    throw new Error('another broker has told of its metrics in a way that is none');
  return told as Told[];
}
