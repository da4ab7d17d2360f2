import { cpSync, mkdirSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { expect, test } from 'vitest';
import { openMemory } from '../../memory/open-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/* A damaged database ends the process that opens it, or reads in it: these tests, too, if it is not looked at before. */

const ANN: MemoryScope = { kind: 'agent', id: 'ann' };

/** A directory with facts in it, some larger than a page. */
async function filled(): Promise<string> {
  const directory = temporaryDirectory();
  const memory = openMemory(directory);
  for (let n = 0; n < 300; n += 1)
    void memory.addFact(ANN, { subject: 's', body: 'x'.repeat(n % 10 === 0 ? 9_000 : 90), kind: 'fact' });
  await memory.factCount(ANN);
  await memory.close();
  return directory;
}

const data = (directory: string) => join(directory, 'data.mdb');

test.each<[string, string | Buffer]>([
  ['garbage', Buffer.alloc(35_000, 7)],
  ['nothing but zeros', Buffer.alloc(20_000)],
  ['a hundred bytes', 'x'.repeat(100)],
])('a memory › when its file is %s › then it is refused, by name, and left as it is', (_name, content) => {
  const directory = temporaryDirectory();
  writeFileSync(data(directory), content);
  expect(() => openMemory(directory)).toThrow(`${data(directory)} is damaged (it is no LMDB database); put a copy`);
  expect(statSync(data(directory)).size).toBe(content.length);
});

test.each([5_000, 8_192, 12_288, 100_000, 300_000])(
  'a memory › when its file ends at byte %i › then it is refused, by name',
  async (end) => {
    const directory = await filled();
    truncateSync(data(directory), end);
    expect(() => openMemory(directory)).toThrow(`${data(directory)} is damaged (it is shorter than it was)`);
  },
);

test.each(['data.mdb', 'lock.mdb'])('a memory › when %s is a directory › then it is refused', (name) => {
  const directory = temporaryDirectory();
  mkdirSync(join(directory, name));
  expect(() => openMemory(directory)).toThrow(`${join(directory, name)} is no file; move it away`);
});

test('a memory › when its file is shorter than its pages, but the last ones are free › then all of it is there', async () => {
  const directory = await filled();
  const db = open<string, string>({ path: directory, noSubdir: false, cache: false, overlappingSync: false });
  const isShort = () => {
    const { lastPageNumber, pageSize } = db.getStats() as { lastPageNumber: number; pageSize: number };
    return statSync(data(directory)).size < lastPageNumber * pageSize;
  };
  // Pages that are freed in the transaction that takes them are not written, but for a few that are used again.
  for (let count = 20; !isShort() && count < 1_000; count *= 2) {
    db.transactionSync(() => {
      for (let n = 0; n < count; n += 1) db.put(`${n}`, 'x'.repeat(20_000));
      for (let n = 0; n < count; n += 1) db.remove(`${n}`);
    });
  }
  expect(isShort()).toBe(true);
  await db.close();
  const memory = openMemory(directory);
  expect(await memory.factCount(ANN)).toBe(300);
  await memory.close();
});

test('a memory › when its file is a whole copy, or empty › then it is opened', async () => {
  const [directory, copy, empty] = [await filled(), temporaryDirectory(), temporaryDirectory()];
  cpSync(data(directory), data(copy));
  writeFileSync(data(empty), '');
  for (const [place, count] of [
    [copy, 300],
    [empty, 0],
  ] as const) {
    const memory = openMemory(place, DEFAULT_LIMITS);
    expect(await memory.factCount(ANN)).toBe(count);
    await memory.close();
  }
});
