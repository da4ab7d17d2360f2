import type { LogSnapshot } from '../protocol/turn-journal.ts';
import { type BlockWriter, FULL } from './block-writer.ts';
import { RecordType } from './format.ts';
import type { Segment } from './segment.ts';
import { Snapshots } from './snapshots.ts';
import type { BookedTurn, TurnBook } from './turn-book.ts';

/** What an {@link Upkeep} needs. */
export interface UpkeepOptions {
  readonly writer: BlockWriter;
  readonly book: TurnBook;
  readonly segmentBytes: number;
  readonly maxBytes: number;
  readonly retryMs: number;
  /** What a turn's log holds now; undefined: it is forgotten. */
  ask(turn: BookedTurn): LogSnapshot | undefined;
  /** All that was said so far stands in blocks up to this one, though some of it was lost before. */
  caughtUp(lsn: number): void;
  /** It can be relied on again. */
  mended(): void;
}

/** Keeps a journal whole and short: what was lost is written anew, and the oldest segments go. */
export class Upkeep {
  readonly snapshots: Snapshots;
  /** What was said of some turn is lost, or nothing can be written: nothing that is said now can be relied on. */
  isBroken = false;
  readonly #options: UpkeepOptions;
  /** Nobody can be asked before the logs have been filled, and what they are filled from is needed till then. */
  #isReady = false;
  #isClosed = false;
  #isWorking = false;
  /** All that was lost is written again once this block is synced. */
  #caughtUpAt: number | undefined;
  /** Snapshots that are whole once their block is synced. */
  #whole: { turn: BookedTurn; since: Segment; lsn: number }[] = [];
  /** Of what was written, all before a segment was last copied on, and what was copied. */
  #stale = 0;

  constructor(options: UpkeepOptions) {
    this.#options = options;
    this.snapshots = new Snapshots(options.book, options.writer.buffer);
  }

  /** Whether nothing that is said now is lost, though something was before. */
  get isCaughtUp(): boolean {
    return !this.isBroken || this.#caughtUpAt !== undefined;
  }

  /** Logs are full: they can be asked. @param isDoubtful - nothing of what stands in files may be needed any more */
  begin(isDoubtful: boolean): void {
    this.#isReady = true;
    if (this.isBroken) this.catchUp();
    else if (isDoubtful) this.snapshots.add(this.#options.book);
    this.#work();
    this.trim();
  }

  close(): void {
    this.#isClosed = true;
  }

  /** Nothing can be relied on that was not synced, or written, before: each turn is to be written anew. */
  broke(): void {
    this.isBroken = true;
    this.#caughtUpAt = undefined;
    this.snapshots.abort();
    this.#whole = [];
    this.#options.book.allBehind();
  }

  /** There is room again: all that is live is written anew, and then nothing of before is needed. */
  catchUp(): void {
    const { writer, book } = this.#options;
    if (!this.#isReady || this.#isClosed || !writer.shelf.tail) return;
    this.snapshots.add([...book].filter(({ isBehind }) => isBehind));
    // So that there is a block, if there is nothing else.
    writer.buffer.bare(RecordType.mark, 0, 0, 0);
    this.#work();
  }

  /** @returns whether what is on disk can be relied on up to there */
  synced(lsn: number): boolean {
    // Of what was lost, some is not written again yet.
    if (this.isBroken && lsn < (this.#caughtUpAt ?? Number.POSITIVE_INFINITY)) return false;
    for (const whole of this.#whole) if (whole.lsn <= lsn) this.#options.book.move(whole.turn, whole.since);
    this.#whole = this.#whole.filter((whole) => whole.lsn > lsn);
    if (this.isBroken) void this.#mend(lsn);
    return !this.isBroken;
  }

  /** Segments that nobody needs go; where there are too many, what is needed of the oldest is copied on. */
  trim(): void {
    if (!this.#isReady || this.isBroken || this.#isClosed) return;
    const { writer, book, segmentBytes, maxBytes } = this.#options;
    const { shelf, written } = writer;
    shelf.trim((segment) => book.isNeeded(segment));
    const { oldest } = shelf;
    if (!oldest || !this.snapshots.isDone || this.#whole.length > 0) return;
    if (written - this.#stale < segmentBytes / 2 || shelf.bytes <= maxBytes) return;
    this.#stale = written;
    this.snapshots.add(book.needing(oldest));
    this.#work();
  }

  /** Snapshots are written, a slice in each turn of the event loop. */
  #work(): void {
    if (this.#isWorking || !this.#isReady) return;
    this.#isWorking = true;
    setImmediate(() => {
      this.#isWorking = false;
      this.#step();
    });
  }

  #step(): void {
    const { writer, book, ask, caughtUp } = this.#options;
    const { tail } = writer.shelf;
    if (!tail || this.#isClosed) return;
    const before = this.snapshots.bytes;
    this.snapshots.step({
      tail,
      fullAt: FULL,
      ask,
      done: (turn, since) => this.#whole.push({ turn, since, lsn: writer.lsn }),
    });
    this.#stale += this.snapshots.bytes - before;
    writer.write();
    // It may have failed, which begins all anew.
    if (!writer.shelf.tail) return;
    if (!this.snapshots.isDone) {
      this.#work();
      return;
    }
    if (this.isBroken && book.behind === 0) {
      this.#caughtUpAt ??= writer.lsn - 1;
      caughtUp(this.#caughtUpAt);
    }
    void writer.sync();
  }

  /**
   * All that was lost is written again, and on disk. Files that were given up may have a hole: as long as they count, nothing
   * behind it can be relied on.
   */
  async #mend(lsn: number): Promise<void> {
    const { writer, retryMs, mended } = this.#options;
    const at = this.#caughtUpAt;
    const isDropped = await writer.shelf.dropBefore();
    if (this.#caughtUpAt !== at || this.#isClosed || !this.isBroken) return;
    if (!isDropped) {
      this.#caughtUpAt = undefined;
      setTimeout(() => this.catchUp(), retryMs).unref();
      return;
    }
    this.isBroken = false;
    this.#caughtUpAt = undefined;
    writer.synced = lsn;
    mended();
    this.trim();
  }
}
