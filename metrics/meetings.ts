import { Counter, Gauge, type Registry } from 'prom-client';
import type { BrokerState } from '../actors/kernel/broker-state.ts';

const STATES = ['starting', 'running', 'finishing', 'summarizing'];

/** What `/metrics` tells of meetings and of the memory. */
export function addMeetings(registry: Registry, state: BrokerState): void {
  const { counters } = state;
  registry.registerMetric(
    new Gauge({
      name: 'switchboard_meetings',
      help: 'Live meetings by state.',
      labelNames: ['state'],
      registers: [],
      collect() {
        this.reset();
        for (const value of STATES) this.set({ state: value }, 0);
        for (const { head } of state.meetings.live) this.inc({ state: state.meetings.statusOf(head) });
      },
    }),
  );
  registry.registerMetric(
    new Counter({
      name: 'switchboard_memory_operations_total',
      help: 'What the memory was asked to do since the start, by operation; what meetings tell it too.',
      labelNames: ['operation'],
      registers: [],
      collect() {
        this.reset();
        for (const [operation, count] of counters.memoryOperations) this.inc({ operation }, count);
      },
    }),
  );
  const single = (name: string, help: string, read: () => number) =>
    registry.registerMetric(
      new Counter({
        name: `switchboard_${name}`,
        help,
        registers: [],
        collect() {
          this.reset();
          this.inc(read());
        },
      }),
    );
  single(
    'meetings_total',
    'Meetings opened since the start, those too that their provider refused.',
    () => counters.meetings,
  );
  single(
    'meeting_write_failures_total',
    'How often a meeting’s record could not be written; what is not written is tried again.',
    () => state.meetings.writeFailures,
  );
  single('meeting_texts_lost_total', 'Texts of meetings that the memory did not take.', () => counters.memoryFailures);
}
