import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { RpcError, type Turn, WireError } from '../../client/node.ts';
import { deferred, RealBroker, rejection } from './real-broker.ts';
import { using } from './using-tool.ts';

describe('host.tool', () => {
  it('when an argument is missing › says which', async () => {
    const host = await (await RealBroker.start()).host();
    // As in JavaScript, where nobody checks.
    const tool = host.tool as unknown as (...args: unknown[]) => Promise<unknown>;
    const noOptions = {
      name: 'TypeError',
      message: expect.stringContaining('its options, the second argument, are missing'),
    };
    expect(await rejection(tool('n', () => 1))).toMatchObject(noOptions);
    expect(await rejection(tool('n', undefined, () => 1))).toMatchObject(noOptions);
    expect(await rejection(tool('n', {}))).toMatchObject({
      name: 'TypeError',
      message: expect.stringContaining('its handler, the third argument, is no function'),
    });
    expect(await host.tools()).toEqual([]);
  });

  it('is offered to agents with its description and its JSON Schema', async () => {
    const real = await RealBroker.start();
    const seen = deferred<Turn['tools']['list']>();
    await real.agent(async (turn) => seen.resolve(turn.tools.list));
    const host = await real.host();
    const parameters = z.object({ city: z.string(), days: z.int().default(1) });
    await host.tool('weather', { description: 'tells it', parameters }, () => 'rain');
    await host.tool('bare', {}, () => 1);
    await host.chat('echo', 'go').text();
    const definitions = [
      { name: 'bare' },
      {
        name: 'weather',
        description: 'tells it',
        parameters: {
          type: 'object',
          properties: { city: { type: 'string' }, days: expect.objectContaining({ type: 'integer', default: 1 }) },
          required: ['city'],
        },
      },
    ];
    expect(await seen.promise).toEqual(definitions);
    expect(await host.tools()).toEqual(definitions);
  });

  it('gets its arguments as the schema makes them, and who calls', async () => {
    const { host, run } = await using('add', { a: 1 }, { actionId: 'act', attempt: 2, timeoutMs: 5_000 });
    const seen = deferred<object>();
    await host.tool('add', { parameters: z.object({ a: z.number(), b: z.number().default(2) }) }, ({ a, b }, call) => {
      const { requestId, sessionId, attempt, actionId, timeoutMs } = call;
      seen.resolve({ requestId, sessionId, attempt, actionId, timeoutMs });
      return a + b;
    });
    expect(await run()).toBe(3);
    expect(await seen.promise).toEqual({
      requestId: 'cb-1',
      sessionId: expect.stringMatching(/^chat-/),
      attempt: 2,
      actionId: 'act',
      timeoutMs: 5_000,
    });
  });

  it('when the arguments do not fit › answers -32602 with the fields, and does not run', async () => {
    const { host, run } = await using('add', { a: 'x', list: [1, 'y'] });
    let ran = false;
    await host.tool('add', { parameters: z.object({ a: z.number(), list: z.array(z.number()) }) }, () => {
      ran = true;
    });
    const error = await run();
    expect(error).toBeInstanceOf(RpcError);
    const issues = [
      { path: 'a', message: expect.any(String) },
      { path: 'list.1', message: expect.any(String) },
    ];
    expect(error).toMatchObject({ code: -32602, data: { issues } });
    expect(ran).toBe(false);
  });

  it.each([
    ['null', null, null],
    ['false', false, false],
    ['0', 0, 0],
    ['nothing, as null', undefined, null],
    ['an object', { a: [1] }, { a: [1] }],
  ])('passes %s', async (_what, result, answer) => {
    const { host, run } = await using('give');
    await host.tool('give', {}, () => result);
    expect(await run()).toEqual(answer);
  });

  it.each([
    [
      'a WireError',
      new WireError(-32050, 'no tea', { left: 0 }),
      { code: -32050, message: 'no tea', data: { left: 0 } },
      0,
    ],
    [
      'an RpcError',
      new RpcError('x', { code: -32014, message: 'not found' }),
      { code: -32014, message: 'not found', data: undefined },
      0,
    ],
    ['an Error', new TypeError('broken'), { code: -32603, message: 'broken' }, 1],
    ['a string', 'broken', { code: -32603, message: 'broken' }, 1],
    ['data that JSON cannot write', new WireError(-32050, 'odd', 1n), { code: -32050, message: 'odd' }, 0],
  ])(
    'when it throws %s › the agent is answered that, and a fault is told here too',
    async (_what, thrown, answer, told) => {
      const real = await RealBroker.start();
      const outcome = deferred<unknown>();
      await real.agent(async (turn) => outcome.resolve(await rejection(turn.tools.call('fail'))));
      const errors: unknown[] = [];
      const host = await real.host({ onToolError: (error) => errors.push(error) });
      await host.tool('fail', {}, () => {
        throw thrown;
      });
      await host.chat('echo', 'go').text();
      expect(await outcome.promise).toMatchObject(answer);
      expect(errors).toEqual(told ? [thrown] : []);
    },
  );

  it.each([
    ['a bigint', 1n],
    ['a function', () => {}],
  ])('when it returns %s › the agent is answered an error, not left waiting', async (_what, result) => {
    const { host, run } = await using('give');
    await host.tool('give', {}, () => result);
    expect(await run()).toMatchObject({ code: -32603 });
  });

  it('when it reports progress › the agent hears it, under its own call', async () => {
    const heard: unknown[] = [];
    const { host, run } = await using('work', {}, { onProgress: (step) => heard.push(step) });
    const late = deferred<boolean>();
    await host.tool('work', {}, (_args, call) => {
      expect(call.progress(0.5, 'half')).toBe(true);
      expect(call.progress({ step: 2 })).toBe(true);
      setImmediate(() => late.resolve(call.progress(1)));
      return 'done';
    });
    expect(await run()).toBe('done');
    expect(heard).toEqual([
      { progress: 0.5, message: 'half' },
      { progress: { step: 2 }, message: undefined },
    ]);
    expect(await late.promise).toBe(false);
  });

  it('when it is taken back › agents find it no more, and another of its name stays', async () => {
    const { host, run } = await using('clock');
    const first = await host.tool('clock', {}, () => 'first');
    const second = await host.tool('clock', {}, () => 'second');
    await first.unregister();
    expect((await host.tools()).map(({ name }) => name)).toEqual(['clock']);
    expect(await run()).toBe('second');
    await second.unregister();
    await second.unregister();
    expect(await host.tools()).toEqual([]);
  });

  it('when the broker refuses it › rejects, and what was registered before stays', async () => {
    const real = await RealBroker.start({ limits: { maxToolsPerConnection: 1 } });
    const outcome = deferred<unknown>();
    await real.agent(async (turn) => outcome.resolve(await turn.tools.call('one')));
    const host = await real.host();
    await host.tool('one', {}, () => 1);
    expect(await rejection(host.tool('two', {}, () => 2))).toMatchObject({ code: -32020 });
    await host.chat('echo', 'go').text();
    expect(await outcome.promise).toBe(1);
  });

  it('when its schema says what JSON Schema cannot › rejects, and is not registered', async () => {
    const host = await (await RealBroker.start()).host();
    await rejection(host.tool('odd', { parameters: z.object({ when: z.date() }) }, () => 1));
    expect(await host.tools()).toEqual([]);
  });

  it('when the embedder runs it › there is no session', async () => {
    const real = await RealBroker.start();
    const host = await real.host();
    await host.tool('where', {}, (_args, call) => ({ session: call.sessionId ?? null }));
    const { session_id } = await host.request('session.init', {});
    expect(await real.broker.executeTool(session_id, 'where', {})).toEqual({ session: null });
  });
});
