import { visibleLine } from '../protocol/visible.ts';

/** What the daemon makes up: a word, and a UUID whose beginning is the time. */
const MADE_UP = /^([a-z]+-)?[0-9a-f-]{28}([0-9a-f]{8})$/;

/** An id. Of a long one that the daemon made up, the end tells it from others; the whole is in the title. */
export function Id({ id }: { id: string }) {
  const [, word = '', end] = MADE_UP.exec(id) ?? [];
  return end === undefined ? <code>{visibleLine(id)}</code> : <code title={id}>{`${word}…${end}`}</code>;
}
