import type { TurnJournal } from '../../protocol/turn-journal.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type Metric, metric } from '../kernel/metric.ts';
import { tenantMetrics } from '../kernel/shown-tenants.ts';
import { TOOLS } from '../tools/tools.ts';
import { TURNS, type Turns } from './turns.ts';

/** What `/metrics` tells of turns. */
export function turnMetrics(kernel: Kernel, book: Turns): Metric[] {
  const { counters } = kernel;
  return [
    metric('gauge', 'turns', 'Live turns by state.', () => Object.entries(book.byState()), 'state'),
    metric('counter', 'turns_total', 'Turns opened since the start.', () => counters.turns),
    metric(
      'counter',
      'front_turns_total',
      'Of those that came by a front, by its name.',
      () => counters.frontTurns,
      'front',
    ),
    metric('counter', 'turns_ended_total', 'Turns ended since the start, by how.', () => counters.endings, 'ending'),
    metric('counter', 'events_total', 'Events sent to hosts since the start, by kind.', () => counters.events, 'kind'),
    metric('gauge', 'callbacks_pending', 'Tool calls that have not ended.', () => pendingCallbacks(kernel)),
    metric('counter', 'tokens_merged_total', 'Tokens merged into another for slow readers since the start.', () =>
      kernel.vitals.mergedTokens(),
    ),
    metric(
      'counter',
      'resumes_total',
      'Turns taken up again or watched since the start, by role.',
      () => counters.resumes,
      'role',
    ),
    metric('gauge', 'resume_log_bytes', 'Bytes that the logs of resumable turns take together.', () => book.logs.bytes),
    ...journalMetrics(book),
    metric('gauge', 'ended_turns_kept', 'Ended turns that can still be resumed.', () => book.logs.endedCount),
    ...tenantMetrics(kernel, () => [...book.byId.values()].map(({ owner }) => owner.tenant)),
  ];
}

/** What it tells of the journal; where there is none, nothing but zeros. */
function journalMetrics(book: Turns): Metric[] {
  const { journal } = book;
  const of = (read: (journal: TurnJournal) => number) => () => (journal ? read(journal) : 0);
  return [
    metric(
      'gauge',
      'journal_degraded',
      '1 while turns are not kept: the disk is full, or failed.',
      of(({ state }) => (state === 'degraded' ? 1 : 0)),
    ),
    metric(
      'gauge',
      'journal_bytes',
      'Bytes that the journal of turns takes on disk.',
      of(({ stats }) => stats.bytes),
    ),
    metric(
      'gauge',
      'journal_segments',
      'Files of the journal of turns.',
      of(({ stats }) => stats.segments),
    ),
    metric(
      'gauge',
      'journal_turns',
      'Turns that the journal keeps.',
      of(({ stats }) => stats.turns),
    ),
    metric(
      'counter',
      'journal_written_bytes_total',
      'Bytes written to the journal since the start.',
      of(({ stats }) => stats.written),
    ),
    metric(
      'counter',
      'journal_writes_total',
      'Writes to the journal since the start.',
      of(({ stats }) => stats.writes),
    ),
    metric(
      'counter',
      'journal_syncs_total',
      'Syncs of the journal since the start.',
      of(({ stats }) => stats.syncs),
    ),
    metric(
      'counter',
      'journal_failures_total',
      'Writes and syncs of the journal that failed since the start.',
      of(({ stats }) => stats.failures),
    ),
    metric('counter', 'turns_restored_total', 'Live turns that were taken up at the start.', () => book.restored),
  ];
}

/** Tool calls that have not ended. */
export function pendingCallbacks(kernel: Kernel): number {
  return kernel.get(TOOLS).direct.size + kernel.get(TURNS).pendingCallbacks;
}
