/** Characters of a run, at most. */
export const RUN_LENGTH = 8_192;
/** So much of an end without a space waits for what follows: a secret must not be cut in two, for neither half would be known. */
const MAX_TAIL = 512;
const SOLID_END = /[!-~]+$/;

/** What a run was, once it is over. */
export interface Run {
  at: number;
  until: number;
  count: number;
  text: string;
}

/** Characters that are gathered before they are made one text: until then each token takes as much room as three words. */
const GATHERED = 256;

/** Tokens that come one behind the other, as one text. A token copies nothing: it is put behind those before it (law 2). */
export class TextRun {
  /** Texts of {@link GATHERED} characters or some more. */
  #texts: string[] = [];
  #gathered = '';
  /** Characters of both. */
  #length = 0;
  /** Tokens in it. */
  count = 0;
  at = 0;
  until = 0;

  get isEmpty(): boolean {
    return this.#length === 0 && this.count === 0;
  }

  /** What it takes, in bytes, at most. */
  get bytes(): number {
    return this.#length * 2;
  }

  /** Whether a text of this length has room. */
  fits(length: number): boolean {
    return this.#length + length <= RUN_LENGTH;
  }

  /** Adds a token, which has to {@link fits | fit}. `now`: the clock's milliseconds. */
  add(delta: string, now: number): void {
    if (this.count === 0) this.at = now;
    this.count += 1;
    this.until = now;
    this.#length += delta.length;
    this.#gathered += delta;
    if (this.#gathered.length >= GATHERED) this.#close();
  }

  #close(): void {
    // Looking into a text that was put together makes V8 write it out as one.
    this.#gathered.charCodeAt(0);
    this.#texts.push(this.#gathered);
    this.#gathered = '';
  }

  /**
   * Takes what there is, as it came. Unless the run is over, its last word stays: what follows may belong to it.
   * @returns undefined where nothing can be taken
   */
  take(isOver: boolean): Run | undefined {
    if (this.isEmpty) return undefined;
    const whole = this.#texts.join('') + this.#gathered;
    const tail = isOver ? '' : (SOLID_END.exec(whole.slice(-MAX_TAIL - 1))?.[0] ?? '');
    const kept = tail.length > MAX_TAIL ? '' : tail;
    const text = whole.slice(0, whole.length - kept.length);
    if (text === '' && !isOver) return undefined;
    const run = { at: this.at, until: this.until, count: this.count, text };
    this.#texts = [];
    this.#gathered = kept;
    this.#length = kept.length;
    this.count = 0;
    this.at = this.until;
    return run;
  }

  /** Lets go of what it has. */
  release(): void {
    this.#texts = [];
    this.#gathered = '';
    this.#length = 0;
    this.count = 0;
  }
}
