import type { FeedRecord } from '../../protocol/inspect.ts';
import type { FeedWatcher, Numbered, Reader, Sized } from '../shown/feeds.ts';

/** How much goes out in one notification, in bytes and records. */
const BATCH_BYTES = 128 * 1024;
const BATCH_RECORDS = 500;

/** Who watches, a connection or another broker, and what it is still to be sent. */
export class Watcher implements FeedWatcher {
  readonly #reader: Reader;
  readonly #maxBytes: number;
  #queue: Numbered[] = [];
  #sequence: number;
  /** Where the queue begins: records before it are gone. */
  #first = 0;
  #bytes = 0;
  /** The records dropped since the last batch, and the last one of them. */
  #dropped = 0;
  #lastDropped: FeedRecord | undefined;

  /** @param sequence - the number before that of its first record */
  constructor(reader: Reader, maxBytes: number, sequence: number) {
    this.#reader = reader;
    this.#maxBytes = maxBytes;
    this.#sequence = sequence;
  }

  /** The number of the last record that was queued. */
  get sequence(): number {
    return this.#sequence;
  }

  /** Records that wait. */
  get size(): number {
    return this.#queue.length - this.#first;
  }

  get isReady(): boolean {
    return this.#reader.isReady;
  }

  /** Queues a record; where there is no room the oldest ones go. Gives how many went. */
  push({ record, bytes }: Sized): number {
    this.#sequence += 1;
    this.#queue.push({ record: { ...record, sequence: this.#sequence }, bytes });
    this.#bytes += bytes;
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && this.size > 1) {
      const gone = this.#shift()?.record;
      this.#lastDropped = gone;
      // Another broker's may stand for many.
      dropped += gone?.type === 'dropped' ? gone.count : 1;
    }
    this.#dropped += dropped;
    return dropped;
  }

  /** Sends the next batch. */
  send(): void {
    this.#reader.send(this.#take());
  }

  #take(): Numbered[] {
    const batch: Numbered[] = [];
    if (this.#lastDropped) {
      const { sequence, at } = this.#lastDropped;
      batch.push({ record: { sequence, at, type: 'dropped', count: this.#dropped }, bytes: 0 });
      this.#lastDropped = undefined;
      this.#dropped = 0;
    }
    for (let bytes = 0; this.size > 0 && bytes < BATCH_BYTES && batch.length < BATCH_RECORDS; ) {
      const next = this.#shift();
      if (!next) break;
      bytes += next.bytes;
      batch.push(next);
    }
    return batch;
  }

  /** Forgets everything that waits: a new snapshot holds it. */
  clear(): void {
    this.#queue = [];
    this.#first = 0;
    this.#bytes = 0;
    this.#dropped = 0;
    this.#lastDropped = undefined;
  }

  #shift(): Numbered | undefined {
    const next = this.#queue[this.#first];
    if (!next) return undefined;
    this.#bytes -= next.bytes;
    this.#first += 1;
    if (this.#first === this.#queue.length) {
      this.#queue = [];
      this.#first = 0;
    } else if (this.#first > 1024 && this.#first * 2 > this.#queue.length) {
      this.#queue = this.#queue.slice(this.#first);
      this.#first = 0;
    }
    return next;
  }
}
