import type { Writable } from 'node:stream';
import { visible } from '../protocol/visible.ts';

/** Standard output as a place that may be slow, and whose reader may leave (`… | head`). */
export class Output {
  /** Aborts when the reader has left. */
  readonly broken: AbortSignal;
  readonly #stream: Writable;

  constructor(stream: Writable) {
    const controller = new AbortController();
    this.broken = controller.signal;
    this.#stream = stream;
    // Without a listener an EPIPE ends the process with a stack trace.
    stream.on('error', () => controller.abort());
  }

  /** Writes it with what cannot be seen written out; of JSON the value stays. */
  write(text: string): Promise<void> {
    return this.writeVisible(visible(text));
  }

  /**
   * Writes what is fit for its reader, as it is, and waits while the reader is behind: so a slow one slows down us, and
   * does not fill our memory.
   */
  async writeVisible(text: string): Promise<void> {
    if (this.broken.aborted || text === '' || this.#stream.write(text)) return;
    await new Promise<void>((resolve) => {
      const finish = () => {
        this.#stream.off('drain', finish);
        this.broken.removeEventListener('abort', finish);
        resolve();
      };
      this.#stream.on('drain', finish);
      this.broken.addEventListener('abort', finish);
    });
  }
}
