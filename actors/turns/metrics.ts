import type { Kernel } from '../kernel/kernel.ts';
import { type Metric, metric } from '../kernel/metric.ts';
import { TOOLS } from '../tools/tools.ts';
import { TURNS, type Turns } from './turns.ts';

/** What `/metrics` tells of turns. */
export function turnMetrics(kernel: Kernel, book: Turns): Metric[] {
  const { counters } = kernel;
  return [
    metric('gauge', 'turns', 'Live turns by state.', () => Object.entries(book.byState()), 'state'),
    metric('counter', 'turns_total', 'Turns opened since the start.', () => counters.turns),
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
    metric('gauge', 'ended_turns_kept', 'Ended turns that can still be resumed.', () => book.logs.endedCount),
  ];
}

/** Tool calls that have not ended. */
export function pendingCallbacks(kernel: Kernel): number {
  return kernel.get(TOOLS).direct.size + kernel.get(TURNS).pendingCallbacks;
}
