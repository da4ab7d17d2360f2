import type { AuditEntry, AuditTrail } from '../../../broker.ts';

/** A trail in memory, which can be written as long as it is told so. */
export function keptTrail() {
  const entries: AuditEntry[] = [];
  let isWritable = true;
  const trail: AuditTrail = {
    note: (entry) => void entries.push(entry),
    get state() {
      return { written: entries.length, lost: 0, failures: 0, waitingBytes: 0, isWritable };
    },
  };
  return {
    trail,
    entries,
    fail(fails = true) {
      isWritable = !fails;
    },
    /** What was noted since it was asked last: `what outcome on`. */
    news: (): string[] => entries.splice(0).map(({ what, outcome, on }) => [what, outcome, on ?? ''].join(' ').trim()),
    /** The newest of this name. */
    last: (what: string) => entries.findLast((entry) => entry.what === what),
  };
}
