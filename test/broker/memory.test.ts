import { expect, test } from 'vitest';
import type { Memory, NewFact } from '../../broker.ts';
import { settle, startLinked } from '../support/linked.ts';
import { readMetric } from '../support/metrics.ts';

/* Facts over the wire (`wire.md` section 11). */

const FACT = { subject: 'tea', body: 'green, no sugar' };

/** Answers come when the memory is done: in later turns of the event loop. */
async function rest(): Promise<void> {
  for (let n = 0; n < 5; n += 1) await settle();
}

test('memory › when an agent comes back › then its facts are there; a connection’s are gone with it', async () => {
  const linked = startLinked();
  const first = await linked.agent('ann');
  expect(await first.ok('memory.add_fact', FACT)).toBe(1);
  const window = await linked.host();
  expect(await window.ok('memory.add_fact', { ...FACT, kind: 'taste' })).toBe(1);
  expect(await window.ok('memory.query', { query: 'green tea' })).toEqual({
    facts: [
      {
        id: expect.any(String),
        ...FACT,
        kind: 'taste',
        created_at: expect.any(Number),
        score: expect.any(Number),
      },
    ],
  });
  first.close();
  window.close();
  await settle();
  const again = await linked.agent('ann');
  const { facts } = await again.ok('memory.query', { query: 'sugar' });
  expect(facts).toMatchObject([{ ...FACT, kind: 'fact' }]);
  expect(await again.ok('memory.delete', { id: facts[0].id })).toEqual({ removed: true });
  expect(await again.ok('memory.delete', { id: facts[0].id })).toEqual({ removed: false });
  expect(await again.ok('memory.fact_count', {})).toBe(0);
  expect(await (await linked.host()).ok('memory.fact_count')).toBe(0);
  expect(await readMetric(linked.broker, 'memory_operations_total')).toEqual({
    add_fact: 2,
    query: 2,
    delete: 2,
    fact_count: 2,
  });
});

test('memory › when its agent is removed › then another of that id does not read it', async () => {
  const linked = startLinked();
  const ann = await linked.agent('ann');
  await ann.ok('memory.add_fact', FACT);
  const manager = await linked.manager();
  await manager.ok('agents.remove', { id: 'ann' });
  await rest();
  expect(await (await linked.agent('ann')).ok('memory.fact_count')).toBe(0);
});

test.each([
  ['memory.add_fact', { body: 'b' }, 'subject'],
  ['memory.add_fact', { subject: '', body: 'b' }, 'subject'],
  ['memory.add_fact', { subject: 'x'.repeat(1_025), body: 'b' }, 'subject'],
  ['memory.add_fact', { subject: 's', body: '' }, 'body'],
  ['memory.query', { query: '' }, 'query'],
  ['memory.query', { query: 'a'.repeat(4_097) }, 'query'],
  ['memory.query', { query: 'a', k: 0 }, 'k'],
  ['memory.query', { query: 'a', k: 101 }, 'k'],
  ['memory.delete', {}, 'id'],
])('memory › when %s is asked for with %o › then -32602 names %s', async (method, params, path) => {
  const host = await startLinked().host();
  expect((await host.call(method, params)).error).toMatchObject({ code: -32602, data: { issues: [{ path }] } });
});

test('memory › when a fact is too large › then -32020 says so', async () => {
  const host = await startLinked({ limits: { maxFactBytes: 10 } }).host();
  expect((await host.call('memory.add_fact', FACT)).error).toMatchObject({
    code: -32020,
    data: { limit: { name: 'max_fact_bytes', value: 10 } },
  });
});

/** A memory that an embedder shares between all: it does not look at the scope. */
function sharedMemory(): Memory {
  const facts: NewFact[] = [];
  return {
    addFact: (_scope, fact) => facts.push(fact),
    query: (_scope, query, k) =>
      facts
        .filter(({ body }) => body.includes(query))
        .slice(0, k)
        .map((fact, n) => ({ ...fact, id: `${n}`, created_at: 1, score: 1 })),
    delete: () => false,
    factCount: () => facts.length,
  };
}

test('memory › when an embedder brings one that is shared › then it is, and nobody’s end empties it', async () => {
  const linked = startLinked({ memory: sharedMemory() });
  const one = await linked.host();
  expect(await one.ok('memory.add_fact', FACT)).toBe(1);
  one.close();
  await settle();
  const two = await linked.agent('ann');
  expect(await two.ok('memory.query', { query: 'green' })).toMatchObject({ facts: [FACT] });
});

test('memory › when an embedder’s fails, lies or is silent › then its caller is told, and nothing else breaks', async () => {
  const linked = startLinked({
    memory: {
      addFact: () => {
        throw new Error('broken: password 123');
      },
      query: () => Promise.reject(new TypeError('also broken')),
      delete: () => new Promise(() => {}),
      factCount: () => Number.NaN,
      forget: () => Promise.reject(new Error('even that')),
    },
  });
  const host = await linked.host();
  const failed = await host.call('memory.add_fact', FACT);
  expect(failed.error).toEqual({ code: -32603, message: 'internal error' });
  expect((await host.call('memory.query', { query: 'a' })).error.code).toBe(-32603);
  expect((await host.call('memory.fact_count')).error.code).toBe(-32603);
  const waiting = host.post('memory.delete', { id: '1' });
  await linked.advance(9_900);
  expect(host.replyTo(waiting)).toBeUndefined();
  await linked.advance(200);
  expect(host.replyTo(waiting).error.code).toBe(-32004);
  expect(await host.ok('agents.list')).toEqual([]);
  host.close();
  await settle();
  expect((await linked.host()).closed).toBeUndefined();
});
