import type { SaidText } from './recorded-log.ts';

/** So much of one answer is shown, its end. Characters. */
const MAX_SHOWN = 60_000;

/** What is shown of an answer at a moment. */
export interface ShownText {
  readonly text: string;
  /** Characters before it. */
  readonly before: number;
  /** Characters that were not recorded. */
  readonly cut: number;
}

/**
 * An answer as far as it had come. @param until the last record that counts. @param now Unix milliseconds: of a run that
 * was still being said then, a part, as if its tokens had come evenly.
 */
export function shownText(pieces: readonly SaidText[], until: number, now: number): ShownText {
  let text = '';
  let before = 0;
  let cut = 0;
  for (const piece of pieces) {
    if (piece.sequence > until) break;
    const lasted = piece.until - piece.at;
    const part = lasted <= 0 ? 1 : Math.max(0, Math.min(1, (now - piece.at) / lasted));
    text += part === 1 ? piece.text : wholeSlice(piece.text, Math.ceil(piece.text.length * part));
    cut += piece.cut;
    if (text.length > MAX_SHOWN * 2) {
      before += text.length - MAX_SHOWN;
      text = text.slice(-MAX_SHOWN);
    }
  }
  if (text.length > MAX_SHOWN) {
    before += text.length - MAX_SHOWN;
    text = text.slice(-MAX_SHOWN);
  }
  return { text, before, cut };
}

/** The beginning of a text, without half a character at its end. */
function wholeSlice(text: string, length: number): string {
  const last = text.charCodeAt(length - 1);
  return text.slice(0, last >= 0xd800 && last <= 0xdbff ? length - 1 : length);
}
