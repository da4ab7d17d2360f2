import type { TranscriptSegment } from '../../protocol/voice.ts';

/** A text on its way to a memory. */
export interface Ingesting {
  segment: TranscriptSegment;
  /** What it counts for. */
  bytes: number;
}

/** The texts of one meeting that its memory has not taken yet, the first one first. */
export class IngestQueue {
  /** How many they are, those too that the memory is working on. */
  size = 0;
  /** What they count for. */
  bytes = 0;
  /** They are being worked off. */
  isBusy = false;
  #added: Ingesting[] = [];
  /** The first one last: an array is not to be moved for each. */
  #next: Ingesting[] = [];

  add(text: Ingesting): void {
    this.#added.push(text);
    this.size += 1;
    this.bytes += text.bytes;
  }

  /** The first ones, one at least where there is one; each counts until {@link done}. */
  take(most: { texts: number; bytes: number }): Ingesting[] {
    if (this.#next.length === 0) {
      this.#next = this.#added.reverse();
      this.#added = [];
    }
    const taken: Ingesting[] = [];
    for (let bytes = 0; taken.length < most.texts && bytes < most.bytes; ) {
      const text = this.#next.pop();
      if (!text) break;
      taken.push(text);
      bytes += text.bytes;
    }
    return taken;
  }

  done({ bytes }: Ingesting): void {
    this.size -= 1;
    this.bytes -= bytes;
  }
}
