import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import { fileMeetingStore } from '../../daemon/file-meeting-store.ts';
import { readLines } from '../../daemon/line-reader.ts';
import { head, silent } from './meeting-files.ts';
import { temporaryDirectory } from './temporary.ts';

/* Meetings as files (`wire.md` section 11). */

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
/** Of a file's lines, but the first and the last. */
const bytesBetween = (path: string) =>
  Buffer.byteLength(readFileSync(path, 'utf8').split('\n').slice(1, -2).join('\n')) + 1;
const pathOf = (id: string) => join(directory, `${id}.jsonl`);

test('a meeting’s file › when lines are added › then they are read in order, at once and by the next daemon', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m', { agent_id: 'ann' }));
  const said = Array.from({ length: 300 }, (_, n) => ({ type: 'final' as const, text: `text ${n}`, start_ms: n }));
  for (const line of said) store.append('m', line);
  expect(await store.read('m')).toEqual(said);
  store.append('m', { type: 'summary', text: 'short' });
  store.append('m', { type: 'ended', ended_at: 9 });
  await store.close();
  const next = fileMeetingStore(directory, silent());
  expect(next.load()).toEqual([
    head('m', { agent_id: 'ann', status: 'ended', ended_at: 9, bytes: bytesBetween(pathOf('m')) }),
  ]);
  expect((await next.read('m')).slice(-2)).toEqual([
    { type: 'summary', text: 'short' },
    { type: 'ended', ended_at: 9 },
  ]);
  expect(statSync(pathOf('m')).mode & 0o777).toBe(0o600);
  expect(readFileSync(pathOf('m'), 'utf8')).not.toContain('\n\n');
});

test('a meeting’s file › when it ends in half a line › then the rest is read, and what is added is not spoilt', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  store.append('m', { type: 'final', text: 'whole' });
  await store.close();
  appendFileSync(pathOf('m'), '{"type":"final","te');
  const next = fileMeetingStore(directory, silent());
  expect(next.load()).toMatchObject([{ id: 'm', status: 'interrupted', ended_at: expect.any(Number) }]);
  expect(await next.read('m')).toEqual([{ type: 'final', text: 'whole' }]);
  next.append('m', { type: 'summary', text: 'late' });
  expect(await next.read('m')).toEqual([
    { type: 'final', text: 'whole' },
    { type: 'summary', text: 'late' },
  ]);
  await next.close();
});

test.runIf(existsSync('/proc/self/fd'))(
  'a meeting’s file › when it has been read, or could not be › then nothing holds it open',
  async () => {
    const store = fileMeetingStore(directory, silent());
    store.create(head('m'));
    await store.close();
    mkdirSync(pathOf('folder'));
    const held = () =>
      readdirSync('/proc/self/fd').filter((fd) => {
        try {
          return readlinkSync(`/proc/self/fd/${fd}`).startsWith(directory);
        } catch {
          // The one that the listing itself was read by.
          return false;
        }
      });
    await readLines(pathOf('m'), 1_000);
    await expect(readLines(pathOf('folder'), 1_000)).rejects.toThrow('is no file');
    expect(held()).toEqual([]);
  },
);

test('a meeting’s file › when there are others beside it › then they are passed over, and left as they are', () => {
  for (const [name, text] of [
    ['empty.jsonl', ''],
    ['torn.jsonl', '{"type":"meet'],
    ['other.jsonl', '{"type":"meeting","id":"m","title":null,"started_at":1,"agent_id":null}\n'],
    ['never.jsonl', '{"type":"meeting","id":"never","title":null,"started_at":1e20,"agent_id":null}\n'],
    ['notes.txt', 'mine'],
  ] as const) {
    writeFileSync(join(directory, name), text);
  }
  const log = silent();
  expect(fileMeetingStore(directory, log).load()).toEqual([]);
  expect(log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(4);
  expect(readdirSync(directory)).toHaveLength(5);
});

test('a meeting’s file › when its id is taken › then it is not written over', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  store.append('m', { type: 'final', text: 'first' });
  expect(() => store.create(head('m'))).toThrow(/EEXIST/);
  expect(await store.read('m')).toEqual([{ type: 'final', text: 'first' }]);
});

test('a meeting’s file › when it is removed while it is written › then it does not come back', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  store.append('m', { type: 'final', text: 'a' });
  store.append('m', { type: 'final', text: 'b' });
  store.remove('m');
  await store.close();
  expect(readdirSync(directory)).toEqual([]);
});

test('a meeting’s file › when nothing was said › then it takes nothing', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  store.append('m', { type: 'ended', ended_at: 9 });
  await store.close();
  expect(fileMeetingStore(directory, silent()).load()).toMatchObject([{ status: 'ended', bytes: 0 }]);
});

test('a meeting’s file › when it has a title and nothing was said before a crash › then it is kept; without one it goes', () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('titled'));
  store.create(head('none', { title: null }));
  // What a killed one leaves: nobody has closed anything.
  const next = fileMeetingStore(directory, silent());
  expect(next.load()).toMatchObject([{ id: 'titled', title: 'Plans', status: 'interrupted', bytes: 0 }]);
  expect(readdirSync(directory)).toEqual(['titled.jsonl']);
});

test('a meeting’s file › when an interrupted one gets a summary › then it stays interrupted, and ended when it did', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  store.append('m', { type: 'final', text: 'whole' });
  await store.close();
  const next = fileMeetingStore(directory, silent());
  next.load();
  next.append('m', { type: 'summary', text: 'short' });
  next.append('m', { type: 'ended', ended_at: 7, status: 'interrupted' });
  await next.close();
  expect(fileMeetingStore(directory, silent()).load()).toMatchObject([{ status: 'interrupted', ended_at: 7 }]);
});

test('a meeting’s file › when it is long › then every line is read, whole', async () => {
  const store = fileMeetingStore(directory, silent());
  store.create(head('m'));
  // Longer together than what is read at a time, and one of them by itself.
  const said = Array.from({ length: 3_000 }, (_, n) => ({
    type: 'final' as const,
    text: `${n} ${'ä'.repeat(n % 97)}`,
  }));
  said.splice(1_000, 0, { type: 'final', text: 'ö'.repeat(200_000) });
  for (const line of said) store.append('m', line);
  await store.close();
  const read = await fileMeetingStore(directory, silent()).read('m');
  expect(read).toHaveLength(said.length);
  expect(read).toEqual(said);
});

test('a meeting’s file › when it is somebody’s › then the next daemon knows whose, and one from before says nothing of that', async () => {
  const store = fileMeetingStore(directory, silent());
  const owner = { tenant: 'acme', sub: 'al"ice' };
  store.create(head('m.abcdefghijklm', { name: 'm', owner, title: 'Plans' }));
  store.append('m.abcdefghijklm', { type: 'ended', ended_at: 9 });
  await store.close();
  const before = { type: 'meeting', id: 'old', title: 'Old', started_at: 1, agent_id: 'ann' };
  writeFileSync(pathOf('old'), `${JSON.stringify(before)}\n{"type":"ended","ended_at":2}\n`);
  const strange = { ...before, id: 'strange', owner: { tenant: 'a/b', sub: 'x' } };
  writeFileSync(pathOf('strange'), `${JSON.stringify(strange)}\n`);
  const kept = fileMeetingStore(directory, silent()).load();
  const rows = kept.map(({ id, name, owner: whose, agent_id }) => [id, name, whose, agent_id]);
  expect(rows.sort()).toEqual([
    ['m.abcdefghijklm', 'm', owner, null],
    ['old', undefined, undefined, 'ann'],
  ]);
  expect(existsSync(pathOf('strange'))).toBe(true);
});
