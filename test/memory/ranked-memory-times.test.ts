import { expect, test } from 'vitest';
import { type FactStore, volatileFactStore } from '../../memory/fact-store.ts';
import { openMemory } from '../../memory/open-memory.ts';
import { RankedMemory } from '../../memory/ranked-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { settle } from '../support/linked.ts';

/* What the default memory does at a time, and in which order. */

const ANN: MemoryScope = { kind: 'agent', id: 'ann' };
const BOB: MemoryScope = { kind: 'agent', id: 'bob' };
const fact = (subject: string, body: string) => ({ subject, body, kind: 'fact' });
const large = (word: string) => `${word} `.repeat(16_000 / (word.length + 1));

/** A store that counts what is read, and whose deletions and drops wait until they are let go on. */
function watchedStore() {
  const store: FactStore = volatileFactStore();
  const seen = { bytes: 0, counts: 0 };
  const waiting: (() => void)[] = [];
  const wait = () => new Promise<void>((resolve) => waiting.push(resolve));
  const watched: FactStore = {
    ...store,
    get(scope, id) {
      const found = store.get(scope, id);
      seen.bytes += found?.body.length ?? 0;
      return found;
    },
    count(scope) {
      seen.counts += 1;
      return store.count(scope);
    },
    async delete(scope, id) {
      await wait();
      await store.delete(scope, id);
    },
    async drop(scope) {
      await store.drop(scope);
      await wait();
    },
  };
  return { store: watched, seen, goOn: () => waiting.splice(0).map((run) => run()) };
}

test('a query › when its word is in thousands of facts, large ones among them › then it reads a bounded part of them', async () => {
  const { store, seen } = watchedStore();
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  for (let n = 0; n < 4_100; n += 1) await memory.addFact(ANN, fact('s', 'a'));
  for (let n = 0; n < 50; n += 1) await memory.addFact(ANN, fact('s', `a ${large('word')}`));
  seen.bytes = 0;
  expect(await memory.query(ANN, 'a', 1)).toHaveLength(1);
  expect(seen.bytes).toBeLessThanOrEqual(160 * 1024);
});

test('a query › when it has very many words › then the 32 rarest count', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  for (let n = 0; n < 60; n += 1)
    await memory.addFact(ANN, fact('s', `w${n} ${n < 40 ? 'common' : 'other'} w${n + 1}`));
  const query = ['common', ...Array.from({ length: 60 }, (_, n) => `w${n}`)].join(' ');
  const found = await memory.query(ANN, query, 100);
  expect(found.length).toBeLessThanOrEqual(33);
  expect(found.map(({ body }) => body)).toContain('w0 common w1');
});

test('a query › when a word is very long › then its first 64 characters count', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  await memory.addFact(ANN, fact('s', 'y'.repeat(10_000)));
  expect(await memory.query(ANN, 'y'.repeat(70), 1)).toHaveLength(1);
  expect(await memory.query(ANN, 'y'.repeat(63), 1)).toEqual([]);
});

test('a memory › when large facts are read › then others are served in between', async () => {
  const store = volatileFactStore();
  const before = new RankedMemory(DEFAULT_LIMITS, store);
  for (let n = 0; n < 40; n += 1) await before.addFact(ANN, fact('s', large(`w${n}`)));
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  let isDone = false;
  const asked = memory.query(ANN, 'w7', 1).then((found) => {
    isDone = true;
    return found;
  });
  let turns = 0;
  for (; !isDone; turns += 1) await settle();
  expect(await asked).toHaveLength(1);
  expect(turns).toBeGreaterThanOrEqual(8);
});

test('a memory › when its facts are counted › then they are not counted one by one', async () => {
  const { store, seen } = watchedStore();
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  for (let n = 0; n < 10; n += 1) await memory.addFact(ANN, fact('s', 'a'));
  for (let n = 0; n < 10; n += 1) expect(await memory.factCount(ANN)).toBe(10);
  expect(seen.counts).toBe(0);
});

test('a memory › when it is closed while it reads › then whoever waits is told -32021, and whoever comes later', async () => {
  const directory = temporaryDirectory();
  const first = openMemory(directory);
  for (let n = 0; n < 1_000; n += 1) void first.addFact(ANN, fact('s', `fact ${n}`));
  await first.addFact(ANN, fact('s', 'last'));
  await first.close();
  const second = openMemory(directory);
  const asked = second.query(ANN, 'last', 1).catch((error) => error);
  await settle();
  await second.close();
  expect(await asked).toMatchObject({ code: -32021 });
  for (const late of [second.query(ANN, 'last', 1), second.addFact(ANN, fact('s', 'b')), second.factCount(ANN)]) {
    await expect(late).rejects.toMatchObject({ code: -32021 });
  }
});

test('a memory › when it is closed while facts are written › then those are there afterwards', async () => {
  const directory = temporaryDirectory();
  const first = openMemory(directory);
  await first.factCount(ANN);
  const adding = first.addFact(ANN, fact('s', 'last'));
  await first.close();
  expect(await adding).toBe(1);
  const second = openMemory(directory);
  expect(await second.factCount(ANN)).toBe(1);
  await second.close();
});

test('a memory › when an index is made anew while a fact is deleted › then that fact is not in it', async () => {
  const { store, goOn } = watchedStore();
  const memory = new RankedMemory({ ...DEFAULT_LIMITS, maxAllIndexBytes: 64 * 1024 }, store);
  await memory.addFact(ANN, fact('same', 'same same one'));
  await memory.addFact(ANN, fact('other', 'same and two'));
  const [best] = await memory.query(ANN, 'same', 1);
  const deleting = memory.delete(ANN, best?.id ?? '');
  // Another's facts need the room: its index is dropped, and made anew from what is still in the store.
  await memory.addFact(BOB, fact('s', Array.from({ length: 135 }, (_, n) => `b${n}`).join(' ')));
  expect(await memory.query(ANN, 'one', 1)).toHaveLength(1);
  goOn();
  expect(await deleting).toBe(true);
  expect(await memory.query(ANN, 'same', 1)).toMatchObject([{ body: 'same and two' }]);
  expect(await memory.factCount(ANN)).toBe(1);
});

test('a memory › when a fact is deleted twice at once › then once', async () => {
  const { store, goOn } = watchedStore();
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  await memory.addFact(ANN, fact('s', 'a'));
  const [kept] = await memory.query(ANN, 'a', 1);
  const deleting = [memory.delete(ANN, kept?.id ?? ''), memory.delete(ANN, kept?.id ?? '')];
  goOn();
  expect(await Promise.all(deleting)).toEqual([true, false]);
});

test('a memory › when a scope is used while it is forgotten › then it is empty from then on', async () => {
  const { store, goOn } = watchedStore();
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  await memory.addFact(ANN, fact('s', 'old secret'));
  const forgetting = memory.forget(ANN);
  // Nobody waits for the room to be free.
  expect(await memory.query(ANN, 'secret', 10)).toEqual([]);
  expect(await memory.addFact(ANN, fact('s', 'new'))).toBe(1);
  goOn();
  await forgetting;
  expect(await memory.query(ANN, 'new', 10)).toMatchObject([{ body: 'new' }]);
  expect(await memory.query(ANN, 'secret', 10)).toEqual([]);
});
