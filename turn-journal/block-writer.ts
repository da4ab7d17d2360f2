import { BlockBuffer } from './block-buffer.ts';
import type { JournalFiles } from './files.ts';
import { sealBlock } from './format.ts';
import type { OpenSegment } from './segment.ts';
import type { Shelf } from './shelf.ts';
import { Syncer } from './syncer.ts';

/** A block that has become so large is written at once. Bytes. */
export const FULL = 256 * 1024;
/** What a {@link BlockWriter} tells. */
export interface WriterEvents {
  /** Nothing can be written any more. What was, and not yet synced, may be lost. May be told in the middle of a write. */
  broke(error: unknown): void;
  /** It can be tried again: there is a new segment. */
  revived(): void;
  /** All blocks up to this one are on disk; after a failure, those since. */
  synced(lsn: number): void;
  /** Another segment is written to. */
  turned(): void;
}

/** Writes one block after the other to the segment that is the last, and has them synced. */
export class BlockWriter {
  readonly buffer = new BlockBuffer();
  readonly shelf: Shelf;
  readonly #files: JournalFiles;
  readonly #events: WriterEvents;
  readonly #syncer: Syncer;
  readonly #retryMs: number;
  /** The number of the block that is being made. */
  lsn: number;
  /** What each block says was on disk when it was written. */
  synced: number;
  writes = 0;
  /** Bytes. */
  written = 0;
  failures = 0;
  /** Segments that are written no more, to be closed once they are synced. */
  #closing: { segment: OpenSegment; lsn: number }[] = [];
  #retry: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(
    options: { files: JournalFiles; shelf: Shelf; last: number; synced: number; syncEveryMs: number; retryMs: number },
    events: WriterEvents,
  ) {
    this.#files = options.files;
    this.shelf = options.shelf;
    this.lsn = options.last + 1;
    this.synced = options.synced;
    this.#retryMs = options.retryMs;
    this.#events = events;
    this.#syncer = new Syncer(options.files, options.syncEveryMs, {
      synced: (lsn) => this.#onSynced(lsn),
      failed: (error) => this.breakOff(error, 0),
    });
  }

  get syncs(): number {
    return this.#syncer.count;
  }

  /** Writes what is in the buffer, if it can be. */
  write(): void {
    const { tail } = this.shelf;
    if (this.#isClosed) this.buffer.clear();
    if (this.buffer.isEmpty || !tail) return;
    const { block } = this.buffer;
    sealBlock(block, { lsn: this.lsn, synced: this.synced, seed: tail.seed });
    try {
      for (let at = 0; at < block.length; )
        at += this.#files.writeNow(tail.file, at === 0 ? block : block.subarray(at), tail.end + at);
    } catch (error) {
      this.#takeBack(tail);
      this.breakOff(error);
      return;
    }
    tail.end += block.length;
    this.writes += 1;
    this.written += block.length;
    this.buffer.clear();
    this.#syncer.wrote(tail, this.lsn);
    this.lsn += 1;
    this.turnOver();
  }

  /** Goes on in another segment, if it is time and there is one; has one made where it will be. */
  turnOver(): void {
    if (this.#isClosed) return;
    if (!this.shelf.isDue) {
      this.shelf.prepare();
      return;
    }
    // What is begun stands in one segment. Writing it may turn over, or fail.
    if (!this.buffer.isEmpty) this.write();
    if (!this.shelf.isDue) return;
    const before = this.shelf.turn();
    if (before) this.#closing.push({ segment: before, lsn: this.lsn - 1 });
    this.#events.turned();
  }

  /** Syncs what was written so far. Never rejects. */
  sync(): Promise<void> {
    return this.#syncer.now();
  }

  /** Nothing more is added to what there is. It is tried anew in another segment. */
  breakOff(error: unknown, retryMs = this.#retryMs): void {
    this.failures += 1;
    this.buffer.clear();
    const before = this.shelf.putAside();
    const closing = this.#closing.splice(0);
    if (before) closing.push({ segment: before, lsn: 0 });
    void this.#syncer.abandon().then(() => this.#close(closing));
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => void this.#revive(), retryMs);
    this.#retry.unref();
    this.#events.broke(error);
  }

  /** Writes and syncs what there is. */
  async close(): Promise<void> {
    this.write();
    await this.#syncer.now();
    this.#isClosed = true;
    clearTimeout(this.#retry);
    await this.#syncer.abandon();
    await this.#close(this.#closing.splice(0));
    await this.shelf.close();
  }

  async #revive(): Promise<void> {
    try {
      await this.shelf.revive();
    } catch (error) {
      if (!this.#isClosed) this.breakOff(error);
      return;
    }
    if (!this.#isClosed) this.#events.revived();
  }

  #onSynced(lsn: number): void {
    void this.#close(this.#closing.filter((closing) => closing.lsn <= lsn));
    this.#closing = this.#closing.filter((closing) => closing.lsn > lsn);
    this.#events.synced(lsn);
  }

  /** Half a block may stand behind the end: its room is better used. */
  #takeBack(tail: OpenSegment): void {
    try {
      this.#files.truncateNow(tail.file, tail.end);
    } catch {
      // It cannot be read as a block all the same.
    }
  }

  async #close(closing: readonly { segment: OpenSegment }[]): Promise<void> {
    for (const { segment } of closing) await this.#files.close(segment.file).catch(() => {});
  }
}
