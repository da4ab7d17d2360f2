import { distance, stampAck, stampNumber } from './frame.ts';

/** What a batch costs besides its bytes: what holds it. */
const BATCH_COST = 256;

/** Batches that were not acknowledged, oldest first, each with its number. Some have been handed to the carrier. */
export class SendWindow {
  readonly #batches: { frame: Buffer; at: number; bounded: number }[] = [];
  /** The number of the oldest. */
  #first: number;
  /** Which is the next to be handed over. */
  #next = 0;
  /** How many have been handed over at least once. */
  #handed = 0;
  #bytes = 0;
  #bounded = 0;

  /** @param first - the number of the first batch; both ends begin alike */
  constructor(first = 1) {
    this.#first = first;
  }

  get isEmpty(): boolean {
    return this.#batches.length === 0;
  }

  /** Bytes that are held, each batch with what holds it. */
  get bytes(): number {
    return this.#bytes;
  }

  /** How much of them whoever has written it bounds itself. */
  get boundedBytes(): number {
    return this.#bounded;
  }

  /** When the oldest was added, in the clock's milliseconds. */
  get oldestAt(): number | undefined {
    return this.#batches[0]?.at;
  }

  /** Numbers a batch and keeps it. @param bounded - so much of it is bounded by whoever has written it */
  add(frame: Buffer, at: number, bounded: number): void {
    stampNumber(frame, (this.#first + this.#batches.length) >>> 0);
    this.#batches.push({ frame, at, bounded });
    this.#bounded += bounded;
    this.#bytes += frame.length + BATCH_COST;
  }

  /** Hands over what is due, until `send` takes no more. */
  handOver(ack: number, send: (frame: Buffer) => boolean): void {
    for (let batch = this.#batches[this.#next]; batch; batch = this.#batches[this.#next]) {
      stampAck(batch.frame, ack);
      if (!send(batch.frame)) return;
      this.#next += 1;
      if (this.#next > this.#handed) this.#handed = this.#next;
    }
  }

  /** Hands over the oldest once more, if it ever was. */
  probe(ack: number, send: (frame: Buffer) => boolean): void {
    const oldest = this.#batches[0];
    if (!oldest || this.#handed === 0) return;
    stampAck(oldest.frame, ack);
    send(oldest.frame);
  }

  /** From now on everything that is held is due again. */
  goBack(): void {
    this.#next = 0;
  }

  /** Lets go of what has arrived. @returns how many batches that was; `false` where so many were never sent */
  acknowledge(ack: number): number | false {
    const count = distance(ack, this.#first) + 1;
    if (count <= 0) return 0;
    if (count > this.#handed) return false;
    for (const { frame, bounded } of this.#batches.splice(0, count)) {
      this.#bytes -= frame.length + BATCH_COST;
      this.#bounded -= bounded;
    }
    this.#first = (this.#first + count) >>> 0;
    this.#next = Math.max(0, this.#next - count);
    this.#handed -= count;
    return count;
  }
}

/** What has arrived: the next in order, or what came before, or what is too early. */
export class ReceiveWindow {
  #last: number;
  /** Batches that have arrived and were not acknowledged. */
  #owed = 0;
  #owedBytes = 0;

  /** @param first - the number of the first batch; both ends begin alike */
  constructor(first = 1) {
    this.#last = (first - 1) >>> 0;
  }

  /** The last that has arrived in order. */
  get last(): number {
    return this.#last;
  }

  get owed(): number {
    return this.#owed;
  }

  get owedBytes(): number {
    return this.#owedBytes;
  }

  /** @param bytes - the batch's */
  take(lseq: number, bytes: number): 'next' | 'again' | 'gap' {
    const ahead = distance(lseq, this.#last);
    if (ahead <= 0) return 'again';
    if (ahead > 1) return 'gap';
    this.#last = lseq;
    this.#owed += 1;
    this.#owedBytes += bytes;
    return 'next';
  }

  /** The other end is told of all of them. */
  settle(): void {
    this.#owed = 0;
    this.#owedBytes = 0;
  }
}
