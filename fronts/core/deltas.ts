import type { EventStream } from './event-stream.ts';

/** Deltas are joined up to this many characters. */
const MAX_JOINED = 64 * 1024;

/**
 * Pieces of text on their way to a stream. While its reader is behind, neighbours of one kind are joined, as they are for a
 * socket: a reader that is slow for a moment is sent less around the same text.
 */
export class Deltas<K extends string> {
  readonly #stream: EventStream;
  readonly #send: (kind: K, text: string) => void;
  #kind: K | undefined;
  #parts: string[] = [];
  #length = 0;

  constructor(stream: EventStream, send: (kind: K, text: string) => void) {
    this.#stream = stream;
    this.#send = send;
    stream.onDrained = () => this.flush();
  }

  push(kind: K, text: string): void {
    if (text === '') return;
    if (this.#kind === undefined && !this.#stream.isBehind) {
      this.#send(kind, text);
      return;
    }
    if (this.#kind !== kind || this.#length + text.length > MAX_JOINED) this.flush();
    this.#kind = kind;
    this.#parts.push(text);
    this.#length += text.length;
  }

  /** Sends what waits: to be called before anything else is sent. */
  flush(): void {
    if (this.#kind === undefined) return;
    const kind = this.#kind;
    const text = this.#parts.join('');
    this.#kind = undefined;
    this.#parts = [];
    this.#length = 0;
    this.#send(kind, text);
  }
}
