/*
 * How wide the texts of a chart are taken to be. Charts are laid out where there is no page and no font, so these are the
 * widths of the widest fonts that the page may come to use (`--mono` and `--font` in tokens.css), not those of one of them.
 */

/** Of a letter of 11 pixels that is as wide as every other. */
const MONO_PX = 6.82;
/** Of a letter of 13 pixels, bold. */
const NAME_PX = 8.6;
/** From here on letters are as wide as two: Hangul, kana, ideographs, emoji. */
const WIDE_FROM = 0x1100;

/** Of a text on a line or in a box. Pixels. */
export const lineWidth = (text: string): number => cells(text) * MONO_PX;

/** Of a state's name. Pixels. */
export const nameWidth = (text: string): number => cells(text) * NAME_PX;

/** Arrows and other signs of our own (`→`, `↺`) are as wide as letters. */
function cells(text: string): number {
  let count = 0;
  for (const sign of text) {
    const code = sign.codePointAt(0) ?? 0;
    count += code < WIDE_FROM || (code >= 0x2000 && code < 0x2e80) ? 1 : 2;
  }
  return count;
}
