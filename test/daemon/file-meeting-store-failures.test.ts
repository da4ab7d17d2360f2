import { execFileSync } from 'node:child_process';
import { pbkdf2 } from 'node:crypto';
import { mkdirSync, readdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import type { MeetingLine } from '../../broker.ts';
import { fileMeetingStore } from '../../daemon/file-meeting-store.ts';
import { LineFile } from '../../daemon/line-file.ts';
import { head, silent } from './meeting-files.ts';
import { temporaryDirectory } from './temporary.ts';

/* Meetings as files, on a disk that is full or broken, and among files that are none of ours. */

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
afterEach(() => vi.restoreAllMocks());
const pathOf = (id: string) => join(directory, `${id}.jsonl`);
const final = (text: string): MeetingLine => ({ type: 'final', text });
/** What the file itself says, its first line apart. */
const written = (id: string): unknown[] =>
  readFileSync(pathOf(id), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .slice(1)
    .map((line) => JSON.parse(line));

/** What open files can do, of any of them: the real thing, which is made to fail. */
const files = LineFile.prototype;
/** The same of a directory. */
async function handles(): Promise<FileHandle> {
  const file = await open(directory, 'r');
  await file.close();
  return Object.getPrototypeOf(file);
}
const full = () => Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC', syscall: 'write' });

/** For a moment nothing that is asked of the disk begins: Node has four threads for that, and for hashing. */
const keepThreadsBusy = () => Array.from({ length: 4 }, () => promisify(pbkdf2)('a', 'b', 300_000, 32, 'sha256'));

/** A store with a meeting whose beginning is on disk. */
async function started() {
  const log = silent();
  const store = fileMeetingStore(directory, log);
  store.create(head('m'));
  store.append('m', final('before'));
  await expect.poll(() => written('m')).toEqual([final('before')]);
  return { log, store };
}

describe('a meeting’s file › when it is read while what was written is being closed', () => {
  test('then each line is there once', async () => {
    const { store } = await started();
    const close = files.close;
    let read: Promise<unknown> | undefined;
    vi.spyOn(files, 'close').mockImplementation(function (this: LineFile) {
      read = store.read('m');
      return close.call(this);
    });
    store.append('m', final('a'));
    await vi.waitFor(() => expect(read).toBeDefined());
    expect(await read).toEqual([final('before'), final('a')]);
    vi.restoreAllMocks();
    await store.close();
  });
});

describe('a meeting’s file › when the disk takes long to sync', () => {
  test('then what is said meanwhile is in the file at once, and outlives the daemon', async () => {
    const { store } = await started();
    let go = () => {};
    const synced = new Promise<void>((resolve) => {
      go = resolve;
    });
    const sync = vi.spyOn(files, 'sync').mockReturnValue(synced);
    for (const text of ['a', 'b', 'c']) {
      store.append('m', final(text));
      expect(written('m').at(-1)).toEqual(final(text));
      await new Promise(setImmediate);
    }
    const all = ['before', 'a', 'b', 'c'].map(final);
    expect(await store.read('m')).toEqual(all);
    // What another daemon finds once this one has been killed.
    expect(await fileMeetingStore(directory, silent()).read('m')).toEqual(all);
    go();
    await store.close();
    expect(sync).toHaveBeenCalled();
    expect(written('m')).toEqual(all);
  });
});

describe('a meeting’s file › when it cannot be written', () => {
  test('then that is logged once, counted, and written when it can be; meanwhile all of it is read', async () => {
    const { log, store } = await started();
    // Half of it is written, as on a disk that is full, and cannot be taken back at once.
    const append = files.append;
    vi.spyOn(files, 'append').mockImplementation(function (this: LineFile, text) {
      append.call(this, text.subarray(0, 40));
      throw full();
    });
    vi.spyOn(files, 'cut').mockImplementation(() => {
      throw full();
    });
    const said = ['a', 'b', 'c', 'd'].map(final);
    for (const line of said) store.append('m', line);
    await log.heard('error');
    store.append('m', final('e'));
    const all = [final('before'), ...said, final('e')];
    expect(await store.read('m')).toEqual(all);
    await expect.poll(() => store.writeFailures).toBe(2);
    expect(await store.read('m')).toEqual(all);
    expect(log.of('error')).toHaveLength(1);
    vi.restoreAllMocks();
    await expect.poll(() => written('m').length).toBe(all.length);
    expect(written('m')).toEqual(all);
    expect(await store.read('m')).toEqual(all);
    await store.close();
  });

  test('because it cannot be synced › then nothing is there twice', async () => {
    const { log, store } = await started();
    vi.spyOn(files, 'sync').mockRejectedValueOnce(full());
    store.append('m', final('a'));
    await log.heard('error');
    expect(await store.read('m')).toEqual([final('before'), final('a')]);
    store.append('m', final('b'));
    await store.close();
    expect(written('m')).toEqual(['before', 'a', 'b'].map(final));
  });

  test('and the store is closed › then it is tried once more, and what is lost is logged', async () => {
    const { log, store } = await started();
    renameSync(pathOf('m'), join(directory, 'away'));
    store.append('m', final('a'));
    await log.heard('error');
    renameSync(join(directory, 'away'), pathOf('m'));
    await store.close();
    expect(written('m')).toEqual([final('before'), final('a')]);
    expect(log.of('error')).toHaveLength(1);

    const next = fileMeetingStore(directory, log);
    renameSync(pathOf('m'), join(directory, 'away'));
    for (const text of ['b', 'c']) next.append('m', final(text));
    await next.close();
    expect(log.lines.at(-1)).toBe('error a meeting could not be written, and its end is lost');
  });

  test.each([
    ['EIO', 1],
    ['EINVAL', 0],
  ])('because its directory cannot be synced, %s › then that counts where it could be: %i', async (code, failures) => {
    const sync = vi.spyOn(await handles(), 'sync').mockRejectedValueOnce(Object.assign(full(), { code }));
    const store = fileMeetingStore(directory, silent());
    store.create(head('m'));
    store.append('m', final('a'));
    await expect.poll(() => sync.mock.calls.length).toBe(1);
    await store.close();
    expect(store.writeFailures).toBe(failures);
    expect(sync).toHaveBeenCalledTimes(1 + failures);
    expect(written('m')).toEqual([final('a')]);
  });

  test('at its very beginning › then nothing is left of it, and its id can be used', () => {
    const store = fileMeetingStore(directory, silent());
    // What has no JSON is found out behind the file's making, as a full disk is.
    const unwritable = head('m', { title: { toJSON: () => expect.unreachable() } as never });
    expect(() => store.create(unwritable)).toThrow();
    expect(readdirSync(directory)).toEqual([]);
    store.create(head('m'));
    expect(readdirSync(directory)).toEqual(['m.jsonl']);
  });
});

describe('a meeting’s file › when it is removed', () => {
  test('and another begins under its id › then nothing of the old one gets into it, and nothing of its own is lost', async () => {
    const { store } = await started();
    // All of its writing is over: what comes next is opened anew.
    await store.close();
    const others = keepThreadsBusy();
    // What would be opened behind the end of the old one.
    store.append('m', final('old'));
    store.remove('m');
    store.create(head('m'));
    store.append('m', final('new 1'));
    await Promise.race(others);
    const readings: Promise<MeetingLine[]>[] = [];
    for (let isWritten = false; !isWritten; isWritten = written('m').length > 0) {
      // Begun in each turn: what one says is what there was then.
      readings.push(store.read('m'));
      await new Promise(setImmediate);
    }
    for (const read of await Promise.all(readings)) expect(read).toEqual([final('new 1')]);
    store.append('m', final('new 2'));
    await store.close();
    expect(written('m')).toEqual([final('new 1'), final('new 2')]);
  });

  test('while it cannot be written › then it is not tried any more', async () => {
    const { log, store } = await started();
    renameSync(pathOf('m'), join(directory, 'away'));
    store.append('m', final('a'));
    await log.heard('error');
    store.remove('m');
    await store.close();
    expect(store.writeFailures).toBe(1);
    expect(log.of('error')).toHaveLength(1);
  });
});

describe('a meeting’s file › when there is something of its name that is no file', () => {
  const secret = '{"type":"meeting","id":"link","title":null,"started_at":1,"agent_id":null}\n';
  beforeEach(() => {
    mkdirSync(pathOf('directory'));
    execFileSync('mkfifo', [pathOf('pipe')]);
    writeFileSync(join(directory, 'elsewhere'), secret);
    symlinkSync(join(directory, 'elsewhere'), pathOf('link'));
  });

  test('then the daemon starts, and says so', () => {
    const log = silent();
    expect(fileMeetingStore(directory, log).load()).toEqual([]);
    expect(log.of('warn')).toHaveLength(3);
  });

  test.each(['directory', 'pipe', 'link'])('a %s › then it is neither read, nor written, nor begun', async (id) => {
    const log = silent();
    const store = fileMeetingStore(directory, log);
    expect(() => store.create(head(id))).toThrow(expect.objectContaining({ code: 'EEXIST' }));
    await expect(store.read(id)).rejects.toThrow();
    store.append(id, final('a'));
    await log.heard('error');
    await store.close();
    expect(log.lines.at(-1)).toContain('is lost');
    expect(readFileSync(join(directory, 'elsewhere'), 'utf8')).toBe(secret);
  });
});
