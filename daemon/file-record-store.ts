import { constants } from 'node:fs';
import { open, readdir, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import type { Logger } from '../broker.ts';
import type { RecordStore, StoredTurn } from '../protocol/record-store.ts';

/** A file of ours is that long at most, however often its turn was added to. Bytes. */
const MAX_FILE_BYTES = 32 * 1024 * 1024;
const NAME = /^(turn-[0-9a-f-]{36})\.rec$/;
const UNFINISHED = /^turn-[0-9a-f-]{36}\.rec\.new$/;
/** What stands before each line: the checksum of it, and a space. */
const SUM_LENGTH = 9;
const LINE_END = 0x0a;
const OWN_ONLY = 0o600;

/**
 * Keeps each recorded turn in a file of its own, `ID.rec`, mode 0600, in a directory that is there already
 * (`$SWITCHBOARD_HOME/record/`). A line for each record, behind its checksum: what a crash or a disk has torn is left out when it
 * is read, and nothing else. Not synced: a turn is watched, not owed.
 */
export function fileRecordStore(directory: string, log: Logger): RecordStore {
  const pathOf = (turnId: string) => join(directory, `${turnId}.rec`);
  /** Where half a line may stand at the end. */
  const torn = new Set<string>();
  let state: RecordStore['state'] = 'ok';

  /** Whether it succeeded; what is wrong is said once, until it is right again. */
  const attempt = async (work: () => Promise<void>): Promise<boolean> => {
    try {
      await work();
      state = 'ok';
      return true;
    } catch (err) {
      if (state === 'ok') log.warn({ err, directory }, 'the disk does not take what is recorded');
      state = 'degraded';
      return false;
    }
  };

  return {
    get state() {
      return state;
    },
    async *load() {
      let [files, lines] = [0, 0];
      for (const name of (await readdir(directory)).sort()) {
        if (UNFINISHED.test(name)) await rm(join(directory, name), { force: true });
        const turnId = NAME.exec(name)?.[1];
        if (turnId === undefined) continue;
        const found = await readTurn(join(directory, name), turnId).catch(() => undefined);
        if (!found || found.damaged > 0) files += 1;
        lines += found?.damaged ?? 0;
        if (!found) continue;
        if (found.isTorn) torn.add(turnId);
        yield found.turn;
      }
      if (files > 0) log.warn({ files, lines, directory }, 'a part of what was recorded is damaged, and left out');
    },
    write(turnId, lines, isWhole) {
      const path = pathOf(turnId);
      return attempt(async () => {
        if (!NAME.test(`${turnId}.rec`)) throw new Error(`no turn's id: ${turnId.slice(0, 64)}`);
        const text = lines.map((line) => `${sumOf(Buffer.from(line))} ${line}\n`).join('');
        if (isWhole) {
          await replace(path, text);
          torn.delete(turnId);
          return;
        }
        const isTorn = torn.has(turnId);
        torn.add(turnId);
        await put(path, isTorn ? `\n${text}` : text, constants.O_APPEND);
        torn.delete(turnId);
      });
    },
    async remove(turnId) {
      torn.delete(turnId);
      if (NAME.test(`${turnId}.rec`)) await rm(pathOf(turnId), { force: true });
    },
  };
}

/** Has a file be this text, or leaves it as it is; nothing stays beside it where the disk is full. */
async function replace(path: string, text: string): Promise<void> {
  const unfinished = `${path}.new`;
  try {
    await put(unfinished, text, constants.O_TRUNC);
    await rename(unfinished, path);
  } catch (err) {
    await rm(unfinished, { force: true }).catch(() => {});
    throw err;
  }
}

async function put(path: string, text: string, how: number): Promise<void> {
  const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_NOFOLLOW | how;
  const file = await open(path, flags, OWN_ONLY);
  try {
    await file.writeFile(text);
  } finally {
    await file.close();
  }
}

/** A plain file's bytes: a link may lead to what has no end, and a pipe waits for somebody. Undefined where it is too long to be ours. */
async function bytesOf(path: string): Promise<Buffer | undefined> {
  const file = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  try {
    const found = await file.stat();
    if (!found.isFile()) throw new Error(`no plain file: ${path}`);
    if (found.size <= MAX_FILE_BYTES) return await file.readFile();
  } finally {
    await file.close();
  }
  await rm(path, { force: true });
  return undefined;
}

/** What a file has; undefined where it is too long to be ours. */
async function readTurn(
  path: string,
  turnId: string,
): Promise<{ turn: StoredTurn; damaged: number; isTorn: boolean } | undefined> {
  const bytes = await bytesOf(path);
  if (!bytes) return undefined;
  const lines: string[] = [];
  let damaged = 0;
  let at = 0;
  while (at < bytes.length) {
    const end = bytes.indexOf(LINE_END, at);
    // Half a line: what was being written at the end.
    if (end < 0) break;
    if (end > at) {
      const line = bytes.subarray(at + SUM_LENGTH, end);
      if (bytes.toString('latin1', at, at + SUM_LENGTH) === `${sumOf(line)} `) lines.push(line.toString());
      else damaged += 1;
    }
    at = end + 1;
  }
  return { turn: { turnId, lines }, damaged, isTorn: at < bytes.length };
}

function sumOf(line: Buffer): string {
  return crc32(line).toString(16).padStart(8, '0');
}
