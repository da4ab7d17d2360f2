/** What a piece of a message takes besides its bytes while it waits: the objects around it. Clients choose its size. */
const CHUNK_COST = 512;
/** The same for each fragment. */
const FRAGMENT_COST = 128;

/**
 * How much of a message that has not arrived whole a WebSocket holds. ws does not tell: so the heads of the frames are
 * read here too, and their payloads skipped.
 */
export class FrameMeter {
  /** What the unfinished message takes: bytes, and what is around them. 0: nothing is unfinished. */
  unfinished = 0;
  /** Bytes of the current frame's payload, mask included, that are still to come. */
  #left = 0;
  /** Bytes of its head that have been read. */
  #headRead = 0;
  /** Bytes of its extended length that are still to come. */
  #lengthLeft = 0;
  #isFinal = false;
  #isControl = false;
  #maskBytes = 0;
  /** Fragments of a message have come, and more will. */
  #isFragmented = false;

  /**
   * Reads a piece of what the peer sends.
   * @returns whether a message ended in it: what is unfinished then, began in this piece.
   */
  take(chunk: Uint8Array): boolean {
    const end = chunk.length;
    let at = 0;
    let begin = 0;
    let before = this.unfinished;
    let hasEnded = false;
    while (at < end) {
      if (this.#left === 0 && this.#readHead(chunk[at++] as number)) continue;
      const step = Math.min(this.#left, end - at);
      this.#left -= step;
      at += step;
      if (this.#left > 0) break;
      this.#headRead = 0;
      if (!this.#isControl) this.#isFragmented = !this.#isFinal;
      if (this.#isFragmented) before += FRAGMENT_COST;
      else {
        hasEnded = true;
        before = 0;
        begin = at;
      }
    }
    const isWhole = this.#left === 0 && this.#headRead === 0 && !this.#isFragmented;
    this.unfinished = isWhole ? 0 : before + (end - begin) + CHUNK_COST;
    return hasEnded;
  }

  /** One byte of a frame's head. @returns whether more of it is to come. */
  #readHead(byte: number): boolean {
    this.#headRead += 1;
    if (this.#headRead === 1) {
      this.#isFinal = (byte & 0x80) !== 0;
      this.#isControl = (byte & 0x08) !== 0;
      return true;
    }
    if (this.#headRead === 2) {
      const length = byte & 0x7f;
      this.#maskBytes = (byte & 0x80) === 0 ? 0 : 4;
      this.#lengthLeft = length === 126 ? 2 : length === 127 ? 8 : 0;
      this.#left = 0;
      if (this.#lengthLeft > 0) {
        this.#length = 0;
        return true;
      }
      this.#left = length + this.#maskBytes;
      return false;
    }
    this.#length = this.#length * 256 + byte;
    this.#lengthLeft -= 1;
    if (this.#lengthLeft > 0) return true;
    this.#left = this.#length + this.#maskBytes;
    return false;
  }

  #length = 0;
}
