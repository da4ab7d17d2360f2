import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type FactStore, volatileFactStore } from '../../memory/fact-store.ts';
import { openMemory } from '../../memory/open-memory.ts';
import { RankedMemory } from '../../memory/ranked-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/* The default memory (`wire.md` section 11). */

const ANN: MemoryScope = { kind: 'agent', id: 'ann' };
const BOB: MemoryScope = { kind: 'agent', id: 'bob' };
const WINDOW: MemoryScope = { kind: 'connection', id: 'ann' };
const fact = (subject: string, body: string) => ({ subject, body, kind: 'fact' });
const bodies = async (memory: RankedMemory, scope: MemoryScope, query: string, k = 10) =>
  (await memory.query(scope, query, k)).map(({ body }) => body);

test('a memory › when it is asked › then the facts that fit best come first, k at most', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  await memory.addFact(ANN, fact('garden', 'the roses are red'));
  await memory.addFact(ANN, fact('kitchen', 'the oven is new'));
  expect(await memory.addFact(ANN, fact('roses', 'they like sun'))).toBe(3);
  expect(await bodies(memory, ANN, 'Roses!')).toEqual(['they like sun', 'the roses are red']);
  expect(await bodies(memory, ANN, 'roses', 1)).toEqual(['they like sun']);
  expect(await bodies(memory, ANN, 'nothing of that')).toEqual([]);
  expect(await bodies(memory, ANN, '?!')).toEqual([]);
});

test('a memory › when there are several scopes › then none sees another’s, nor deletes it', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  await memory.addFact(ANN, fact('a', 'secret'));
  const [kept] = await memory.query(ANN, 'secret', 1);
  for (const scope of [BOB, WINDOW]) {
    expect(await memory.query(scope, 'secret', 10)).toEqual([]);
    expect(await memory.delete(scope, kept?.id ?? '')).toBe(false);
    expect(await memory.factCount(scope)).toBe(0);
  }
  expect(await memory.delete(ANN, kept?.id ?? '')).toBe(true);
  expect(await memory.delete(ANN, kept?.id ?? '')).toBe(false);
  expect(await bodies(memory, ANN, 'secret')).toEqual([]);
});

test('a memory › when a word is in thousands of facts › then rarer words decide, and alone it finds newer ones', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  for (let n = 0; n < 4_100; n += 1) await memory.addFact(ANN, fact('common', `fact ${n}`));
  expect(await bodies(memory, ANN, 'common 17')).toEqual(['fact 17']);
  const found = await bodies(memory, ANN, 'common', 5);
  expect(found).toHaveLength(5);
  for (const body of found) expect(Number(body.split(' ')[1])).toBeGreaterThanOrEqual(3_600);
});

test('a memory › when facts come and go › then the words of those that went weigh nothing any more', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  for (let n = 0; n < 4_100; n += 1) {
    await memory.addFact(WINDOW, fact('common', `fact ${n}`));
    const [kept] = await memory.query(WINDOW, `${n}`, 1);
    await memory.delete(WINDOW, kept?.id ?? '');
  }
  await memory.addFact(WINDOW, fact('common', 'the oldest'));
  for (let n = 0; n < 600; n += 1) await memory.addFact(WINDOW, fact('other', `fact ${n}`));
  expect(await bodies(memory, WINDOW, 'common')).toEqual(['the oldest']);
});

test.each([
  ['maxFacts', { maxFacts: 2 }, 'max_facts'],
  ['maxFactBytes', { maxFactBytes: 3 }, 'max_fact_bytes'],
  ['maxMemoryBytes', { maxMemoryBytes: 11 }, 'max_memory_bytes'],
])('a memory › when %s is reached › then -32020 says so, however many come at once', async (_name, limits, name) => {
  const memory = new RankedMemory({ ...DEFAULT_LIMITS, ...limits });
  const adding = ['some', 'more', 'text'].map((body) => memory.addFact(ANN, fact('s', body)));
  const settled = await Promise.allSettled(adding);
  const refused = settled.filter(({ status }) => status === 'rejected');
  expect(refused.length).toBeGreaterThanOrEqual(1);
  expect(refused[0]).toMatchObject({ reason: { code: -32020, data: { limit: { name } } } });
  expect(await memory.factCount(ANN)).toBe(3 - refused.length);
});

test('a memory › when a fact cannot be written › then it is not there, and the next one can be', async () => {
  let isFull = true;
  const store: FactStore = volatileFactStore();
  const put = store.put;
  store.put = async (...args) => {
    if (isFull) throw new Error('disk full');
    await put(...args);
  };
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  await expect(memory.addFact(ANN, fact('a', 'lost'))).rejects.toThrow('disk full');
  isFull = false;
  expect(await memory.addFact(ANN, fact('a', 'kept'))).toBe(1);
  expect(await bodies(memory, ANN, 'lost kept')).toEqual(['kept']);
});

test('a memory › when it is opened again › then agents’ facts are there, in order, and nobody else’s', async () => {
  const directory = temporaryDirectory();
  const first = openMemory(directory);
  for (let n = 0; n < 450; n += 1) void first.addFact(ANN, fact('a', `fact number${n}`));
  await first.addFact(ANN, { ...fact('meeting', 'hello'), speaker: 'Zoe', start_ms: 0, end_ms: 5 });
  await first.addFact(WINDOW, fact('a', 'gone'));
  await first.close();
  const second = openMemory(directory);
  expect(await second.factCount(ANN)).toBe(451);
  expect(await second.factCount(WINDOW)).toBe(0);
  expect(await bodies(second, ANN, 'number449')).toEqual(['fact number449']);
  expect(await second.query(ANN, 'zoe', 1)).toMatchObject([{ body: 'hello', speaker: 'Zoe', start_ms: 0, end_ms: 5 }]);
  expect(statSync(join(directory, '000001.seg')).mode & 0o777).toBe(0o600);
  await second.forget(ANN);
  expect(await second.factCount(ANN)).toBe(0);
  expect(await bodies(second, ANN, 'number449')).toEqual([]);
  await second.close();
  const third = openMemory(directory);
  expect(await third.factCount(ANN)).toBe(0);
  await third.close();
});

test('a memory › when a scope is forgotten while something is added to it › then nothing of it stays', async () => {
  const store = volatileFactStore();
  const memory = new RankedMemory(DEFAULT_LIMITS, store);
  const adding = memory.addFact(ANN, fact('a', 'late'));
  await Promise.all([expect(adding).rejects.toMatchObject({ code: -32014 }), memory.forget(ANN)]);
  expect(store.count('ann')).toBe(0);
  expect(await bodies(memory, ANN, 'late')).toEqual([]);
});

test('a memory › when its facts were read from a store › then it finds and forgets as if each had been added', async () => {
  const store = volatileFactStore();
  const first = new RankedMemory(DEFAULT_LIMITS, store);
  const texts = ['a a b', 'a', 'b c Ärger', 'constructor __proto__', 'c c c'];
  for (const text of texts) await first.addFact(ANN, fact('s', text));
  const second = new RankedMemory(DEFAULT_LIMITS, store);
  for (const query of ['a', 'b', 'c b', 'ärger', 'constructor', 'proto', 's']) {
    expect(await second.query(ANN, query, 10), query).toEqual(await first.query(ANN, query, 10));
  }
  const [doubled] = (await second.query(ANN, 'a b', 10)).filter(({ body }) => body === 'a a b');
  expect(await second.delete(ANN, doubled?.id ?? '')).toBe(true);
  expect(await bodies(second, ANN, 'a')).toEqual(['a']);
  await second.addFact(ANN, fact('s', 'a d'));
  expect((await bodies(second, ANN, 'a')).sort()).toEqual(['a', 'a d']);
});

test('a memory › when a fact has emoji or flags › then each is a word', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  await memory.addFact(ANN, fact('mood', 'tea😀 and 👩‍💻'));
  await memory.addFact(ANN, fact('trip', '🇫🇷🇩🇪 café'));
  await memory.addFact(ANN, fact('other', 'nothing'));
  for (const query of ['😀', 'tea', '💻']) expect(await bodies(memory, ANN, query), query).toEqual(['tea😀 and 👩‍💻']);
  for (const query of ['🇩🇪', 'cafe\u0301']) expect(await bodies(memory, ANN, query), query).toEqual(['🇫🇷🇩🇪 café']);
  expect(await bodies(memory, ANN, '🇪🇫')).toEqual([]);
});

test('a memory › when a text has half a character › then it is kept, and answered, as U+FFFD, by agents and others alike', async () => {
  const directory = temporaryDirectory();
  const memory = openMemory(directory);
  for (const scope of [ANN, WINDOW]) {
    await memory.addFact(scope, { ...fact('a \ud800', 'b \udc00 😀'), kind: 'k\ud800', speaker: '\udfff' });
    expect(await memory.query(scope, 'a', 1)).toMatchObject([
      { subject: 'a \ufffd', body: 'b \ufffd 😀', kind: 'k\ufffd', speaker: '\ufffd' },
    ]);
  }
  await memory.close();
});
