import { expect, test } from 'vitest';
import type { Memory, NewFact } from '../../../broker.ts';
import { RankedMemory } from '../../../memory/ranked-memory.ts';
import { DEFAULT_LIMITS } from '../../../protocol/limits.ts';
import { settle, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';

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
        created_at: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
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

/** The default memory, and what it was asked in which order. */
function heardMemory() {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  const heard: { method: string; id: string }[] = [];
  const hear = <M extends 'addFact' | 'query' | 'delete' | 'factCount' | 'forget'>(method: M) => {
    const run = memory[method].bind(memory) as (...args: unknown[]) => unknown;
    return (...args: unknown[]) => {
      heard.push({ method, id: (args[0] as { id: string }).id });
      return run(...args);
    };
  };
  const methods = ['addFact', 'query', 'delete', 'factCount', 'forget'] as const;
  const asked = Object.fromEntries(methods.map((method) => [method, hear(method)]));
  return { memory, heard, asked: asked as unknown as Memory };
}

test('memory › when a connection ends right behind its facts › then none of them stays, nor is the memory asked again', async () => {
  const { memory, heard, asked } = heardMemory();
  const linked = startLinked({ memory: asked });
  const host = await linked.host();
  await host.ok('memory.add_fact', FACT);
  // In one go, as one packet: the last frame is malformed, and ends the connection.
  for (let n = 0; n < 3; n += 1) host.post('memory.add_fact', FACT);
  host.post('memory.query', { query: 'green' });
  host.post('memory.fact_count');
  host.sendBinary(new Uint8Array([9]));
  await rest();
  expect(host.closed).toBe(1003);
  const scope = { kind: 'connection', id: heard[0]?.id ?? '' } as const;
  expect(heard.at(-1)).toEqual({ method: 'forget', id: scope.id });
  expect(memory.heapBytes).toBe(0);
  expect(await memory.factCount(scope)).toBe(0);
});

test('memory › when an agent is removed right behind its facts › then none of them stays', async () => {
  const { memory, asked } = heardMemory();
  const linked = startLinked({ memory: asked });
  const [ann, manager] = [await linked.agent('ann'), await linked.manager()];
  for (let n = 0; n < 3; n += 1) ann.post('memory.add_fact', FACT);
  manager.post('agents.remove', { id: 'ann' });
  for (let n = 0; n < 3; n += 1) ann.post('memory.add_fact', FACT);
  await rest();
  expect(await memory.factCount({ kind: 'agent', id: 'ann' })).toBe(0);
});

test('memory › when an agent’s connection ends right behind its facts › then they are kept: they are the agent’s', async () => {
  const linked = startLinked();
  const ann = await linked.agent('ann');
  ann.post('memory.add_fact', FACT);
  ann.sendBinary(new Uint8Array([9]));
  await rest();
  expect(ann.closed).toBe(1003);
  expect(await (await linked.agent('ann')).ok('memory.fact_count')).toBe(1);
});

test('memory › when it cannot note that an agent is removed › then the agent stays, and its facts', async () => {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  let isFull = true;
  const forget: Memory['forget'] = (scope) => {
    if (isFull) throw new Error('disk full');
    return memory.forget(scope);
  };
  const linked = startLinked({
    memory: {
      addFact: memory.addFact.bind(memory),
      query: memory.query.bind(memory),
      delete: memory.delete.bind(memory),
      factCount: memory.factCount.bind(memory),
      forget,
    },
  });
  const [ann, manager] = [await linked.agent('ann'), await linked.manager()];
  await ann.ok('memory.add_fact', FACT);
  expect((await manager.call('agents.remove', { id: 'ann' })).error.code).toBe(-32603);
  expect(await ann.ok('memory.fact_count')).toBe(1);
  expect(await manager.ok('agents.list')).toMatchObject([{ spec: { id: 'ann' }, attached: true }]);
  isFull = false;
  expect(await manager.ok('agents.remove', { id: 'ann' })).toEqual({ removed: true });
  expect(await manager.ok('agents.remove', { id: 'ann' })).toEqual({ removed: false });
  await rest();
  expect(ann.closed).toBe(4403);
});

test('memory › when an agent is removed and made anew behind its facts › then the new one has none of them', async () => {
  const { memory, asked } = heardMemory();
  const linked = startLinked({ memory: asked });
  const [ann, manager] = [await linked.agent('ann'), await linked.manager()];
  ann.post('memory.add_fact', FACT);
  manager.post('agents.remove', { id: 'ann' });
  ann.post('memory.add_fact', FACT);
  manager.post('agents.upsert', { id: 'ann' });
  await rest();
  expect(await memory.factCount({ kind: 'agent', id: 'ann' })).toBe(0);
  expect(await (await linked.agent('ann')).ok('memory.fact_count')).toBe(0);
});

/** A memory whose writes wait until they are let go on. */
function slowMemory() {
  const memory = new RankedMemory(DEFAULT_LIMITS);
  let goOn = () => {};
  const going = new Promise<void>((resolve) => {
    goOn = resolve;
  });
  const slow: Memory = {
    addFact: async (scope, fact) => {
      await going;
      return await memory.addFact(scope, fact);
    },
    query: (scope, query, k) => memory.query(scope, query, k),
    delete: (scope, id) => memory.delete(scope, id),
    factCount: (scope) => memory.factCount(scope),
  };
  return { slow, goOn: () => goOn() };
}

test('memory › when the broker stops while a fact is written › then that is answered before the sockets close', async () => {
  const { slow, goOn } = slowMemory();
  const linked = startLinked({ memory: slow });
  const [host, other] = [await linked.host(), await linked.host()];
  const id = host.post('memory.add_fact', FACT);
  await settle();
  const closed = linked.broker.close();
  await rest();
  expect(other.closed).toBeUndefined();
  goOn();
  await closed;
  expect(host.replyTo(id).result).toBe(1);
  expect([host.closed, other.closed]).toEqual([1001, 1001]);
});

test('memory › when the broker stops and a memory is silent › then it waits for a second', async () => {
  const { slow } = slowMemory();
  const linked = startLinked({ memory: slow });
  const host = await linked.host();
  host.post('memory.add_fact', FACT);
  await settle();
  const closed = linked.broker.close();
  await linked.advance(990);
  expect(host.closed).toBeUndefined();
  await linked.advance(30);
  await closed;
  expect(host.closed).toBe(1001);
});
