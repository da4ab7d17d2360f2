import type { FleetReport } from './fleet.ts';
import type { ProbeAnswer } from './probe.ts';
import { median, trendOf } from './trend.ts';

const MEGABYTE = 1024 * 1024;

/** Ten seconds of it. */
export interface Sample {
  /** Since the warm-up, and since the last sample. Seconds. */
  at: number;
  seconds: number;
  load: FleetReport;
  probe: ProbeAnswer;
  /** CPU of the daemon, as a share of one core. */
  cpu: number;
  /** Connections and live turns as the daemon counts them. */
  connections: number;
  turns: number;
  /** Bytes that wait for slow readers, and that the logs of resumable turns take. */
  queued: number;
  logged: number;
}

/** What the trend is judged by: what is collected, less what the daemon says that it holds for a reason. */
export function heldBytes({ probe, queued, logged }: Sample): number {
  return probe.collected - queued - logged;
}

const COLUMNS: readonly (readonly [title: string, read: (sample: Sample) => string])[] = [
  ['s', ({ at }) => at.toFixed(0)],
  ['connections', ({ connections }) => number(connections)],
  ['turns', ({ turns }) => number(turns)],
  ['turns/s', (sample) => rate(sample, 'turns')],
  ['events/s', (sample) => rate(sample, 'events')],
  ['requests/s', (sample) => rate(sample, 'requests')],
  ['p50 ms', ({ load }) => ms(load.latencies.quantile(0.5))],
  ['p99 ms', ({ load }) => ms(load.latencies.quantile(0.99))],
  ['loop p99', ({ probe }) => ms(probe.loopP99)],
  ['loop max', ({ probe }) => ms(probe.loopMax)],
  ['CPU %', ({ cpu }) => (cpu * 100).toFixed(0)],
  ['RSS MB', ({ probe }) => megabytes(probe.rss)],
  ['heap MB', ({ probe }) => megabytes(probe.collected)],
  ['held MB', (sample) => megabytes(heldBytes(sample))],
  ['broken', ({ load }) => number(load.breachCount)],
];

/** The table's head. */
export function headText(): string {
  return COLUMNS.map(([title]) => title.padStart(width(title))).join('  ');
}

/** One of its rows. */
export function rowText(sample: Sample): string {
  return COLUMNS.map(([title, read]) => read(sample).padStart(width(title))).join('  ');
}

/** What was done altogether. */
export function countsText(counts: ReadonlyMap<string, number>): string {
  const rows = [...counts].sort(([a], [b]) => (a < b ? -1 : 1));
  return rows.map(([what, times]) => `  ${number(times).padStart(12)}  ${what}`).join('\n');
}

/** A series, and what it does over time. */
export function trendText(name: string, bytes: readonly number[], tolerated: number): string {
  const { rise, certainty } = trendOf(bytes);
  const sign = rise < 0 ? '−' : '+';
  return (
    `  ${name}: ${sign}${megabytes(Math.abs(rise))} MB from the first to the last, on a median of ` +
    `${megabytes(median(bytes))} MB (certainty ${certainty.toFixed(1)}; +${megabytes(tolerated)} MB is tolerated)`
  );
}

function rate({ load, seconds }: Sample, what: string): string {
  return number((load.counts.get(what) ?? 0) / seconds);
}

function width(title: string): number {
  return Math.max(title.length, 7);
}

function number(value: number): string {
  return Math.round(value).toLocaleString('en-US');
}

function ms(us: number): string {
  return Number.isNaN(us) ? '–' : (us / 1_000).toFixed(1);
}

function megabytes(bytes: number): string {
  return (bytes / MEGABYTE).toFixed(1);
}
