import type { Readable } from 'node:stream';
import { pace } from '../pace.ts';
import { type LineBounds, Lines } from './lines.ts';

/** A chunk that is larger is work by itself, though no line ends in it. Bytes. */
const MUCH_BYTES = 16 * 1024;

/** Reads a program's output line by line, no faster than {@link pace} lets it: the rest waits in the pipe, and so does the program. */
export class LineReader {
  readonly #stream: Readable;
  readonly #lines: Lines;
  readonly #tooLong: () => void;
  /** When something came last, or was done with; what `performance.now()` says. */
  #heardAt = Number.NEGATIVE_INFINITY;
  #chunk: Buffer | undefined;
  #at = 0;
  /** Somebody has enough for now. */
  #isHeld = false;
  #isReleased = false;
  /** A later turn of the loop goes on with the chunk, or this one does. */
  #isWorking = false;
  #isOver = false;

  /** @param line see {@link Lines}. @param tooLong hears that a line was longer than any may be: nothing more is read. */
  constructor(
    stream: Readable,
    bounds: LineBounds,
    line: (line: Buffer, bytes: number) => void,
    tooLong: () => void = () => {},
  ) {
    this.#stream = stream;
    this.#lines = new Lines(line, bounds);
    this.#tooLong = tooLong;
    // What cannot be read is told by the program's end.
    stream.on('error', () => {});
    stream.on('data', (chunk: Buffer) => {
      this.#heardAt = performance.now();
      // What was on its way when it was paused.
      this.#chunk = this.#chunk ? Buffer.concat([this.#chunk.subarray(this.#at), chunk]) : chunk;
      this.#at = 0;
      if (!this.#isWorking) this.#work();
    });
  }

  /** Whether nothing has come for so long, and nothing waits to be worked off. */
  isSilent(forMs: number): boolean {
    return this.#chunk === undefined && performance.now() - this.#heardAt >= forMs;
  }

  /** Reads no more until {@link LineReader.resume}. */
  pause(): void {
    if (this.#isReleased) return;
    this.#isHeld = true;
    this.#stream.pause();
  }

  resume(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    if (this.#isWorking) return;
    this.#isWorking = true;
    pace.later(() => this.#work());
  }

  /** From now on nobody holds it up: the program has to come to its end. */
  release(): void {
    this.#isReleased = true;
    this.resume();
  }

  /** The program is gone: what has come of it is heard now. */
  end(): void {
    if (this.#isOver) return;
    while (this.#takeLine());
    this.#lines.end();
    this.#isOver = true;
  }

  #work(): void {
    this.#isWorking = true;
    const isMuch = (this.#chunk?.length ?? 0) > MUCH_BYTES;
    for (let hasMore = true; hasMore; ) {
      hasMore = this.#takeLine();
      if (!(hasMore || isMuch) || !pace.isUsedUp) continue;
      this.#stream.pause();
      pace.later(() => this.#work());
      return;
    }
    this.#isWorking = false;
    if (!this.#isHeld && !this.#isOver) this.#stream.resume();
  }

  /** Whether there is more. */
  #takeLine(): boolean {
    const chunk = this.#chunk;
    if (!chunk || this.#isOver) return false;
    const next = this.#lines.take(chunk, this.#at);
    if (next === undefined) {
      this.#isOver = true;
      this.#chunk = undefined;
      this.#tooLong();
      return false;
    }
    this.#at = next;
    if (next < chunk.length) return true;
    this.#chunk = undefined;
    this.#heardAt = performance.now();
    return false;
  }
}
