import type { JournalFiles } from './files.ts';
import type { OpenSegment } from './segment.ts';

/** Told by a {@link Syncer}, in a turn of the event loop of its own. */
export interface SyncEvents {
  /** All blocks up to this one are on disk. */
  synced(lsn: number): void;
  /** The system may have let go of what it had not written: of these files nothing can be said any more. */
  failed(error: unknown): void;
}

/** Brings what was written to disk, in the system's pool: one file after the other, and once in a while. */
export class Syncer {
  /** How often. */
  count = 0;
  readonly #files: JournalFiles;
  readonly #everyMs: number;
  readonly #events: SyncEvents;
  /** Files with something that may not be on disk, the oldest first. */
  #dirty = new Set<OpenSegment>();
  #lsn = 0;
  #timer: NodeJS.Timeout | undefined;
  #lastAt = -Infinity;
  #running: Promise<void> | undefined;
  /** Grows where what was written is given up: nobody asks any more how its sync went. */
  #generation = 0;

  constructor(files: JournalFiles, everyMs: number, events: SyncEvents) {
    this.#files = files;
    this.#everyMs = everyMs;
    this.#events = events;
  }

  /** A block was written to this file. It is synced soon: the first of a burst at once, then every so often. */
  wrote(segment: OpenSegment, lsn: number): void {
    this.#dirty.add(segment);
    this.#lsn = lsn;
    if (!this.#timer && !this.#running) this.#arm(this.#lastAt + this.#everyMs - performance.now());
  }

  /** Syncs what was written so far. Never rejects: how it goes is told. */
  async now(): Promise<void> {
    await this.#running;
    if (this.#dirty.size > 0) await this.#run();
  }

  /** What was written so far is given up. @returns when no sync of it is under way any more */
  async abandon(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#dirty = new Set();
    this.#generation += 1;
    await this.#running;
  }

  #arm(inMs: number): void {
    this.#timer = setTimeout(() => void this.#run(), Math.max(0, inMs));
    this.#timer.unref();
  }

  #run(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    this.#running ??= this.#sync().finally(() => {
      this.#running = undefined;
      if (this.#dirty.size > 0 && !this.#timer) this.#arm(this.#lastAt + this.#everyMs - performance.now());
    });
    return this.#running;
  }

  async #sync(): Promise<void> {
    this.#lastAt = performance.now();
    const dirty = this.#dirty;
    const lsn = this.#lsn;
    const generation = this.#generation;
    this.#dirty = new Set();
    try {
      for (const { file } of dirty) {
        this.count += 1;
        await this.#files.sync(file);
      }
    } catch (error) {
      if (generation === this.#generation) this.#events.failed(error);
      return;
    }
    if (generation === this.#generation) this.#events.synced(lsn);
  }
}
