/** Audio that waits for one reader, and the end after it. Its owner bounds it by {@link AudioQueue.bytes}. */
export class AudioQueue implements AsyncIterable<Uint8Array> {
  #waiting: Uint8Array[] = [];
  #bytes = 0;
  #isEnded = false;
  #isDiscarded = false;
  #wake: () => void = () => {};

  /** Bytes that were not read yet. */
  get bytes(): number {
    return this.#bytes;
  }

  push(audio: Uint8Array): void {
    if (this.#isEnded) return;
    this.#waiting.push(audio);
    this.#bytes += audio.length;
    this.#wake();
  }

  /** No more comes; what waits can still be read. */
  end(): void {
    this.#isEnded = true;
    this.#wake();
  }

  /** The end, at once: what waits is forgotten. */
  discard(): void {
    this.#waiting = [];
    this.#bytes = 0;
    this.#isDiscarded = true;
    this.end();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array, void> {
    for (;;) {
      const all = this.#waiting;
      this.#waiting = [];
      for (const audio of all) {
        if (this.#isDiscarded) return;
        this.#bytes -= audio.length;
        yield audio;
      }
      if (this.#waiting.length > 0) continue;
      if (this.#isEnded) return;
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
