/* What is read of a JSON text before, or without, parsing it. */

const BACKSLASH = 0x5c;

/** The quote that ends the string which begins at `start`; the text's end where there is none. */
export function endOfString(text: string, start: number): number {
  let quote = start;
  for (;;) {
    quote = text.indexOf('"', quote + 1);
    if (quote < 0) return text.length;
    let before = quote - 1;
    while (text.charCodeAt(before) === BACKSLASH) before -= 1;
    // Backslashes escape each other: the quote is escaped where one is left over.
    if ((quote - before) % 2 === 1) return quote;
  }
}

/** Whether it is white space of JSON's. */
export const isSpace = (code: number) => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

/** The first place from `from` on that is no white space. */
export function skipSpace(text: string, from: number): number {
  let at = from;
  while (isSpace(text.charCodeAt(at))) at += 1;
  return at;
}

/** Digits from which on an integer may be one that JavaScript's numbers do not hold. */
export const LONG = 16;
const HALF = LONG / 2;

/** Whether it is one of `0` to `9`. */
export const isDigit = (code: number) => code >= 0x30 && code <= 0x39;
/** What may stand before a number: `:`, `,`, `[`, white space, a minus, nothing. */
const BEFORE_NUMBER = /[:,[\s-]|^$/;

/**
 * Whether an integer of {@link LONG} digits or more may stand in a JSON text. Such a run covers every place whose number
 * is a multiple of {@link LONG}, so only these are looked at: a dozen of a usual frame. Digits in a string may pass for an
 * integer, never the other way round.
 */
export function mayHoldLong(text: string): boolean {
  for (let at = LONG - 1; at < text.length; at += LONG) {
    if (!isDigit(text.charCodeAt(at))) continue;
    // Of 16 in a row around this one, the eighth before it or behind it is among them.
    if (!isDigit(text.charCodeAt(at - HALF)) && !isDigit(text.charCodeAt(at + HALF))) continue;
    let start = at;
    while (isDigit(text.charCodeAt(start - 1))) start -= 1;
    let end = at + 1;
    while (isDigit(text.charCodeAt(end))) end += 1;
    if (end - start >= LONG && BEFORE_NUMBER.test(text.charAt(start - 1))) return true;
    // The next place is behind the run, and no run is walked twice.
    if (end > at + LONG) at += Math.floor((end - at - 1) / LONG) * LONG;
  }
  return false;
}
