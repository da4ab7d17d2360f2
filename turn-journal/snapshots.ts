import type { LogSnapshot } from '../protocol/turn-journal.ts';
import type { BlockBuffer } from './block-buffer.ts';
import { OF_SNAPSHOT, RecordType } from './format.ts';
import type { Segment } from './segment.ts';
import type { BookedTurn, TurnBook } from './turn-book.ts';
import type { SnapshotHead } from './turn-index.ts';

/** A longer text is written in parts of so many UTF-16 units. */
const PART_UNITS = 64 * 1024;

/** A turn whose snapshot is being written. */
interface Job {
  readonly turn: BookedTurn;
  /** Where it begins. */
  readonly since: Segment;
  readonly records: Generator<void>;
}

/** What {@link Snapshots.step} needs to know. */
export interface SnapshotStep {
  /** Where it writes. */
  readonly tail: Segment;
  /** So large the buffer may become. Bytes. */
  readonly fullAt: number;
  /** What a turn's log holds now; undefined: there is none any more. */
  ask(turn: BookedTurn): LogSnapshot | undefined;
  /** All of a turn's is in the buffer, or was written. */
  done(turn: BookedTurn, since: Segment): void;
}

/** Writes what logs hold, so that nothing older is needed: turn by turn, and never more than a slice at a time. */
export class Snapshots {
  /** How many turns' were written. */
  count = 0;
  /** Bytes of them. */
  bytes = 0;
  readonly #book: TurnBook;
  readonly #buffer: BlockBuffer;
  /** The next one last. */
  #waiting: BookedTurn[] = [];
  #job: Job | undefined;

  constructor(book: TurnBook, buffer: BlockBuffer) {
    this.#book = book;
    this.#buffer = buffer;
  }

  get isDone(): boolean {
    return this.#waiting.length === 0 && this.#job === undefined;
  }

  add(turns: Iterable<BookedTurn>): void {
    this.#waiting = [...turns].reverse().concat(this.#waiting);
  }

  /** What was begun stays unfinished, and nothing waits. */
  abort(): void {
    this.#waiting = [];
    this.#job = undefined;
  }

  /** Adds records until the buffer is full, or nothing is left to be done. */
  step(step: SnapshotStep): void {
    const before = this.#buffer.size;
    while (this.#buffer.size < step.fullAt && !this.isDone) {
      this.#job ??= this.#begin(step);
      const job = this.#job;
      if (!job) continue;
      // It was forgotten meanwhile: so is the half that was written.
      const isLeft = this.#book.get(job.turn.number) !== job.turn;
      if (!isLeft && !job.records.next().done) continue;
      this.#job = undefined;
      if (isLeft) continue;
      this.count += 1;
      step.done(job.turn, job.since);
    }
    this.bytes += this.#buffer.size - before;
  }

  #begin({ tail, ask }: SnapshotStep): Job | undefined {
    const turn = this.#waiting.pop();
    if (!turn || this.#book.get(turn.number) !== turn) return undefined;
    const log = ask(turn);
    if (!log) return undefined;
    const records = recordsOf(this.#buffer, turn, log);
    // The first one now: from here on what is said of the turn follows it.
    records.next();
    this.#book.caughtUp(turn);
    return { turn, since: tail, records };
  }
}

function* recordsOf(buffer: BlockBuffer, turn: BookedTurn, log: LogSnapshot): Generator<void> {
  const { number, facts, notes, ended } = turn;
  const { seq, aseq, firstSeq, entries, hasTerminal, dropped, textLength } = log;
  let kept = 0;
  for (const entry of entries) kept += (typeof entry === 'string' ? entry : (entry.delta ?? '')).length;
  const head: SnapshotHead = {
    facts,
    notes: [...notes],
    ended: ended ?? null,
    hasTerminal,
    firstSeq,
    before: Math.max(0, textLength - kept),
    isTextLost: dropped === undefined,
  };
  buffer.text(RecordType.snapshot, number, seq, aseq, JSON.stringify(head));
  yield;
  for (const text of dropped ?? []) {
    for (let at = 0; at < text.length; at += PART_UNITS) {
      buffer.text(RecordType.text | OF_SNAPSHOT, number, 0, 0, text.slice(at, at + PART_UNITS));
      yield;
    }
  }
  for (const [index, entry] of entries.entries()) {
    const at = firstSeq + index;
    if (typeof entry === 'string') buffer.text(RecordType.token | OF_SNAPSHOT, number, at, 0, entry);
    else {
      const isTerminal = hasTerminal && index === entries.length - 1;
      // A terminal of the broker's own may have left numbers out.
      const itsSeq = isTerminal ? seq : at;
      buffer.frame(RecordType.frame | OF_SNAPSHOT, number, itsSeq, 0, { ...entry, isTerminal });
    }
    yield;
  }
  buffer.bare(RecordType.whole, number, seq, aseq);
}
