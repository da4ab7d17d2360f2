/** So many parts are joined to one: each `+` of two strings would keep a node of 32 bytes. */
const MAX_PARTS = 1024;

/** A long text that is put together bit by bit, and never longer than it may be: beyond that all of it is forgotten. */
export class JoinedText {
  readonly #maxBytes: number;
  #blocks: string[] = [];
  #parts: string[] = [];
  #bytes = 0;
  #isLost = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** What it takes, in bytes of UTF-8. */
  get bytes(): number {
    return this.#bytes;
  }

  /** The text so far; undefined where it was too long. */
  get text(): string | undefined {
    return this.#isLost ? undefined : [...this.#blocks, ...this.#parts].join('');
  }

  /** The same, in parts. */
  get parts(): readonly string[] | undefined {
    return this.#isLost ? undefined : [...this.#blocks, ...this.#parts];
  }

  add(part: string): void {
    if (this.#isLost || part === '') return;
    this.#bytes += Buffer.byteLength(part);
    if (this.#bytes > this.#maxBytes) {
      this.forget();
      return;
    }
    if (this.#parts.push(part) < MAX_PARTS) return;
    this.#blocks.push(this.#parts.join(''));
    this.#parts = [];
  }

  /** Lets go of all of it, for good. */
  forget(): void {
    this.#isLost = true;
    this.#blocks = [];
    this.#parts = [];
    this.#bytes = 0;
  }
}
