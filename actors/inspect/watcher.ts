import type { InspectRecord } from '../../protocol/inspect.ts';
import type { Client } from '../kernel/client.ts';

/** A record, and about how many bytes of JSON it is. */
export interface Sized {
  record: InspectRecord;
  bytes: number;
}

/** How much goes out in one notification, in bytes and records. */
const BATCH_BYTES = 128 * 1024;
const BATCH_RECORDS = 500;
/** So much may wait in a watcher's connection before the feed holds back: what waits here can still be dropped. */
const MAX_WAITING_BYTES = 256 * 1024;

/** One connection that watches, and what it is still to be sent. */
export class Watcher {
  readonly client: Client;
  readonly #maxBytes: number;
  #queue: Sized[] = [];
  /** Where the queue begins: records before it are gone. */
  #first = 0;
  #bytes = 0;
  /** The records dropped since the last batch, and the last one of them. */
  #dropped = 0;
  #lastDropped: InspectRecord | undefined;

  constructor(client: Client, maxBytes: number) {
    this.client = client;
    this.#maxBytes = maxBytes;
  }

  /** Records that wait. */
  get size(): number {
    return this.#queue.length - this.#first;
  }

  /** Whether its connection takes more. */
  get isReady(): boolean {
    return this.client.isOpen && this.client.link.waitingBytes < MAX_WAITING_BYTES;
  }

  /** Queues a record; where there is no room the oldest ones go. Gives how many went. */
  push(sized: Sized): number {
    this.#queue.push(sized);
    this.#bytes += sized.bytes;
    let dropped = 0;
    while (this.#bytes > this.#maxBytes && this.size > 1) {
      this.#lastDropped = this.#shift()?.record;
      dropped += 1;
    }
    this.#dropped += dropped;
    return dropped;
  }

  /** Takes the next batch; empty where nothing waits. */
  take(): InspectRecord[] {
    const batch: InspectRecord[] = [];
    if (this.#lastDropped) {
      const { sequence, at } = this.#lastDropped;
      batch.push({ sequence, at, type: 'dropped', count: this.#dropped });
      this.#lastDropped = undefined;
      this.#dropped = 0;
    }
    for (let bytes = 0; this.size > 0 && bytes < BATCH_BYTES && batch.length < BATCH_RECORDS; ) {
      const next = this.#shift();
      if (!next) break;
      bytes += next.bytes;
      batch.push(next.record);
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

  #shift(): Sized | undefined {
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
