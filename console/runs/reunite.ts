import type { RecordedEvent, RecordedTurnLog } from '../../protocol/recording.ts';

/** What a page has of a live turn, and by how much its numbers are greater than the daemon's. */
export interface Followed {
  log: RecordedTurnLog;
  offset: number;
}

/**
 * What a page had of a live turn, and all that the daemon has of it once it can be asked again. That may be another life of the
 * daemon: one that was killed has lost the last moment, and has given its numbers to what came later; one that keeps nothing on
 * disk has begun anew. What the page has had stays, but for a moment that the daemon tells otherwise.
 */
export function reunited({ log: known, offset }: Followed, told: RecordedTurnLog): Followed {
  // What the daemon has let go of, a page still has.
  const here = numbered(
    told.records.filter(({ type }, place) => place > 0 || type !== 'dropped'),
    offset,
  );
  const [first] = here;
  if (!first) return { log: { ...known, turn: told.turn }, offset };
  const [oldest] = known.records;
  if (oldest && first.sequence < oldest.sequence) return begunAnew(known, told, first.at);
  const at = known.records.findIndex(({ sequence }) => sequence === first.sequence);
  if (at < 0)
    return { log: joined(known, known.records, beyond(known.next, numbered(told.records, offset)), told), offset };
  const there = known.records.slice(at);
  const same = there.findIndex((record, place) => !here[place] || !isSame(record, here[place]));
  if (same < 0) return { log: joined(known, known.records, here.slice(there.length), told), offset };
  if (same > 0) return { log: joined(known, known.records.slice(0, at + same), here.slice(same), told), offset };
  return begunAnew(known, told, first.at);
}

/** What follows this number. A record that says how many went before it counts those that the page has not had. */
function beyond(next: number, records: readonly RecordedEvent[]): RecordedEvent[] {
  const after = records.filter(({ sequence }) => sequence > next);
  const [first, ...rest] = after;
  return first?.type === 'dropped' ? [{ ...first, count: first.sequence - next }, ...rest] : after;
}

/** With the numbers that this page goes by. */
export function numbered(records: readonly RecordedEvent[], offset: number): RecordedEvent[] {
  if (offset === 0) return [...records];
  return records.map((record) => ({ ...record, sequence: record.sequence + offset }));
}

function joined(
  known: RecordedTurnLog,
  before: readonly RecordedEvent[],
  after: readonly RecordedEvent[],
  { turn, machines }: RecordedTurnLog,
): RecordedTurnLog {
  const records = [...before, ...after];
  const next = records.at(-1)?.sequence ?? known.next;
  return { ...known, turn, machines: { ...known.machines, ...machines }, records, next };
}

/** What was before is in the page alone: what the daemon has now follows it, with its actors as they were then. */
function begunAnew(known: RecordedTurnLog, told: RecordedTurnLog, at: number): Followed {
  const { next, turn } = known;
  const actors = told.actors.map((actor, place) => ({
    type: 'started' as const,
    sequence: next + place + 1,
    at,
    actor,
  }));
  const first = told.records[0]?.sequence ?? 1;
  const offset = next + actors.length + 1 - first;
  const { started_at, host, prompt } = turn;
  const log = joined(known, known.records, [...actors, ...numbered(told.records, offset)], told);
  return { log: { ...log, turn: { ...log.turn, started_at, host, prompt } }, offset };
}

const isSame = (one: RecordedEvent, other: RecordedEvent): boolean => JSON.stringify(one) === JSON.stringify(other);
