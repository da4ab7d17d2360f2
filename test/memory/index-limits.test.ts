import { expect, test } from 'vitest';
import { volatileFactStore } from '../../memory/fact-store.ts';
import { openMemory } from '../../memory/open-memory.ts';
import { RankedMemory } from '../../memory/ranked-memory.ts';
import { DEFAULT_LIMITS } from '../../protocol/limits.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/* What the indexes of the default memory may take (`docs/limits.md`). */

const agent = (id: string): MemoryScope => ({ kind: 'agent', id });
const connection = (id: string): MemoryScope => ({ kind: 'connection', id });
const KIB = 1024;

let words = 0;
/** A fact none of whose words was ever there: what an index costs most. */
function unlike(count = 50) {
  const body = Array.from({ length: count }, () => {
    words += 1;
    return `x${words.toString(36)}`;
  }).join(' ');
  return { subject: `s${words}`, body, kind: 'fact' };
}

/** Adds facts until one is refused, and gives how many were taken and what the refusal said. */
async function fill(memory: RankedMemory, scope: MemoryScope) {
  for (let taken = 0; taken < 2_000; taken += 1) {
    const refusal = await memory.addFact(scope, unlike()).then(
      () => undefined,
      (error) => error,
    );
    if (refusal) return { taken, refusal };
  }
  throw new Error('nothing was refused');
}

test.each([
  ['an agent', agent('ann'), 'maxIndexBytes', 'max_index_bytes'],
  ['a connection', connection('c'), 'maxConnectionMemoryBytes', 'max_connection_memory_bytes'],
  ['all connections', connection('c'), 'maxAllConnectionMemoryBytes', 'max_all_connection_memory_bytes'],
  ['all together', agent('ann'), 'maxAllIndexBytes', 'max_all_index_bytes'],
])(
  'an index › when that of %s has too many words › then -32020 says so, and a deletion makes room',
  async (_who, scope, limit, name) => {
    const memory = new RankedMemory({ ...DEFAULT_LIMITS, [limit]: 512 * KIB });
    const first = unlike();
    await memory.addFact(scope, first);
    const { taken, refusal } = await fill(memory, scope);
    expect(refusal).toMatchObject({ code: -32020, data: { limit: { name, value: 512 * KIB } } });
    expect(taken).toBeGreaterThan(5);
    expect(memory.heapBytes).toBeLessThanOrEqual(512 * KIB);
    expect(await memory.factCount(scope)).toBe(taken + 1);
    const [kept] = await memory.query(scope, first.subject, 1);
    await memory.delete(scope, kept?.id ?? '');
    expect(await memory.addFact(scope, unlike())).toBe(taken + 1);
  },
);

test('an index › when connections have taken all that they may have › then one’s end makes room, and agents had theirs', async () => {
  const memory = new RankedMemory({ ...DEFAULT_LIMITS, maxAllConnectionMemoryBytes: 512 * KIB });
  const { taken } = await fill(memory, connection('one'));
  await expect(memory.addFact(connection('two'), unlike())).rejects.toMatchObject({ code: -32020 });
  await memory.addFact(agent('ann'), unlike());
  await memory.forget(connection('one'));
  expect(await fill(memory, connection('two'))).toMatchObject({ taken });
});

test('an index › when agents add and need room › then the one used least is dropped, and made anew when it is asked', async () => {
  const memory = new RankedMemory({ ...DEFAULT_LIMITS, maxAllIndexBytes: 512 * KIB });
  const ids = ['a', 'b', 'c', 'd', 'e', 'f'];
  const first = unlike();
  await memory.addFact(agent('a'), first);
  for (const id of ids) {
    for (let n = 0; n < 8; n += 1) {
      await memory.addFact(agent(id), unlike());
      expect(memory.heapBytes).toBeLessThanOrEqual(512 * KIB);
    }
  }
  expect(await memory.query(agent('a'), first.subject, 5)).toMatchObject([{ body: first.body }]);
  expect(memory.heapBytes).toBeLessThanOrEqual(512 * KIB);
  for (const id of ids) expect(await memory.factCount(agent(id))).toBe(id === 'a' ? 9 : 8);
});

test('an index › when all facts are gone again › then it takes nothing', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  for (const scope of [agent('ann'), connection('c')]) {
    for (let n = 0; n < 30; n += 1) {
      const { subject, body, kind } = unlike();
      await memory.addFact(scope, { subject, body: `${body} ${body} same`, kind });
    }
    for (const { id } of await memory.query(scope, 'same', 100)) await memory.delete(scope, id);
    expect(await memory.factCount(scope)).toBe(0);
  }
  expect(memory.heapBytes).toBe(0);
});

test('an index › when a scope on disk is larger than one may be › then -32020 says so, and its facts can be deleted', async () => {
  const store = volatileFactStore();
  const before = new RankedMemory(DEFAULT_LIMITS, store);
  for (let n = 0; n < 40; n += 1) await before.addFact(agent('ann'), { ...unlike(), body: `${unlike().body} same` });
  const ids = (await before.query(agent('ann'), 'same', 100)).map(({ id }) => id);
  const memory = new RankedMemory({ ...DEFAULT_LIMITS, maxIndexBytes: 256 * KIB }, store);
  const refused = { code: -32020, data: { limit: { name: 'max_index_bytes' } } };
  await expect(memory.query(agent('ann'), 'same', 10)).rejects.toMatchObject(refused);
  await expect(memory.addFact(agent('ann'), unlike())).rejects.toMatchObject(refused);
  expect(memory.heapBytes).toBe(0);
  expect(await memory.factCount(agent('ann'))).toBe(40);
  for (const id of ids.slice(5)) expect(await memory.delete(agent('ann'), id)).toBe(true);
  expect(await memory.query(agent('ann'), 'same', 10)).toHaveLength(5);
});

test.each([
  ['in memory', () => volatileFactStore()],
  ['on disk', () => undefined],
])(
  'a memory › when all agents’ facts %s take too much together › then -32020 says so, whoever adds',
  async (_where, store) => {
    const kept = store();
    const limits = { ...DEFAULT_LIMITS, maxAllMemoryBytes: 256 * KIB };
    const memory = kept ? new RankedMemory(limits, kept) : openMemory(temporaryDirectory(), limits);
    const large = { subject: 's', body: 'x'.repeat(10_000), kind: 'fact' };
    const refusals: unknown[] = [];
    for (let n = 0; n < 40; n += 1)
      await memory.addFact(agent(`a${n % 4}`), large).catch((error) => refusals.push(error));
    expect(refusals.length).toBeGreaterThan(10);
    expect(refusals.length).toBeLessThan(35);
    expect(refusals[0]).toMatchObject({ code: -32020, data: { limit: { name: 'max_all_memory_bytes' } } });
    await memory.addFact(connection('c'), large);
    for (const id of ['a0', 'a1']) await memory.forget(agent(id));
    expect(await memory.addFact(agent('a4'), large)).toBe(1);
    await memory.close();
  },
);
