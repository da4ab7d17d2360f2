/** Every control character besides line feed and tab: ESC and the C1 controls with which a text could take over a terminal. */
const CONTROLS = /[^\P{Cc}\n\t]/gu;
/** Those two as well. */
const ALL_CONTROLS = /\p{Cc}+/gu;

/**
 * Makes an agent's text harmless for a terminal: without ESC an escape sequence is just odd-looking text, however the
 * sequence was cut into deltas.
 */
export function sanitise(text: string): string {
  return text.replace(CONTROLS, '');
}

/** The same for what must stay on one line: names, ids, reasons. */
export function sanitiseLine(text: string): string {
  return text.replace(ALL_CONTROLS, ' ');
}
