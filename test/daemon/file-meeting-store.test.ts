import { appendFileSync, readdirSync, readFileSync, renameSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeEach, expect, test } from 'vitest';
import type { Logger, MeetingHead } from '../../broker.ts';
import { fileMeetingStore } from '../../daemon/file-meeting-store.ts';
import { temporaryDirectory } from './temporary.ts';

/* Meetings as files (`wire.md` section 11). */

let directory: string;
beforeEach(() => {
  directory = temporaryDirectory();
});
/** A log that keeps its lines, and says when there is one of a level. */
function silent() {
  const lines: string[] = [];
  const note = (level: string) => (_fields: object, message: string) => void lines.push(`${level} ${message}`);
  const log: Logger = { debug: note('debug'), info: note('info'), warn: note('warn'), error: note('error') };
  const heard = (level: string) => expect.poll(() => lines.some((line) => line.startsWith(level))).toBe(true);
  return { ...log, lines, heard };
}
const pathOf = (id: string) => join(directory, `${id}.jsonl`);
const head = (id: string, more: Partial<MeetingHead> = {}): MeetingHead => ({
  ...{ id, title: 'Plans', status: 'running', started_at: 5, ended_at: null, agent_id: null, bytes: 0 },
  ...more,
});

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
    head('m', { agent_id: 'ann', status: 'ended', ended_at: 9, bytes: statSync(pathOf('m')).size }),
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

test('a meeting’s file › when there are others beside it › then they are passed over, and left as they are', () => {
  for (const [name, text] of [
    ['empty.jsonl', ''],
    ['torn.jsonl', '{"type":"meet'],
    ['other.jsonl', '{"type":"meeting","id":"m","title":null,"started_at":1,"agent_id":null}\n'],
    ['notes.txt', 'mine'],
  ] as const) {
    writeFileSync(join(directory, name), text);
  }
  const log = silent();
  expect(fileMeetingStore(directory, log).load()).toEqual([]);
  expect(log.lines.filter((line) => line.startsWith('warn'))).toHaveLength(3);
  expect(readdirSync(directory)).toHaveLength(4);
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

test('a meeting’s file › when it cannot be written › then that is logged once, and written when it can be', async () => {
  const log = silent();
  const store = fileMeetingStore(directory, log);
  store.create(head('m'));
  // Root may write whatever it likes: a file that is gone stops it as well.
  const path = pathOf('m');
  const text = readFileSync(path, 'utf8');
  renameSync(path, `${path}.away`);
  store.append('m', { type: 'final', text: 'a' });
  await log.heard('error');
  store.append('m', { type: 'final', text: 'b' });
  renameSync(`${path}.away`, path);
  expect(readFileSync(path, 'utf8')).toBe(text);
  store.append('m', { type: 'final', text: 'c' });
  await expect.poll(() => store.read('m')).toEqual(['a', 'b', 'c'].map((each) => ({ type: 'final', text: each })));
  expect(log.lines.filter((line) => line.startsWith('error'))).toHaveLength(1);
  await store.close();
});
