import { cpSync } from 'node:fs';
import { expect, test } from 'vitest';
import { journalFactStore } from '../../memory/journal-fact-store.ts';
import { openMemory } from '../../memory/open-memory.ts';
import { RankedMemory } from '../../memory/ranked-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { settle } from '../support/linked.ts';

/* An owner that is forgotten, and the next one of the same id. */

const ANN: MemoryScope = { kind: 'agent', id: 'ann' };
const BOB: MemoryScope = { kind: 'agent', id: 'bob' };
const fact = (body: string) => ({ subject: 's', body, kind: 'fact' });

async function addMany(memory: RankedMemory, scope: MemoryScope, number: number): Promise<void> {
  await Promise.all(Array.from({ length: number }, (_, n) => memory.addFact(scope, fact(`secret ${n}`))));
}

/** The files as a crash would leave them now. */
function copyOf(directory: string): string {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  return copy;
}

test('forgetting › when it was asked for › then nothing is there from that moment, whatever is still to be removed', async () => {
  const directory = temporaryDirectory();
  const memory = openMemory(directory);
  await addMany(memory, ANN, 3_000);
  const forgetting = memory.forget(ANN);
  const crashed = copyOf(directory);
  expect(await memory.factCount(ANN)).toBe(0);
  expect(await memory.query(ANN, 'secret', 1)).toEqual([]);
  expect(await memory.addFact(ANN, fact('new'))).toBe(1);
  await forgetting;
  expect(await memory.query(ANN, 'new secret', 10)).toMatchObject([{ body: 'new' }]);
  await memory.close();

  for (const [place, count] of [
    [crashed, 0],
    [directory, 1],
  ] as const) {
    const again = openMemory(place);
    expect(await again.factCount(ANN)).toBe(count);
    await again.close();
  }
});

test('forgetting › when a crash came between › then the room is free after the next start, and no other’s facts are touched', async () => {
  const directory = temporaryDirectory();
  const first = openMemory(directory);
  await addMany(first, ANN, 2_500);
  await addMany(first, BOB, 10);
  const full = sizeOf(directory);
  const forgetting = first.forget(ANN);
  const crashed = copyOf(directory);
  await forgetting;
  await first.close();
  const store = journalFactStore(crashed);
  while (store.bytes() > full / 4) await settle();
  await store.close();
  const second = openMemory(crashed);
  expect(await second.factCount(BOB)).toBe(10);
  expect(await second.addFact(ANN, fact('new'))).toBe(1);
  await second.close();
  const third = openMemory(crashed);
  expect(await third.query(ANN, 'new secret', 10)).toMatchObject([{ body: 'new' }]);
  await third.close();
});

function sizeOf(directory: string): number {
  const copy = journalFactStore(copyOf(directory));
  const size = copy.bytes();
  void copy.close();
  return size;
}

test('forgetting › when an id is forgotten again and again, with a restart between › then each finds its own facts alone', async () => {
  const directory = temporaryDirectory();
  for (const body of ['one', 'two', 'three']) {
    const memory = openMemory(directory);
    expect(await memory.factCount(ANN)).toBe(0);
    expect(await memory.addFact(ANN, fact(body))).toBe(1);
    await memory.close();
    const later = openMemory(directory);
    expect(await later.query(ANN, 'one two three', 10)).toMatchObject([{ body }]);
    await later.forget(ANN);
    await later.close();
  }
});

/** Lets work that is under way go so many steps on. */
async function steps(number: number): Promise<void> {
  for (let n = 0; n < number; n += 1) await Promise.resolve();
}

test.each([0, 1])(
  'forgetting › when facts are on their way, behind %i that is there › then none of them stays',
  async (there) => {
    for (let step = 0; step < 6; step += 1) {
      const directory = temporaryDirectory();
      const memory = openMemory(directory);
      await addMany(memory, ANN, there);
      await memory.factCount(ANN);
      const adding = Array.from({ length: 50 }, (_, n) => memory.addFact(ANN, fact(`late ${n}`)));
      await steps(step);
      const forgetting = memory.forget(ANN);
      await Promise.allSettled(adding);
      expect(await memory.factCount(ANN)).toBe(0);
      await forgetting;
      await memory.close();
      const store = journalFactStore(directory);
      expect(store.bytes()).toBeLessThan(16 * 1024);
      await store.close();
      const again = openMemory(directory);
      expect(await again.factCount(ANN)).toBe(0);
      await again.close();
    }
  },
);

test('forgetting › when a connection ends while its facts are added › then nothing of them stays in the heap', async () => {
  for (let step = 0; step < 6; step += 1) {
    const memory = new RankedMemory(DEFAULT_LIMITS);
    const window: MemoryScope = { kind: 'connection', id: 'window' };
    const adding = [memory.addFact(window, fact('one')), memory.addFact(window, fact('two'))];
    await steps(step);
    await memory.forget(window);
    await Promise.allSettled(adding);
    expect(memory.heapBytes).toBe(0);
    expect(await memory.factCount(window)).toBe(0);
  }
});
