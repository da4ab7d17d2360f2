import { cpSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { expect, test } from 'vitest';
import { journalFactStore } from '../../memory/journal-fact-store.ts';
import { openMemory } from '../../memory/open-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/* Facts on a disk that has lost or changed something of them. */

const ANN: MemoryScope = { kind: 'agent', id: 'ann' };

/** A directory with facts in it, each of which was there before the next was added. */
async function filled(number = 30): Promise<string> {
  const directory = temporaryDirectory();
  const memory = openMemory(directory);
  for (let n = 0; n < number; n += 1)
    await memory.addFact(ANN, { subject: 's', body: `${n} ${'x'.repeat(n % 10 === 0 ? 9_000 : 90)}`, kind: 'fact' });
  await memory.close();
  return directory;
}

const data = (directory: string) => join(directory, '000001.seg');

/** How many facts are there when it is opened again. */
async function countIn(directory: string): Promise<number> {
  const memory = openMemory(directory);
  const count = await memory.factCount(ANN);
  await memory.close();
  return count;
}

test.each<[string, string | Buffer]>([
  ['garbage', Buffer.alloc(35_000, 7)],
  ['nothing but zeros', Buffer.alloc(20_000)],
  ['a hundred bytes', 'x'.repeat(100)],
])('a memory › when its file is %s › then it is refused, by name, and left as it is', (_name, content) => {
  const directory = temporaryDirectory();
  writeFileSync(data(directory), content);
  expect(() => openMemory(directory)).toThrow(`${data(directory)} is damaged (at byte 0); put a copy`);
  expect(statSync(data(directory)).size).toBe(content.length);
});

test('a memory › when its file ends anywhere in its last write › then that is cut off, and all else is there', async () => {
  const directory = await filled(3);
  const whole = readFileSync(data(directory));
  const memory = openMemory(directory);
  await memory.addFact(ANN, { subject: 's', body: 'last', kind: 'fact' });
  await memory.close();
  const { size } = statSync(data(directory));
  for (let end = whole.length; end < size; end += 1) {
    truncateSync(data(directory), end);
    expect(await countIn(directory)).toBe(3);
    expect(readFileSync(data(directory)).equals(whole)).toBe(true);
    const longer = openMemory(directory);
    await longer.addFact(ANN, { subject: 's', body: 'last', kind: 'fact' });
    await longer.close();
    expect(await countIn(directory)).toBe(4);
  }
});

test('a memory › when a bit of what was on disk is another › then it is refused, by name, wherever that is', async () => {
  const directory = await filled(5);
  const whole = readFileSync(data(directory));
  // The last write cannot be told from one that a crash has cut.
  const before = openMemory(directory);
  await before.addFact(ANN, { subject: 's', body: 'x'.repeat(20), kind: 'fact' });
  await before.close();
  const longer = readFileSync(data(directory));
  for (let at = 0; at < whole.length; at += 37) {
    const changed = Buffer.from(longer);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(data(directory), changed);
    expect(() => openMemory(directory), `byte ${at}`).toThrow(`${data(directory)} is damaged (at byte `);
    expect(readFileSync(data(directory)).equals(changed)).toBe(true);
  }
});

test.each([0, 1, 15, 16])(
  'a memory › when a crash left %i bytes of a new file › then it begins there',
  async (length) => {
    const directory = await filled(0);
    truncateSync(data(directory), length);
    expect(await countIn(directory)).toBe(0);
    const memory = openMemory(directory);
    expect(await memory.addFact(ANN, { subject: 's', body: 'b', kind: 'fact' })).toBe(1);
    await memory.close();
    expect(await countIn(directory)).toBe(1);
  },
);

test('a memory › when a file that is followed by another is shorter than it was › then it is refused, by name', async () => {
  const directory = temporaryDirectory();
  const store = journalFactStore(directory, { segmentBytes: 4_096 });
  for (let n = 0; n < 20; n += 1)
    await store.put('ann', { id: uuid(), subject: 's', body: 'x'.repeat(600), kind: 'fact', created_at: n });
  await store.close();
  const { size } = statSync(data(directory));
  for (const end of [0, 15, 100, size - 1]) {
    truncateSync(data(directory), end);
    expect(() => openMemory(directory), `${end}`).toThrow(`${data(directory)} is damaged (at byte `);
    expect(statSync(data(directory)).size).toBe(end);
  }
});

test('a memory › when its file is a directory › then it is refused', () => {
  const directory = temporaryDirectory();
  mkdirSync(data(directory));
  expect(() => openMemory(directory)).toThrow(data(directory));
});

test('a memory › when one of its files is missing › then it is refused, by the name of that', async () => {
  const directory = await filled();
  cpSync(data(directory), join(directory, '000002.seg'));
  cpSync(data(directory), join(directory, '000003.seg'));
  rmSync(join(directory, '000002.seg'));
  expect(() => openMemory(directory)).toThrow(`${join(directory, '000002.seg')} is missing`);
});

test('a memory › when it has facts as an earlier version kept them › then it is refused, and they are left as they are', () => {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, 'data.mdb'), 'x');
  expect(() => openMemory(directory)).toThrow(
    `${join(directory, 'data.mdb')} has facts as an earlier version kept them`,
  );
  expect(readdirSync(directory)).toEqual(['data.mdb']);
});

test('a memory › when its files are a whole copy, or none › then it is opened', async () => {
  const [directory, copy] = [await filled(), temporaryDirectory()];
  cpSync(directory, copy, { recursive: true });
  for (const [place, count] of [
    [copy, 30],
    [temporaryDirectory(), 0],
  ] as const) {
    const memory = openMemory(place, DEFAULT_LIMITS);
    expect(await memory.factCount(ANN)).toBe(count);
    await memory.close();
  }
});
