import { beforeAll, describe, expect, it } from 'vitest';
import { settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { answersTo, callsOf, drops, toolTurn } from './support/tools.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
});

describe('a tool of the host', () => {
  it('is offered to the agent, sorted by name, beside what the host says itself', async () => {
    const schema = { type: 'object', properties: { zone: { type: 'string' } } };
    const { host, chat } = await toolTurn(daemon, [
      { name: 'clock', description: 'Tells the time', parameters: schema },
      { name: 'alarm' },
    ]);
    expect(chat.request.params.context.tools).toEqual([
      { name: 'alarm' },
      { name: 'clock', description: 'Tells the time', parameters: schema },
    ]);
    expect(await host.ok('tools.list', {})).toEqual({ tools: chat.request.params.context.tools, count: 2 });
  });

  it('is asked with every field that the agent gave, and its answer comes back', async () => {
    const { host, agent, chat, execute, asked } = await toolTurn(daemon);
    const parameters = { zone: 'UTC', deep: [{ a: null }], text: '\u0000☃' };
    const id = execute({ parameters, timeout_ms: 12_345, action_id: 'act-7', attempt: 3 });
    const request = await asked();
    const { request_id } = request.params;
    expect(request_id).toMatch(/^cb-\d+$/);
    expect(request).toEqual({
      jsonrpc: '2.0',
      id: request_id,
      method: 'tools.execute',
      params: {
        action_id: 'act-7',
        tool: 'clock',
        parameters,
        params: parameters,
        timeout_ms: 12_345,
        attempt: 3,
        request_id,
        session_id: chat.sessionId,
      },
    });
    const result = { time: '12:00', more: [1, { ok: false }] };
    host.answer(request, result);
    expect(await agent.replyTo(id)).toEqual({ jsonrpc: '2.0', id, result });
  });

  it('is asked with the defaults where the agent gave no more than it must', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const id = execute();
    const request = await asked();
    expect(request.params).toMatchObject({ timeout_ms: 300_000, action_id: '', attempt: 1 });
    host.answer(request, 1);
    expect((await agent.replyTo(id)).result).toBe(1);
  });

  it.each([null, false, 0, '', [], {}, 'words'])('may answer %j, and the agent reads just that', async (result) => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const id = execute();
    host.answer(await asked(), result);
    expect(await agent.replyTo(id)).toEqual({ jsonrpc: '2.0', id, result });
  });

  it.each([
    { code: 7, message: 'no such zone' },
    { code: -32603, message: '', data: null },
    { code: -32017, message: 'its own', data: { detail: [false] } },
  ])('may fail with %j, and the agent reads just that', async (error) => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const id = execute();
    host.answer(await asked(), undefined, error);
    expect(await agent.replyTo(id)).toEqual({ jsonrpc: '2.0', id, error });
  });

  it('may answer in any order, each to its own request, and no id is used twice', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const ids = [0, 1, 2, 3].map((n) => execute({ parameters: n }));
    const requests = await Promise.all(ids.map((_, n) => asked(n)));
    for (const n of [2, 0, 3, 1]) host.answer(requests[n], `answer ${n}`);
    const answers = await Promise.all(ids.map((id) => agent.replyTo(id)));
    expect(answers.map(({ result }) => result)).toEqual([0, 1, 2, 3].map((n) => `answer ${n}`));
    expect(new Set(requests.map(({ id }) => id)).size).toBe(4);
  });

  it('is answered by its host alone: a stranger with the right id does nothing', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const stranger = await daemon.host();
    const id = execute();
    const request = await asked();
    stranger.answer(request, 'forged');
    stranger.notify('tools.progress', { request_id: request.id, message: 'forged' });
    await settle(stranger, agent);
    expect(answersTo(agent, id)).toEqual([]);
    expect(agent.received('tools.progress')).toEqual([]);
    host.answer(request, 'true');
    expect((await agent.replyTo(id)).result).toBe('true');
  });

  it('is not there: -32019 at once, before it is registered and after it is taken back', async () => {
    const { host, agent, execute } = await toolTurn(daemon);
    expect((await agent.replyTo(execute({ tool: 'other' }))).error.code).toBe(-32019);
    expect(await host.ok('tools.unregister', { name: 'clock' })).toMatchObject({ removed: 1 });
    expect((await agent.replyTo(execute())).error.code).toBe(-32019);
    await settle(host);
    expect(host.received('tools.execute')).toEqual([]);
  });

  it('is for the agent of the turn: -32015 for the host itself, -32014 for another agent, and for no such session', async () => {
    const { host, agent, chat, execute } = await toolTurn(daemon);
    const own = callsOf(host, host, chat.sessionId).execute();
    expect((await host.replyTo(own)).error.code).toBe(-32015);
    // Another agent is another principal: for it there is no such session.
    const other = await daemon.agent('other');
    const foreign = callsOf(host, other, chat.sessionId).execute();
    expect((await other.replyTo(foreign)).error.code).toBe(-32014);
    expect((await agent.replyTo(execute({ session_id: 'none' }))).error.code).toBe(-32014);
  });

  it('is pending 64 times for a turn at most: the next gets -32020, and an answer makes room', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    for (let n = 0; n < 64; n++) execute();
    const { error } = await agent.replyTo(execute());
    expect(error).toMatchObject({ code: -32020, data: { limit: { value: 64 } } });
    host.answer(await asked(63), 'room');
    await settle(host);
    const id = execute();
    host.answer(await asked(64), 'the 65th');
    expect((await agent.replyTo(id)).result).toBe('the 65th');
  });
});

describe('a tool that takes too long', () => {
  it('ends in -32017, its host is told, and its late answer is dropped and counted', async () => {
    const { host, agent, chat, execute, asked, withdrawn } = await toolTurn(daemon);
    const before = await drops(daemon, 'late_response');
    const id = execute({ timeout_ms: 50, action_id: 'slow' });
    const request = await asked();
    expect((await agent.replyTo(id)).error.code).toBe(-32017);
    expect(await withdrawn()).toEqual({ request_id: request.id, action_id: 'slow', reason: 'timeout' });
    host.answer(request, 'late');
    await settle(host, agent);
    expect(answersTo(agent, id)).toHaveLength(1);
    expect(await drops(daemon, 'late_response')).toBe(before + 1);
    // The turn itself goes on.
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    expect(await host.terminal(chat.turnId)).toMatchObject({ kind: 'done', seq: 1 });
  });

  it('tells its progress, which the agent reads as its own request’s, and has that much longer', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const timeout = 400;
    const id = execute({ timeout_ms: timeout });
    const { id: request_id } = await asked();
    const since = performance.now();
    const report = (n: number) => host.notify('tools.progress', { request_id, progress: n / 4, message: `step ${n}` });
    report(1);
    // A report per round trip, well into the second timeout.
    let n = 1;
    while (performance.now() - since < 1.5 * timeout) {
      await host.settled();
      report(++n);
    }
    host.answer(await asked(), 'at last');
    expect((await agent.replyTo(id)).result).toBe('at last');
    const reports = agent.received('tools.progress').map(({ params }) => params);
    expect(reports).toHaveLength(n);
    expect(reports[1]).toEqual({ request_id: id, progress: 0.5, message: 'step 2' });
  });

  it('is not kept alive by progress beyond ten times its time', async () => {
    const { host, agent, execute, asked, withdrawn } = await toolTurn(daemon);
    const timeout = 300;
    const id = execute({ timeout_ms: timeout });
    const { id: request_id } = await asked();
    const since = performance.now();
    while (answersTo(agent, id).length === 0 && performance.now() - since < 30_000) {
      host.notify('tools.progress', { request_id, message: 'still here' });
      await host.settled();
    }
    expect((await agent.replyTo(id)).error.code).toBe(-32017);
    // Longer than one timeout, so that progress did count.
    expect(performance.now() - since).toBeGreaterThan(timeout);
    expect(await withdrawn()).toMatchObject({ request_id, reason: 'timeout' });
  });
});

describe('an agent that needs its tool no more', () => {
  it('withdraws it: -32018 to itself, tools.cancel to the host, and what comes late goes nowhere', async () => {
    const { host, agent, execute, asked, withdrawn } = await toolTurn(daemon);
    const [id, kept] = [execute({ action_id: 'one' }), execute({ action_id: 'two' })];
    const requests = [await asked(0), await asked(1)];
    agent.notify('tools.cancel', { id });
    expect((await agent.replyTo(id)).error).toMatchObject({ code: -32018, data: { reason: 'agent_withdrew' } });
    expect(await withdrawn()).toEqual({ request_id: requests[0].id, action_id: 'one', reason: 'agent_withdrew' });
    for (const request of requests) host.answer(request, 'answer');
    expect((await agent.replyTo(kept)).result).toBe('answer');
    await settle(host, agent);
    expect(answersTo(agent, id)).toHaveLength(1);
    expect(host.received('tools.cancel')).toHaveLength(1);
  });

  it('withdraws nobody else’s', async () => {
    const { host, agent, execute, asked } = await toolTurn(daemon);
    const id = execute();
    const request = await asked();
    const stranger = await daemon.agent('stranger');
    stranger.notify('tools.cancel', { id });
    await settle(stranger, host);
    expect(host.received('tools.cancel')).toEqual([]);
    host.answer(request, 'undisturbed');
    expect((await agent.replyTo(id)).result).toBe('undisturbed');
  });
});
