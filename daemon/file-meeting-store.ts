import {
  closeSync,
  constants,
  fstatSync,
  openSync,
  readdirSync,
  readSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { Logger, MeetingHead, MeetingStore } from '../broker.ts';
import { meetingId } from '../protocol/meetings.ts';
import { parseJson } from '../protocol/parse-json.ts';
import { principal } from '../protocol/principal.ts';
import { writeJson } from '../protocol/write-json.ts';
import { isSystemError } from './errors.ts';
import { OWN_FILE_ONLY } from './line-file.ts';
import { parseLines, readLines } from './line-reader.ts';
import { LineWriter } from './line-writer.ts';

/** The first line of a file is at most that long: two ids, a title and whose it is. */
const HEAD_BYTES = 4_096;
/** The last line of a meeting that has ended is shorter. */
const TAIL_BYTES = 256;
const SUFFIX = '.jsonl';

/** What a `Date` can be. */
const time = z.number().int().min(0).max(8.64e15);
const headLine = z.object({
  type: z.literal('meeting'),
  id: meetingId,
  title: z.string().nullable(),
  started_at: time,
  agent_id: z.string().nullable(),
  /** Of one that was begun before there were principals: not there. */
  name: meetingId.optional(),
  owner: principal.optional(),
});
const endedLine = z.object({
  type: z.literal('ended'),
  ended_at: time,
  status: z.literal('interrupted').optional(),
});

/** A {@link MeetingStore} that has to be closed. */
export interface FileMeetingStore extends MeetingStore {
  /** Resolves once everything that was added is written, or could not be: that is logged. */
  close(): Promise<void>;
}

/**
 * Keeps each meeting in a file of its own, `ID.jsonl`, mode 0600, in a directory that is there already
 * (`$SWITCHBOARD_HOME/meetings/`, `wire.md` section 11): a line for each final, written as it comes and synced behind that.
 * So the end of the process costs nothing, and a power cut what was not synced yet; it may leave half a line, which is
 * passed over. What cannot be written waits in memory.
 */
export function fileMeetingStore(directory: string, log: Logger): FileMeetingStore {
  const pathOf = (id: string) => join(directory, `${id}${SUFFIX}`);
  const writers = new Map<string, LineWriter>();
  /** What a crash has left, perhaps in half a line. */
  const torn = new Set<string>();
  let writeFailures = 0;
  const openWriter = (id: string, isNew: boolean) => {
    const writer: LineWriter = new LineWriter(
      pathOf(id),
      { isNew, isTorn: torn.has(id) },
      {
        failed: (err, isFirst) => {
          writeFailures += 1;
          if (isFirst) log.error({ err, meeting: id }, 'a meeting could not be written; it is tried again');
        },
        idle: () => {
          // The meeting may be gone, and its id another's by now.
          if (writers.get(id) !== writer) return;
          writers.delete(id);
          torn.delete(id);
        },
        lost: (lines) => log.error({ meeting: id, lines }, 'a meeting could not be written, and its end is lost'),
      },
    );
    writers.set(id, writer);
    return writer;
  };
  const remove = (id: string) => {
    writers.get(id)?.drop();
    writers.delete(id);
    torn.delete(id);
    try {
      rmSync(pathOf(id), { force: true });
    } catch (err) {
      log.error({ err, meeting: id }, 'a meeting could not be deleted');
    }
  };
  return {
    get writeFailures() {
      return writeFailures;
    },
    load() {
      const names = readdirSync(directory).filter((name) => name.endsWith(SUFFIX));
      return names.flatMap((name) => {
        const head = readHead(join(directory, name), name.slice(0, -SUFFIX.length), (err) =>
          log.warn({ err, file: name }, 'no meeting: it was left as it is'),
        );
        // Perhaps its provider never accepted: nothing was said, and its id is free. A title is something said.
        if (head?.status === 'interrupted' && head.bytes === 0 && head.title === null) {
          remove(head.id);
          return [];
        }
        if (head?.status === 'interrupted') torn.add(head.id);
        return head ?? [];
      });
    },
    create({ id, name, owner, title, started_at, agent_id }) {
      const path = pathOf(id);
      const file = openSync(path, 'wx', 0o600);
      try {
        writeFileSync(file, `${writeJson({ type: 'meeting', id, name, owner, title, started_at, agent_id })}\n`);
      } catch (error) {
        rmSync(path, { force: true });
        throw error;
      } finally {
        closeSync(file);
      }
      torn.delete(id);
      // It has a name to be synced, even if nothing will be said.
      openWriter(id, true);
    },
    append: (id, added) => (writers.get(id) ?? openWriter(id, false)).add(writeJson(added)),
    async read(id) {
      const path = pathOf(id);
      // Taken together, before anything else can happen: no line is in both, and none in neither.
      const { bytes, lines } = writers.get(id)?.contents() ?? { bytes: statSync(path).size, lines: [] };
      return (await readLines(path, bytes)).concat(await parseLines(lines));
    },
    remove,
    async close() {
      await Promise.all([...writers.values()].map((writer) => writer.close()));
    },
  };
}

/**
 * What a file says of its meeting, by its first and its last line: the rest may be long.
 *
 * @param refused - hears of a file that says nothing of one, and of the error where it cannot be read.
 */
function readHead(path: string, id: string, refused: (err?: unknown) => void): MeetingHead | undefined {
  let file: number | undefined;
  try {
    file = openSync(path, constants.O_RDONLY | OWN_FILE_ONLY);
    const stat = fstatSync(file);
    const head = stat.isFile() ? headOf(file, id, stat.size, stat.mtimeMs) : undefined;
    if (!head) refused();
    return head;
  } catch (error) {
    if (!isSystemError(error)) throw error;
    refused(error);
    return undefined;
  } finally {
    if (file !== undefined) closeSync(file);
  }
}

function headOf(file: number, id: string, size: number, modifiedAt: number): MeetingHead | undefined {
  const [first = ''] = readPart(file, 0, HEAD_BYTES).split('\n');
  const head = headLine.safeParse(parse(first));
  if (!head.success || head.data.id !== id) return undefined;
  const { name, owner, title, started_at, agent_id } = head.data;
  const shared = { id, name, owner, title, started_at, agent_id };
  const tail = readPart(file, Math.max(0, size - TAIL_BYTES), TAIL_BYTES)
    .trimEnd()
    .split('\n');
  const last = tail.at(-1) ?? '';
  const end = endedLine.safeParse(parse(last));
  const said = size - Buffer.byteLength(first) - 1;
  if (!end.success) {
    const ended_at = Math.round(modifiedAt);
    return { ...shared, status: 'interrupted', ended_at, bytes: Math.max(0, said) };
  }
  const { ended_at, status = 'ended' } = end.data;
  return { ...shared, status, ended_at, bytes: Math.max(0, said - Buffer.byteLength(last) - 1) };
}

function readPart(file: number, position: number, length: number): string {
  const part = Buffer.alloc(length);
  return part.toString('utf8', 0, readSync(file, part, 0, length, position));
}

function parse(text: string): unknown {
  try {
    return parseJson(text);
  } catch {
    return undefined;
  }
}
