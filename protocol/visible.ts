/**
 * What cannot be seen, or changes what is seen around it, by its Unicode properties: controls, formats (those of
 * direction and of no width, and the tags, among them), private and unassigned characters, halves of one, line and
 * paragraph separators, whatever is to be ignored where a font does not know it, variation selectors, the braille blank.
 */
export const UNSEEN = String.raw`[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\p{Variation_Selector}\u2800]`;

const IN_TEXT = new RegExp(String.raw`(?![\n\t])${UNSEEN}`, 'gu');
const IN_LINE = new RegExp(UNSEEN, 'gu');

/**
 * Writes out what cannot be seen, as JSON would (`\u202e`), so that a text which somebody decides by is read as it is.
 * Line feeds and tabs stay. A JSON text stays JSON, and of the same value: in it these stand in strings alone.
 */
export function visible(text: string): string {
  return text.replace(IN_TEXT, escaped);
}

/** The same for what must stay on one line: names, ids, reasons. */
export function visibleLine(text: string): string {
  return text.replace(IN_LINE, escaped);
}

const SHORT: Readonly<Record<string, string>> = { '\n': '\\n', '\t': '\\t' };

/** A character as JSON writes it: four hexadecimal digits for each code unit. */
export function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  let written = '';
  for (let at = 0; at < character.length; at++) {
    written += `\\u${character.charCodeAt(at).toString(16).padStart(4, '0')}`;
  }
  return written;
}
