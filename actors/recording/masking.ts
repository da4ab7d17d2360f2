import { MASK, maskText } from '../kernel/preview.ts';
import { TOKEN } from '../shown/view.ts';

/** Characters that are searched at once. */
const PIECE = 8_192;
/** So much of what was said before is looked at again: a secret is known by how it begins, and by what stands before it. */
const LOOKED_BACK = 512;
/** The rest of a word. */
const SOLID_START = /^[!-~]+/;

/** What is shown of the next piece, and how much of the end of what was shown before has turned out to be a secret's beginning. */
export interface Masked {
  text: string;
  /** Characters. */
  back: number;
}

/**
 * Masks the secrets of a text that comes in pieces. A pause, a tool call or a reader may have cut one in two, or have parted it
 * from the word that tells what it is: neither half would be known alone.
 */
export class Masking {
  /** The end of what has come, as it came. */
  #before = '';
  /** What was shown ends with a secret, which may go on. */
  #isInside = false;

  take(text: string): Masked {
    let shown = '';
    let back = 0;
    for (let at = 0; at < text.length; at += PIECE) {
      const next = this.#piece(text.slice(at, at + PIECE));
      back += Math.max(0, next.back - shown.length);
      shown = shown.slice(0, Math.max(0, shown.length - next.back)) + next.text;
    }
    return { text: shown, back };
  }

  #piece(text: string): Masked {
    const before = this.#before;
    this.#before = copyOf((before + text).slice(-LOOKED_BACK));
    const known = unsecret(before);
    if (this.#isInside && !known.endsWith(MASK)) {
      const rest = text.replace(SOLID_START, '');
      const shown = unsecret(rest);
      this.#isInside = rest === '' || shown.endsWith(MASK);
      return { text: shown, back: 0 };
    }
    const whole = unsecret(before + text);
    this.#isInside = whole.endsWith(MASK);
    const same = before === '' ? 0 : inCommon(known, whole);
    return { text: copyOf(whole.slice(same)), back: known.length - same };
  }
}

/** How many characters two texts begin with that are the same. */
function inCommon(one: string, other: string): number {
  let at = 0;
  while (at < one.length && one.charCodeAt(at) === other.charCodeAt(at)) at += 1;
  return at;
}

/** A part of a long text keeps all of it. */
const copyOf = (text: string): string => Buffer.from(text, 'utf16le').toString('utf16le');

/** All of a text of a piece's length, secrets masked. */
function unsecret(text: string): string {
  const masked = mayHoldToken(text) ? text.replace(TOKEN, MASK) : text;
  return maskText(masked, masked.length + PIECE);
}

/** How long a {@link TOKEN} is. */
const TOKEN_LENGTH = 43;

/**
 * Whether a text may hold a {@link TOKEN}. Such a one covers a place whose number is a multiple of its length: only these are
 * looked at, where searching for it would look at each.
 */
function mayHoldToken(text: string): boolean {
  for (let at = TOKEN_LENGTH - 1; at < text.length; at += TOKEN_LENGTH) {
    if (!isTokenPart(text.charCodeAt(at))) continue;
    let start = at;
    while (at - start < TOKEN_LENGTH && isTokenPart(text.charCodeAt(start - 1))) start -= 1;
    let end = at + 1;
    while (end - start < TOKEN_LENGTH && isTokenPart(text.charCodeAt(end))) end += 1;
    if (end - start >= TOKEN_LENGTH) return true;
  }
  return false;
}

/** `[\w-]`, by its code; NaN, beyond an end, is none. */
function isTokenPart(code: number): boolean {
  return (
    (code >= 97 && code <= 122) ||
    (code >= 65 && code <= 90) ||
    (code >= 48 && code <= 57) ||
    code === 95 ||
    code === 45
  );
}
