import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { RateLimit } from '../../../actors/kernel/rate-limit.ts';
import { openChat, settle, startLinked } from '../../support/linked.ts';
import { readDrops } from '../../support/metrics.ts';

const limits = { requestsPerSecond: 10, requestBurst: 5 };
const start = () => startLinked({ limits });

describe('the request limit › when a connection asks too fast', () => {
  test('over its burst › then -32020 with the limit and when to come again, and there it is let in', async () => {
    const { host, advance } = start();
    const busy = await host();
    // Authenticating took one of the five.
    const answers = [];
    for (let n = 0; n < 6; n += 1) answers.push(await busy.call('agents.list'));
    expect(answers.map(({ error }) => error?.code)).toEqual([
      undefined,
      undefined,
      undefined,
      undefined,
      -32020,
      -32020,
    ]);
    const { data } = answers[5].error;
    expect(data.limit).toEqual({ name: 'requests_per_second', value: 10 });
    expect(data.retry_after_ms).toBe(300);
    await advance(299);
    // Not yet, and asking has its price.
    const again = await busy.call('agents.list');
    expect(again.error.data.retry_after_ms).toBe(101);
    await advance(101);
    expect(await busy.call('agents.list')).toHaveProperty('result');
    expect((await busy.call('agents.list')).error.code).toBe(-32020);
    expect(busy.closed).toBeUndefined();
  });

  test('regardless of what it is told, for a whole second bucket › then it is closed with 4429', async () => {
    const { broker, host } = start();
    const busy = await host();
    const quiet = await host();
    for (let n = 0; n < 4 + 5; n += 1) busy.post('agents.list');
    await settle();
    expect(busy.closed).toBeUndefined();
    busy.post('agents.list');
    await settle();
    expect(busy.closed).toBe(4429);
    expect(busy.frames.filter(({ error }) => error?.code === -32020)).toHaveLength(5);
    expect(await readDrops(broker)).toEqual({ rate_limited: 6 });
    expect(await quiet.call('agents.list')).toHaveProperty('result');
    expect(quiet.closed).toBeUndefined();
  });

  test('in notifications and in frames that are none › then those count, too, and get no answer', async () => {
    const { broker, host } = start();
    const busy = await host();
    const before = busy.frames.length;
    for (let n = 0; n < 3; n += 1) busy.notify('tools.cancel', { id: 1 });
    busy.send('{');
    busy.send('{');
    busy.notify('tools.cancel', { id: 1 });
    await settle();
    expect(busy.frames.slice(before)).toMatchObject([{ id: null, error: { code: -32700 } }]);
    expect(await readDrops(broker)).toMatchObject({ rate_limited: 2, late_withdrawal: 3, malformed_frame: 1 });
    for (let n = 0; n < 4; n += 1) busy.send('[');
    await settle();
    expect(busy.closed).toBe(4429);
  });

  test('with a chat under way › then its events and answers cost nothing, and it goes on', async () => {
    const { host, agent } = start();
    const busy = await host();
    const echo = await agent('echo');
    const { turn_id } = await openChat(busy, echo, { agent_id: 'echo', session_id: 's' });
    for (let n = 0; n < 200; n += 1) echo.emit('s', { kind: 'token', delta: 'x' });
    for (let n = 0; n < 200; n += 1) echo.send({ jsonrpc: '2.0', id: `none-${n}`, result: {} });
    echo.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(busy.events('s')).toHaveLength(201);
    expect(busy.events('s').at(-1)).toMatchObject({ turn_id, kind: 'done', seq: 201 });
    expect(echo.closed).toBeUndefined();
    expect(await echo.call('agents.list')).toHaveProperty('result');
  });

  test('before it has authenticated › then it is closed no later than anybody', async () => {
    const { connect } = start();
    const stranger = connect();
    for (let n = 0; n < 11; n += 1) stranger.notify('tools.cancel', { id: 1 });
    await settle();
    expect(stranger.closed).toBe(4429);
  });

  test('its turns › then they end as of any host that goes', async () => {
    const { host, agent } = start();
    const busy = await host();
    const echo = await agent('echo');
    await openChat(busy, echo, { agent_id: 'echo', session_id: 's' });
    for (let n = 0; n < 12; n += 1) busy.post('agents.list');
    await settle();
    expect(busy.closed).toBe(4429);
    expect(echo.received('agent.chat.cancel')).toMatchObject([{ params: { reason: 'host_disconnected' } }]);
  });
});

describe('RateLimit › whatever the rate', () => {
  const rate = fc.double({ min: 0.01, max: 1e6, noNaN: true });
  const burst = fc.integer({ min: 1, max: 50_000 });

  test('whoever waits as long as told › then is let in', () => {
    fc.assert(
      fc.property(
        rate,
        burst,
        fc.double({ min: 0, max: 1e12, noNaN: true }),
        fc.nat(30),
        (perSecond, size, at, more) => {
          const limit = new RateLimit(perSecond, size, at);
          let verdict = limit.take(at);
          for (let n = 1; n < size + 1 + Math.min(more, size - 1); n += 1) verdict = limit.take(at);
          if (verdict.kind !== 'wait') throw new Error(verdict.kind);
          expect(verdict.retryAfterMs).toBeGreaterThan(0);
          expect(limit.take(at + verdict.retryAfterMs).kind).toBe('ok');
        },
      ),
      { numRuns: 300 },
    );
  });

  test('whoever keeps to it › then is never refused, however long', () => {
    const limit = new RateLimit(10, 1, 0);
    for (let n = 1; n <= 100_000; n += 1) expect(limit.take(n * 100).kind).toBe('ok');
  });

  test('however long nothing is asked › then no more than the burst is saved up', () => {
    const limit = new RateLimit(10, 5, 0);
    for (let n = 0; n < 5; n += 1) expect(limit.take(1e9).kind).toBe('ok');
    expect(limit.take(1e9)).toEqual({ kind: 'wait', retryAfterMs: 200 });
  });
});
