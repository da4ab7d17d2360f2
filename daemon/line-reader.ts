import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { setImmediate as nextRound } from 'node:timers/promises';
import type { MeetingLine } from '../broker.ts';
import { isObject } from '../protocol/json.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { OWN_FILE_ONLY } from './line-file.ts';

/** How much is read and parsed before everybody else has a turn, in bytes. */
const PIECE = 64 * 1024;

const KINDS: ReadonlySet<unknown> = new Set(['final', 'truncated', 'summary', 'ended']);

/**
 * The lines at the beginning of a meeting's file. A piece of it in each turn of the event loop: nobody else is to wait for
 * a long one.
 * @param bytes - how much of the file is read.
 * @throws the system error, and an error where that is no file.
 */
export async function readLines(path: string, bytes: number): Promise<MeetingLine[]> {
  const file = await open(path, constants.O_RDONLY | OWN_FILE_ONLY);
  try {
    if (!(await file.stat()).isFile()) throw new Error(`${path} is no file`);
    const lines: MeetingLine[] = [];
    /** A line of which the end has not been read. */
    let begun: Buffer[] = [];
    for (let position = 0; position < bytes; ) {
      const length = Math.min(PIECE, bytes - position);
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(length), 0, length, position);
      if (bytesRead === 0) break;
      position += bytesRead;
      const piece = buffer.subarray(0, bytesRead);
      const end = piece.lastIndexOf('\n') + 1;
      if (end > 0) {
        const whole = Buffer.concat([...begun, piece.subarray(0, end)]).toString();
        begun = [];
        for (const text of whole.split('\n')) lines.push(...parseLine(text));
      }
      if (end < piece.length) begun.push(piece.subarray(end));
    }
    lines.push(...parseLine(Buffer.concat(begun).toString()));
    return lines;
  } finally {
    await file.close();
  }
}

/** Lines that are not in the file yet, parsed in the same way. */
export async function parseLines(texts: readonly string[]): Promise<MeetingLine[]> {
  const lines: MeetingLine[] = [];
  let parsed = 0;
  for (const text of texts) {
    lines.push(...parseLine(text));
    parsed += text.length;
    if (parsed < PIECE) continue;
    parsed = 0;
    await nextRound();
  }
  return lines;
}

/**
 * What a line says. Half a line, and the first one of a file, say nothing of what was said; whether the others have all
 * that belongs to their kind is looked at by the broker, as with any store.
 */
function parseLine(text: string): MeetingLine[] {
  if (text === '') return [];
  try {
    const line: unknown = parseJson(text);
    return isObject(line) && KINDS.has(line.type) ? [line as unknown as MeetingLine] : [];
  } catch {
    return [];
  }
}
