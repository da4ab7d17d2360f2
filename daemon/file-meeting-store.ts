import { closeSync, constants, fstatSync, openSync, readdirSync, readSync, rmSync, writeSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger, MeetingHead, MeetingLine, MeetingStore } from '../broker.ts';
import { meetingId } from '../protocol/meetings.ts';
import { transcriptSegment } from '../protocol/voice.ts';
import { isSystemError } from './errors.ts';
import { LineWriter } from './line-writer.ts';

/** The first line of a file is at most that long: an id and a title. */
const HEAD_BYTES = 4_096;
/** The last line of a meeting that has ended is shorter. */
const TAIL_BYTES = 256;
const SUFFIX = '.jsonl';

const headLine = z.object({
  type: z.literal('meeting'),
  id: meetingId,
  title: z.string().nullable(),
  started_at: z.number(),
  agent_id: z.string().nullable(),
});
const endedLine = z.object({ type: z.literal('ended'), ended_at: z.number() });
const line = z.discriminatedUnion('type', [
  transcriptSegment.extend({ type: z.literal('final') }),
  z.object({ type: z.literal('truncated') }),
  z.object({ type: z.literal('summary'), text: z.string() }),
  endedLine,
]);

/** A {@link MeetingStore} that has to be closed. */
export interface FileMeetingStore extends MeetingStore {
  /** Resolves once everything that was added is written. */
  close(): Promise<void>;
}

/**
 * Keeps each meeting in a file of its own, `ID.jsonl`, mode 0600, in a directory that is there already
 * (`$SWITCHBOARD_HOME/meetings/`, `wire.md` section 11): a line for each final, written and synced as it comes. A crash
 * costs what was being written, and may leave half a line, which is passed over.
 */
export function fileMeetingStore(directory: string, log: Logger): FileMeetingStore {
  const pathOf = (id: string) => join(directory, `${id}${SUFFIX}`);
  const writers = new Map<string, LineWriter>();
  /** What a crash has left, perhaps in half a line. */
  const torn = new Set<string>();
  const writerOf = (id: string) => {
    const known = writers.get(id);
    if (known) return known;
    const writer = new LineWriter(pathOf(id), torn.has(id), {
      failed: (err) => log.error({ err, meeting: id }, 'a meeting could not be written; it is tried again'),
      idle: () => {
        writers.delete(id);
        torn.delete(id);
      },
    });
    writers.set(id, writer);
    return writer;
  };
  return {
    load() {
      const names = readdirSync(directory).filter((name) => name.endsWith(SUFFIX));
      return names.flatMap((name) => {
        const head = readHead(join(directory, name), name.slice(0, -SUFFIX.length));
        if (!head) log.warn({ file: name }, 'no meeting: it was left as it is');
        if (head?.status === 'interrupted') torn.add(head.id);
        return head ?? [];
      });
    },
    create({ id, title, started_at, agent_id }) {
      const file = openSync(pathOf(id), 'wx', 0o600);
      try {
        writeSync(file, `${JSON.stringify({ type: 'meeting', id, title, started_at, agent_id })}\n`);
      } finally {
        closeSync(file);
      }
    },
    append: (id, added) => writerOf(id).add(JSON.stringify(added)),
    async read(id) {
      await writers.get(id)?.written();
      const text = await readFile(pathOf(id), 'utf8');
      return text.split('\n').flatMap(parseLine);
    },
    remove(id) {
      writers.get(id)?.drop();
      writers.delete(id);
      try {
        rmSync(pathOf(id), { force: true });
      } catch (err) {
        log.error({ err, meeting: id }, 'a meeting could not be deleted');
      }
    },
    async close() {
      await Promise.all([...writers.values()].map((writer) => writer.close()));
    },
  };
}

/** What a file says of its meeting, by its first and its last line: the rest may be long. */
function readHead(path: string, id: string): MeetingHead | undefined {
  let file: number;
  try {
    file = openSync(path, constants.O_RDONLY);
  } catch (error) {
    if (isSystemError(error)) return undefined;
    throw error;
  }
  try {
    const { size: bytes, mtimeMs } = fstatSync(file);
    const [first = ''] = readPart(file, 0, HEAD_BYTES).split('\n');
    const head = headLine.safeParse(parse(first));
    if (!head.success || head.data.id !== id) return undefined;
    const { title, started_at, agent_id } = head.data;
    const last =
      readPart(file, Math.max(0, bytes - TAIL_BYTES), TAIL_BYTES)
        .trimEnd()
        .split('\n')
        .at(-1) ?? '';
    const end = endedLine.safeParse(parse(last));
    const ending = end.success
      ? { status: 'ended' as const, ended_at: end.data.ended_at }
      : { status: 'interrupted' as const, ended_at: Math.round(mtimeMs) };
    return { id, title, started_at, agent_id, bytes, ...ending };
  } finally {
    closeSync(file);
  }
}

function readPart(file: number, position: number, length: number): string {
  const part = Buffer.alloc(length);
  return part.toString('utf8', 0, readSync(file, part, 0, length, position));
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** Half a line, and the first one, say nothing of what was said. */
function parseLine(text: string): MeetingLine[] {
  const result = line.safeParse(parse(text));
  // What is left out is left out; the schema alone would call it undefined.
  return result.success ? [result.data as MeetingLine] : [];
}
