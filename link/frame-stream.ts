import { MAX_FRAME_BYTES } from './frame.ts';

/** Cuts a stream of bytes into the frames that it consists of. Each frame begins with its length. */
export class FrameStream {
  #chunks: Buffer[] = [];
  #bytes = 0;
  /** Length of the frame that has begun, with what says it. */
  #wanted = 4;
  #isBody = false;

  /** @param chunk - what was read; it is kept as long as its frames are not taken */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.#bytes += chunk.length;
  }

  /** The next frame; `undefined` where it is not there whole; `false` where what begins there is none. */
  next(): Buffer | undefined | false {
    if (!this.#isBody) {
      if (this.#bytes < 4) return;
      this.#wanted = 4 + this.#front(4).readUInt32LE(0);
      if (this.#wanted > MAX_FRAME_BYTES) return false;
      this.#isBody = true;
    }
    if (this.#bytes < this.#wanted) return;
    const first = this.#front(this.#wanted);
    const frame = first.subarray(0, this.#wanted);
    this.#bytes -= frame.length;
    if (first.length === frame.length) this.#chunks.shift();
    else this.#chunks[0] = first.subarray(frame.length);
    this.#isBody = false;
    return frame;
  }

  /** The first chunk, with so many bytes at least. */
  #front(length: number): Buffer {
    const [first] = this.#chunks;
    if (first && first.length >= length) return first;
    const joined = Buffer.concat(this.#chunks);
    this.#chunks = [joined];
    return joined;
  }
}
