import { visibleLine } from '../protocol/visible.ts';

/** Longest message that is told: some programs put whole answers of their models into one. Characters. */
const MAX_MESSAGE = 4_000;

/** What went wrong, in one line that is harmless for a terminal. */
export function messageOf(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return visibleLine(message.slice(0, MAX_MESSAGE).replaceAll(/\s*\n\s*/g, ' '));
}
