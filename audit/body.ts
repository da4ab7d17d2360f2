import type { AuditEntry } from '../protocol/audit.ts';
import { MAX_LINE_BYTES } from './file.ts';

/** Characters of one text in a record. A principal's name is no longer; what is, is cut. */
const MAX_TEXT = 256;
/** What number, codes and their names take in a line besides. */
const FRAME_BYTES = 256;

/**
 * A record's own members as JSON, without braces, in the order in which they stand there: all but its number and codes.
 * @param at Unix milliseconds.
 */
export function bodyOf(entry: AuditEntry, at: number): string {
  const body = write(entry, at, MAX_TEXT, entry.data);
  const most = MAX_LINE_BYTES - FRAME_BYTES;
  // A character is three bytes at most.
  if (body.length * 3 <= most || Buffer.byteLength(body) <= most) return body;
  // Nothing of the broker's own is as long.
  return write(entry, at, MAX_TEXT / 4, { cut: true });
}

function write(entry: AuditEntry, at: number, max: number, data: AuditEntry['data']): string {
  const cut = (text: string | undefined) =>
    text === undefined || text.length <= max ? text : `${text.slice(0, max - 1)}…`;
  const values: Record<string, string | number | boolean | undefined> = {};
  for (const name in data) {
    const value = data[name];
    values[name] = typeof value === 'string' ? cut(value) : value;
  }
  return JSON.stringify({
    at: new Date(at).toISOString(),
    tenant: entry.tenant,
    who: cut(entry.who),
    conn: cut(entry.conn),
    ip: cut(entry.ip),
    worker: entry.worker,
    what: cut(entry.what),
    on: cut(entry.on),
    outcome: cut(entry.outcome),
    trace: cut(entry.trace),
    data: data && values,
  }).slice(1, -1);
}
