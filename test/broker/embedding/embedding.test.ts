import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { createBroker, ErrorCode, type MethodOptions, WireError } from '../../../broker.ts';
import { MAX_DEPTH } from '../../../protocol/json.ts';
import { methods } from '../../../protocol/methods.ts';
import { LOCAL } from '../../../protocol/principal.ts';
import { LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';

const anything = z.object({});
const { InvalidParams, InternalError, MethodNotFound, DeadlineExceeded, LimitExceeded, NotFound } = ErrorCode;

/** A method whose answer the test gives. */
function parked() {
  const waiting: ((value: unknown) => void)[] = [];
  const method: MethodOptions<object> = {
    schema: anything,
    handler: () => new Promise((resolve) => waiting.push(resolve)),
  };
  return { waiting, method };
}

describe('broker.method › when a client calls it', () => {
  test('with good params › then the handler gets them parsed, and who called, and its result is the answer', async () => {
    const linked = startLinked();
    const calls: unknown[] = [];
    linked.broker
      .method('sum', {
        schema: z.object({ a: z.number(), b: z.number().default(10) }),
        handler: (params, caller) => {
          calls.push(caller);
          return params.a + params.b;
        },
      })
      .method('later', { schema: anything, handler: async () => ({ ok: true }) });
    const agent = await linked.agent('echo');
    expect(await agent.ok('sum', { a: 1, unknown: true })).toBe(11);
    expect(await (await linked.host()).ok('sum', { a: 1, b: 2 })).toBe(3);
    expect(await (await linked.manager()).ok('later')).toEqual({ ok: true });
    expect(calls).toEqual([
      {
        clientId: expect.stringMatching(/^client-/),
        role: 'agent',
        agentId: 'echo',
        principal: { tenant: 'default', sub: 'agent:echo' },
      },
      { clientId: expect.stringMatching(/^client-/), role: 'client', agentId: undefined, principal: LOCAL },
    ]);
  });

  test('with bad params › then -32602 names them, and the handler is not called', async () => {
    const linked = startLinked();
    linked.broker.method('sum', {
      schema: z.object({ a: z.number(), list: z.array(z.string()) }),
      handler: () => expect.unreachable(),
    });
    const { error } = await (await linked.host()).call('sum', { a: '1', list: ['x', 2] });
    expect(error.code).toBe(InvalidParams);
    expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual(['a', 'list.1']);
  });

  test('before it is authenticated › then -32001 as for any other', async () => {
    const linked = startLinked();
    linked.broker.method('open', { schema: anything, handler: () => expect.unreachable() });
    expect((await linked.connect().call('open')).error.code).toBe(ErrorCode.AuthRequired);
  });

  test('as a notification, before it is authenticated › then the handler does not run', async () => {
    const linked = startLinked();
    linked.broker.method('open', { schema: anything, handler: () => heard.push('stranger') });
    const heard: string[] = [];
    const stranger = linked.connect();
    stranger.notify('open');
    await settle();
    expect(heard).toEqual([]);
    expect(stranger.closed).toBeUndefined();
  });

  test('as a notification › then the handler runs, and nobody is answered', async () => {
    const linked = startLinked();
    const heard: unknown[] = [];
    linked.broker
      .method('note', { schema: z.object({ a: z.number() }), handler: (params) => heard.push(params) })
      .method('fail', {
        schema: anything,
        handler: () => {
          throw new Error('no');
        },
      });
    const host = await linked.host();
    host.frames.length = 0;
    host.notify('note', { a: 1 });
    host.notify('note', { a: 'x' });
    host.notify('fail');
    await settle();
    expect(heard).toEqual([{ a: 1 }]);
    expect(host.frames).toEqual([]);
  });

  test('that is for the host role › then anybody else gets -32601', async () => {
    const linked = startLinked();
    linked.broker.method('admin', { schema: z.object({ a: z.number() }), handler: () => 'done', role: 'host' });
    for (const client of [await linked.host(), await linked.agent('echo')]) {
      for (const params of [{ a: 1 }, {}]) expect((await client.call('admin', params)).error.code).toBe(MethodNotFound);
    }
    expect(await (await linked.manager()).ok('admin', { a: 1 })).toBe('done');
  });
});

describe('broker.method › when its handler fails', () => {
  const secret = 'password at /etc/shadow';
  const loop: Record<string, unknown> = {};
  loop.self = loop;
  const tooDeep = JSON.parse('['.repeat(MAX_DEPTH + 1) + ']'.repeat(MAX_DEPTH + 1));

  test.each<[what: string, handler: () => unknown]>([
    [
      'throws',
      () => {
        throw new Error(secret);
      },
    ],
    ['rejects', () => Promise.reject(new Error(secret))],
    ['throws a string', () => Promise.reject(secret)],
    ['throws nothing', () => Promise.reject(undefined)],
    ['throws something that looks like a wire error', () => Promise.reject({ code: -32014, message: secret })],
    ['gives a result that nests too deeply', () => tooDeep],
    ['gives a result a hundred thousand levels deep', () => JSON.parse('['.repeat(100_000) + ']'.repeat(100_000))],
    ['gives a result that refers to itself', () => loop],
    ['gives a function', () => () => secret],
    [
      'gives a result that throws when it is written',
      () => ({
        toJSON() {
          throw new Error(secret);
        },
      }),
    ],
    ['throws a wire error whose data JSON cannot write', () => Promise.reject(new WireError(1, 'x', loop))],
    ['throws a wire error whose data nests too deeply', () => Promise.reject(new WireError(1, 'x', tooDeep))],
  ])('%s › then -32603 without any detail, and the connection lives', async (_what, handler) => {
    const logged: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (...words: unknown[]) => logged.push(words) };
    const linked = startLinked({ log });
    linked.broker.method('fail', { schema: anything, handler });
    const host = await linked.host();
    expect((await host.call('fail')).error).toEqual({ code: InternalError, message: 'internal error' });
    expect(logged).toHaveLength(1);
    expect(await host.ok('agents.list')).toEqual([]);
  });

  test('with a wire error › then that is sent as it is, thrown now or later', async () => {
    const linked = startLinked();
    linked.broker
      .method('now', {
        schema: anything,
        handler: () => {
          throw new WireError(4242, 'mine', { a: [1] });
        },
      })
      .method('later', { schema: anything, handler: () => Promise.reject(WireError.notFound('row')) });
    const host = await linked.host();
    expect((await host.call('now')).error).toEqual({ code: 4242, message: 'mine', data: { a: [1] } });
    expect((await host.call('later')).error).toEqual({ code: NotFound, message: 'not found: no such row' });
  });

  test.each([undefined, null])('with no result at all, %s › then the answer is null', async (nothing) => {
    const linked = startLinked();
    linked.broker.method('quiet', { schema: anything, handler: () => nothing });
    expect(await (await linked.host()).call('quiet')).toHaveProperty('result', null);
  });
});

describe('broker.method › when its handler takes long', () => {
  test('longer than it may › then -32004 once, and its late result goes nowhere', async () => {
    const linked = startLinked();
    const { waiting, method } = parked();
    linked.broker.method('slow', { ...method, timeoutMs: 1_000 }).method('default', method);
    const host = await linked.host();
    const slow = host.post('slow');
    const byDefault = host.post('default');
    await settle();
    await linked.advance(990);
    expect(host.replyTo(slow)).toBeUndefined();
    await linked.advance(30);
    expect(host.replyTo(slow).error.code).toBe(DeadlineExceeded);
    expect(host.replyTo(byDefault)).toBeUndefined();
    await linked.advance(59_000);
    expect(host.replyTo(byDefault).error.code).toBe(DeadlineExceeded);
    for (const resolve of waiting) resolve('late');
    await settle();
    expect(host.frames.filter((frame) => frame.id === slow)).toHaveLength(1);
  });

  test('and the caller has gone › then nothing happens', async () => {
    const linked = startLinked();
    const { waiting, method } = parked();
    linked.broker.method('slow', method);
    const host = await linked.host();
    host.post('slow');
    await settle();
    host.close();
    await settle();
    waiting[0]?.('late');
    await settle();
    expect(await (await linked.host()).ok('agents.list')).toEqual([]);
  });

  test('and calls pile up › then one more than may be pending gets -32020, on that connection alone', async () => {
    const linked = startLinked({ limits: { maxPendingRequests: 2 } });
    const { waiting, method } = parked();
    linked.broker.method('slow', { ...method, timeoutMs: 1_000 });
    const host = await linked.host();
    host.post('slow');
    host.post('slow');
    await settle();
    expect((await host.call('slow')).error).toMatchObject({
      code: LimitExceeded,
      data: { limit: { name: 'max_pending_requests', value: 2 } },
    });
    expect(await host.ok('agents.list')).toEqual([]);
    (await linked.host()).post('slow');
    await settle();
    expect(waiting).toHaveLength(3);

    // One that has given up its answer still works, and counts.
    await linked.advance(2_000);
    expect((await host.call('slow')).error.code).toBe(LimitExceeded);
    waiting[0]?.('done');
    await settle();
    host.post('slow');
    await settle();
    expect(waiting).toHaveLength(4);
  });

  test('then other requests of the same connection overtake it', async () => {
    const linked = startLinked();
    const { waiting, method } = parked();
    linked.broker.method('slow', method);
    const host = await linked.host();
    const slow = host.post('slow');
    expect(await host.ok('agents.list')).toEqual([]);
    waiting[0]?.('done');
    await settle();
    expect(host.replyTo(slow).result).toBe('done');
  });
});

describe('broker.method › when the name is taken', () => {
  test.each([...Object.keys(methods), 'mine'])('%s › then it throws, and what was there stays', (name) => {
    const { broker } = startLinked();
    const method = { schema: anything, handler: () => 'mine' };
    broker.method('mine', method);
    expect(() => broker.method(name, method)).toThrow(`method ${name} exists already`);
  });

  test.each(['__proto__', 'constructor'])('%s › then that name is as free as any', async (name) => {
    const linked = startLinked();
    linked.broker.method(name, { schema: anything, handler: () => 'mine' });
    expect(await (await linked.host()).ok(name)).toBe('mine');
  });
});

describe('two brokers in one process › when both are used', () => {
  test('the same session and agent ids, one is closed › then neither notices the other', async () => {
    const [one, two] = [startLinked(), startLinked()];
    const [hostOne, hostTwo] = [await one.host(), await two.host()];
    const [agentOne, agentTwo] = [await one.agent('echo'), await two.agent('echo')];
    await openChat(hostOne, agentOne, { agent_id: 'echo', session_id: 's' });
    await openChat(hostTwo, agentTwo, { agent_id: 'echo', session_id: 's' });
    agentOne.emit('s', { kind: 'token', delta: 'one' });
    agentTwo.emit('s', { kind: 'token', delta: 'two' });
    await settle();
    expect(hostOne.events()).toMatchObject([{ delta: 'one', seq: 1 }]);
    expect(hostTwo.events()).toMatchObject([{ delta: 'two', seq: 1 }]);
    one.broker.method('mine', { schema: anything, handler: () => 1 });
    expect((await hostTwo.call('mine')).error.code).toBe(MethodNotFound);
    expect((await two.connect().call('session.auth', { token: one.broker.tokens.daemon })).error.code).toBe(
      InternalError,
    );

    const closed = one.broker.close();
    await one.advance(10_020);
    await closed;
    expect([hostOne.closed, agentOne.closed]).toEqual([1001, 1001]);
    agentTwo.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(hostTwo.events().at(-1)).toMatchObject({ kind: 'done' });
  });
});

describe('broker.close › when it is called', () => {
  test('twice, and once more at the end › then all calls share one end', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const [first, second] = [linked.broker.close(), linked.broker.close()];
    await Promise.all([first, second]);
    await linked.broker.close();
    await settle();
    expect(host.closed).toBe(1001);
  });

  test('then nothing listens any more, and a connection is closed at once with 1001', async () => {
    const { broker } = startLinked();
    await broker.close();
    await expect(broker.listen({ port: 0 })).rejects.toThrow('the broker is stopping');
    const client = new LinkedClient(broker.connect());
    await settle();
    expect(client.closed).toBe(1001);
  });

  test('while it begins to listen › then that fails, and no port stays open', async () => {
    const broker = createBroker();
    const listening = broker.listen({ port: 0 });
    const closed = broker.close();
    await expect(listening).rejects.toThrow('the broker is stopping');
    await closed;
  });
});
