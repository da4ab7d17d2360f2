import { execFileSync } from 'node:child_process';
import { appendFileSync, chmodSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { fileRecordStore } from '../../daemon/file-record-store.ts';
import type { StoredTurn } from '../../protocol/record-store.ts';
import { recordingLog } from '../support/kept-log.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

const A = 'turn-01a22d6e-71eb-75c3-8f89-93a667fc506c';
const B = 'turn-01a22d6e-71eb-75c3-8f89-93a667fc506d';

function start() {
  const directory = temporaryDirectory();
  const { log, lines } = recordingLog();
  const open = () => fileRecordStore(directory, log);
  const load = async (): Promise<StoredTurn[]> => {
    const found: StoredTurn[] = [];
    for await (const one of open().load()) found.push(one);
    return found;
  };
  return { directory, said: lines, open, load, fileOf: (id: string) => join(directory, `${id}.rec`) };
}

it('a store of recorded turns › gives back the lines of each, added to and written anew, in files of its owner', async () => {
  const { open, load, fileOf, directory } = start();
  const store = open();
  expect(await store.write(A, ['{"a":"ü\\n"}', '{"b":1}'], true)).toBe(true);
  expect(await store.write(A, ['{"c":1}'], false)).toBe(true);
  await store.write(B, ['{"d":1}'], true);
  await store.write(B, ['{"e":1}'], true);
  expect(await load()).toEqual([
    { turnId: A, lines: ['{"a":"ü\\n"}', '{"b":1}', '{"c":1}'] },
    { turnId: B, lines: ['{"e":1}'] },
  ]);
  expect(modeOf(fileOf(A))).toBe(0o600);
  await store.remove(A);
  await store.remove('turn-that-never-was');
  expect(readdirSync(directory)).toEqual([`${B}.rec`]);
});

it('a store of recorded turns › leaves out what is damaged or torn, says so once, and goes on behind it', async () => {
  const { open, load, fileOf, said, directory } = start();
  await open().write(A, ['{"a":1}', '{"b":1}', '{"c":1}'], true);
  const bytes = readFileSync(fileOf(A));
  bytes[bytes.indexOf('"b"') + 1] = 0x78;
  writeFileSync(fileOf(A), bytes);
  appendFileSync(fileOf(A), '12345678 {"half');
  writeFileSync(join(directory, `${B}.rec`), Buffer.alloc(64, 0xff));
  writeFileSync(join(directory, `${B}.rec.new`), 'unfinished');
  writeFileSync(join(directory, 'notes.txt'), 'not ours');
  const found: StoredTurn[] = [];
  const store = open();
  for await (const one of store.load()) found.push(one);
  expect(found).toEqual([
    { turnId: A, lines: ['{"a":1}', '{"c":1}'] },
    { turnId: B, lines: [] },
  ]);
  expect(said.filter(({ text }) => text.includes('damaged'))).toHaveLength(1);
  expect(readdirSync(directory)).toContain('notes.txt');
  expect(readdirSync(directory)).not.toContain(`${B}.rec.new`);
  await store.write(A, ['{"d":1}'], false);
  expect((await load())[0]?.lines).toEqual(['{"a":1}', '{"c":1}', '{"d":1}']);
});

it('a store of recorded turns › cannot write › then it says so once, throws nothing, and is right again when it can', async () => {
  const { open, directory, said, fileOf } = start();
  const store = open();
  // What a full disk does to a file that is not there yet, and works for root, too: a directory is in its place.
  mkdirSync(fileOf(A));
  expect(await store.write(A, ['{"a":1}'], false)).toBe(false);
  expect(await store.write(A, ['{"a":1}'], false)).toBe(false);
  expect(store.state).toBe('degraded');
  expect(said).toHaveLength(1);
  expect(await store.write(B, ['{"a":1}'], true)).toBe(true);
  expect(store.state).toBe('ok');
  expect(await store.write('../../etc/passwd', ['{}'], true)).toBe(false);
  chmodSync(directory, 0o700);
});

it('a store of recorded turns › leaves what is no plain file alone, and neither waits for it nor reads without end', async () => {
  const { open, load, fileOf, directory, said } = start();
  await open().write(B, ['{"a":1}'], true);
  const [link, pipe, folder] = ['a', 'b', 'c'].map((end) => `${A.slice(0, -1)}${end}`) as [string, string, string];
  symlinkSync('/dev/zero', fileOf(link));
  execFileSync('mkfifo', [fileOf(pipe)]);
  mkdirSync(fileOf(folder));
  expect(await load()).toEqual([{ turnId: B, lines: ['{"a":1}'] }]);
  expect(readdirSync(directory)).toHaveLength(4);
  expect(said.filter(({ text }) => text.includes('damaged'))).toHaveLength(1);
});

it('a store of recorded turns › cannot put a whole one in its place › then nothing stays beside it, and it is as it was', async () => {
  const { open, load, fileOf, directory } = start();
  mkdirSync(fileOf(A));
  expect(await open().write(A, ['{"a":1}'], true)).toBe(false);
  expect(readdirSync(directory)).toEqual([`${A}.rec`]);
  expect(await load()).toEqual([]);
});
