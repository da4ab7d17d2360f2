import { ConnectionClosedError } from './errors.ts';

/** From this many read entries on they are cut off the array, so that reading stays cheap and memory is freed. */
const COMPACT_AT = 1_024;

/** How much text may wait to be read unless told otherwise. Characters of JSON. */
export const DEFAULT_BUFFER_LIMIT = 16 * 1024 * 1024;

/**
 * What arrived and has not been read, for one reader. Bounded by the sum of the entries' sizes: a WebSocket cannot be
 * told to wait for one chat without holding up all others, so the only honest answer to too much is to end the chat.
 */
export class EventQueue<T> {
  readonly #limit: number;
  readonly #taken: (value: T) => void;
  #entries: { value: T; size: number }[] = [];
  #read = 0;
  #size = 0;
  #waiting: { resolve(result: IteratorResult<T, undefined>): void; reject(error: unknown): void }[] = [];
  #end: { error?: unknown } | undefined;
  #hasReader = false;
  #wasClosed = false;

  /** @param taken hears of each entry in the moment in which the reader gets it. */
  constructor(limit: number, taken: (value: T) => void = () => {}) {
    this.#limit = limit;
    this.#taken = taken;
  }

  /** Adds an entry. False: that would be beyond the limit, and it was not added. */
  push(value: T, size: number): boolean {
    if (this.#end) return true;
    const reader = this.#waiting.shift();
    if (reader) {
      this.#taken(value);
      reader.resolve({ value, done: false });
      return true;
    }
    if (this.#size + size > this.#limit) return false;
    this.#entries.push({ value, size });
    this.#size += size;
    return true;
  }

  /**
   * No more entries. What waits can still be read; then the reader is told the end, or the error. That this side has closed
   * the connection is no error to a loop: whoever closes it knows, and a loop that nobody waits for would end the program.
   */
  end(end: { error?: unknown } = {}): void {
    if (this.#end) return;
    this.#wasClosed = end.error instanceof ConnectionClosedError;
    this.#end = this.#wasClosed ? {} : end;
    for (const reader of this.#waiting.splice(0)) this.next().then(reader.resolve, reader.reject);
  }

  /** For who needs all of it. @throws {ConnectionClosedError} where this side has closed the connection before its end. */
  checkWhole(): void {
    if (this.#wasClosed) throw new ConnectionClosedError();
  }

  /** Forgets what waits, and whatever may still come. */
  discard(): void {
    this.#entries = [];
    this.#read = 0;
    this.#size = 0;
    this.#end = {};
    for (const reader of this.#waiting.splice(0)) reader.resolve({ value: undefined, done: true });
  }

  /** The next entry; waits for it where there is none yet. An error is thrown once, then it is the end. */
  next(): Promise<IteratorResult<T, undefined>> {
    const entry = this.#entries[this.#read];
    if (entry) {
      this.#read++;
      this.#size -= entry.size;
      const half = this.#read >= COMPACT_AT && this.#read * 2 >= this.#entries.length;
      if (half || this.#read === this.#entries.length) {
        this.#entries = this.#entries.slice(this.#read);
        this.#read = 0;
      }
      this.#taken(entry.value);
      return Promise.resolve({ value: entry.value, done: false });
    }
    if (!this.#end) return new Promise((resolve, reject) => this.#waiting.push({ resolve, reject }));
    if (!('error' in this.#end)) return Promise.resolve({ value: undefined, done: true });
    const { error } = this.#end;
    this.#end = {};
    return Promise.reject(error);
  }

  /**
   * The entries, for the one reader that there may be. Leaving early forgets the rest.
   *
   * @param what - what they are, for whoever tries to read them again: "the events of a chat".
   * @param left - hears that the reader left before the end.
   * @throws {TypeError} the second time.
   */
  readOnce(what: string, left: () => void): AsyncIterator<T, undefined> {
    if (this.#hasReader) throw new TypeError(`${what} can be read once`);
    this.#hasReader = true;
    return {
      next: () => this.next(),
      return: () => {
        this.discard();
        left();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }
}
