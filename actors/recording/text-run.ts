import { MASK, maskText } from '../kernel/preview.ts';
import { TOKEN } from '../shown/view.ts';

/** Characters of a run, at most. */
export const RUN_LENGTH = 8_192;
/** What its buffer begins with: most turns say little. */
const FIRST_LENGTH = 512;
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

/** Characters that are gathered before they are written: writing each token by itself costs ten times as much. */
const GATHERED = 256;

/**
 * Tokens that come one behind the other, as one text. A token copies nothing (law 2): some are gathered, and then go into a
 * buffer, two bytes a character, so that half a character is one too.
 */
export class TextRun {
  #buffer = Buffer.alloc(0);
  #used = 0;
  #gathered = '';
  /** Tokens in it. */
  count = 0;
  at = 0;
  until = 0;

  get isEmpty(): boolean {
    return this.#used === 0 && this.#gathered === '' && this.count === 0;
  }

  /** What it takes, in bytes. */
  get bytes(): number {
    return this.#buffer.length;
  }

  /** Whether a text of this length has room. */
  fits(length: number): boolean {
    return this.#used + (this.#gathered.length + length) * 2 <= RUN_LENGTH * 2;
  }

  /** Adds a token, which has to {@link fits | fit}. `now`: the clock's milliseconds. */
  add(delta: string, now: number): void {
    if (this.count === 0) this.at = now;
    this.count += 1;
    this.until = now;
    this.#gathered += delta;
    if (this.#gathered.length >= GATHERED) this.#write();
  }

  #write(): void {
    const end = this.#used + this.#gathered.length * 2;
    if (end > this.#buffer.length) this.#grow(end);
    this.#used += this.#buffer.write(this.#gathered, this.#used, 'utf16le');
    this.#gathered = '';
  }

  /**
   * Takes what there is, secrets masked. Unless the run is over, its last word stays: what follows may belong to it.
   * @returns undefined where nothing can be taken
   */
  take(isOver: boolean): Run | undefined {
    if (this.isEmpty) return undefined;
    this.#write();
    const whole = this.#buffer.toString('utf16le', 0, this.#used);
    const tail = isOver ? '' : (SOLID_END.exec(whole.slice(-MAX_TAIL - 1))?.[0] ?? '');
    const kept = tail.length > MAX_TAIL ? '' : tail;
    const text = whole.slice(0, whole.length - kept.length);
    if (text === '' && !isOver) return undefined;
    const run = { at: this.at, until: this.until, count: this.count, text: unsecret(text) };
    this.#used = this.#buffer.write(kept, 0, 'utf16le');
    this.count = 0;
    this.at = this.until;
    return run;
  }

  /** Lets go of its buffer. */
  release(): void {
    this.#buffer = Buffer.alloc(0);
    this.#used = 0;
    this.#gathered = '';
    this.count = 0;
  }

  #grow(needed: number): void {
    const length = Math.min(RUN_LENGTH * 2, Math.max(needed, this.#buffer.length * 2, FIRST_LENGTH));
    const buffer = Buffer.allocUnsafe(length);
    this.#buffer.copy(buffer, 0, 0, this.#used);
    this.#buffer = buffer;
  }
}

/** All of a text of a run's length, secrets masked. */
export function unsecret(text: string): string {
  return maskText(text.replace(TOKEN, MASK), text.length + RUN_LENGTH);
}
