import { RecordType } from './format.ts';
import type { RecordView } from './records.ts';

/** Where turns end, while records are read. The numbers stand side by side, for each of millions of records changes some. */
export class Ends {
  #seq = new Float64Array(1024);
  #aseq = new Float64Array(1024);
  #events = new Float64Array(1024);
  #bytes = new Float64Array(1024);
  #count = 0;

  /** @returns by what the others name it */
  add(seq: number, aseq: number): number {
    if (this.#count === this.#seq.length) {
      this.#seq = grown(this.#seq);
      this.#aseq = grown(this.#aseq);
      this.#events = grown(this.#events);
      this.#bytes = grown(this.#bytes);
    }
    const end = this.#count;
    this.#count += 1;
    this.#seq[end] = seq;
    this.#aseq[end] = aseq;
    return end;
  }

  seq(end: number): number {
    return this.#seq[end] as number;
  }

  aseq(end: number): number {
    return this.#aseq[end] as number;
  }

  /** How many events it has, and bytes of theirs. */
  size(end: number): { events: number; bytes: number } {
    return { events: this.#events[end] as number, bytes: this.#bytes[end] as number };
  }

  /** It has so much more. */
  grow(end: number, events: number, bytes: number): void {
    this.#events[end] = (this.#events[end] as number) + events;
    this.#bytes[end] = (this.#bytes[end] as number) + bytes;
  }

  /**
   * Takes an event, if it goes on where the turn ends. Where it does not, something between them was lost, and nobody who sent it
   * was told that it is kept.
   */
  take(end: number, record: RecordView): boolean {
    const { aseq } = record;
    const last = this.aseq(end);
    if (record.type === RecordType.skip) {
      if (aseq !== last + 1) return false;
    } else {
      if (record.before !== this.#seq[end]) return false;
      this.#seq[end] = record.seq;
      this.grow(end, 1, record.length);
    }
    if (aseq > last) this.#aseq[end] = aseq;
    return true;
  }
}

function grown(numbers: Float64Array<ArrayBuffer>): Float64Array<ArrayBuffer> {
  const more = new Float64Array(numbers.length * 2);
  more.set(numbers);
  return more;
}
