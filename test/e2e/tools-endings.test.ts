import { beforeAll, describe, expect, it } from 'vitest';
import { settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { answersTo, callsOf, drops, sdkProcess, type ToolTurn, toolTurn } from './support/tools.ts';

let daemon: Daemon;
beforeAll(async () => {
  daemon = await startDaemon();
});

describe('a tool that is pending when its turn ends', () => {
  const endings: [how: string, end: (turn: ToolTurn) => unknown, kind: string][] = [
    ['with done', ({ chat }) => chat.emit({ kind: 'done', finish_reason: 'stop' }), 'done'],
    ['with an error', ({ chat }) => chat.emit({ kind: 'error', error: 'oh' }), 'error'],
    ['cancelled', ({ host, chat }) => host.ok('agents.chat.cancel', { session_id: chat.sessionId }), 'done'],
    [
      'replaced',
      ({ host, agentId, chat }) =>
        host.post('agents.chat', { agent_id: agentId, prompt: 'x', session_id: chat.sessionId, on_busy: 'replace' }),
      'done',
    ],
  ];
  it.each(endings)('%s: -32018 to the agent, tools.cancel to the host before the terminal', async (_, end, kind) => {
    const turn = await toolTurn(daemon);
    const { host, agent, chat, execute, asked, withdrawn } = turn;
    const before = await drops(daemon, 'late_response');
    const id = execute({ action_id: 'act' });
    const request = await asked();
    await end(turn);
    expect((await agent.replyTo(id)).error).toMatchObject({ code: -32018, data: { reason: 'turn_ended' } });
    expect(await withdrawn()).toEqual({ request_id: request.id, action_id: 'act', reason: 'turn_ended' });
    expect(await host.terminal(chat.turnId)).toMatchObject({ kind });
    const order = host.frames.map(({ method, params }) => (method === 'tools.cancel' ? method : params?.kind));
    expect(order.indexOf('tools.cancel')).toBeLessThan(order.indexOf(kind));
    host.answer(request, 'late');
    await settle(host, agent);
    expect(answersTo(agent, id)).toHaveLength(1);
    expect(await drops(daemon, 'late_response')).toBe(before + 1);
  });
});

describe('a tool that is pending when a process is killed', () => {
  it('the host’s: the agent gets -32018 and the cancel of its turn', async () => {
    const agent = await daemon.agent('bereft');
    const program = sdkProcess(
      `const host = await connectHost();
      await host.tool('hang', {}, () => (console.log('asked'), new Promise(() => {})));
      await host.chat('bereft', 'go').text();`,
      { SWITCHBOARD_HOME: daemon.home },
    );
    const request = await agent.when(() => agent.received('agent.chat')[0]);
    const { session_id, turn_id } = request.params;
    expect(request.params.context.tools).toMatchObject([{ name: 'hang' }]);
    agent.answer(request, { accepted: true });
    const { execute } = callsOf(agent, agent, session_id);
    const id = execute({ tool: 'hang' });
    await program.shows('asked');
    await program.kill('SIGKILL');
    expect((await agent.replyTo(id)).error).toMatchObject({ code: -32018, data: { reason: 'host_disconnected' } });
    await agent.when(() => agent.cancels(turn_id)[0]);
    expect(agent.cancels(turn_id)).toEqual(['host_disconnected']);
    // It is over, so that there is nobody's tool to ask for.
    expect((await agent.replyTo(execute({ tool: 'hang' }))).error.code).toBe(-32014);
    expect(answersTo(agent, id)).toHaveLength(1);
  });

  const agents: [how: string, options: string, told: string[]][] = [
    ['which does not come back', 'reconnect: false,', []],
    ['which might come back, and does not', '', ['agent_away']],
  ];
  it.each(agents)('the agent’s, %s: the host is told to stop, then that it is gone', async (_, options, first) => {
    const waiting = await startDaemon({ flags: ['--agent-window', '300'] });
    const host = await waiting.host();
    await host.ok('tools.register', [{ name: 'hang' }]);
    const program = sdkProcess(
      `await connectAgent({ agentId: 'doomed', ${options} async *onChat(turn) {
        yield 'I ask';
        await turn.tools.call('hang', {});
      } });
      console.log('ready');`,
      { SWITCHBOARD_URL: waiting.url, SWITCHBOARD_AGENT_TOKEN: await waiting.register('doomed') },
    );
    await program.shows('ready');
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'doomed', prompt: 'go' });
    const request = await host.when(() => host.received('tools.execute')[0]);
    const before = await drops(waiting, 'late_response');
    await program.kill('SIGKILL');
    const end = await host.terminal(turn_id);
    expect(end).toMatchObject({ kind: 'error', code: 'agent_disconnected', synthesized: true });
    const told = host.received('tools.cancel');
    expect(told.map(({ params }) => params)).toMatchObject([{ request_id: request.id, reason: 'agent_disconnected' }]);
    // While it is away its tool runs on.
    const since = host.frames.slice(host.frames.indexOf(request) + 1).filter(({ method }) => method !== undefined);
    const order = since.map(({ method, params }) => (method === 'tools.cancel' ? method : params?.kind));
    expect(order).toEqual([...first, 'tools.cancel', 'error']);
    host.answer(request, 'to nobody');
    await host.settled();
    expect(await drops(waiting, 'late_response')).toBe(before + 1);
  });

  it('the daemon’s: the SDK’s agent is told that the connection is lost, and does not hang', async () => {
    const doomed = await startDaemon();
    const host = await doomed.host();
    await host.ok('tools.register', [{ name: 'hang' }]);
    const program = sdkProcess(
      `await connectAgent({ agentId: 'a', reconnect: false, async *onChat(turn) {
        await turn.tools.call('hang', {}).catch((error) => console.log('failed: ' + error.name));
      } });
      console.log('ready');`,
      { SWITCHBOARD_URL: doomed.url, SWITCHBOARD_AGENT_TOKEN: await doomed.register('a') },
    );
    await program.shows('ready');
    await host.ok('agents.chat', { agent_id: 'a', prompt: 'go' });
    await host.when(() => host.received('tools.execute')[0]);
    await doomed.program.kill('SIGKILL');
    await program.shows('failed: ');
    expect(await host.closed).toMatchObject({ code: 1006 });
  });
});

describe('a tool that is pending when another connection takes over', () => {
  it('its agent’s: the host is told, and the new one never sees the old one’s answer', async () => {
    const { host, agentId, chat, execute, asked, withdrawn } = await toolTurn(daemon);
    execute();
    const request = await asked();
    const newer = await daemon.agent(agentId);
    expect(await withdrawn()).toMatchObject({ request_id: request.id, reason: 'agent_disconnected' });
    expect(await host.terminal(chat.turnId)).toMatchObject({ kind: 'error', code: 'agent_replaced' });
    host.answer(request, 'late');
    await settle(host, newer);
    expect(newer.frames.filter(({ result }) => result === 'late')).toEqual([]);
  });
});

describe('a tool that is pending when the daemon is stopped', () => {
  it('still gets its answer while the daemon drains; what is left then ends as draining', async () => {
    const stopping = await startDaemon({ flags: ['--drain-timeout', '5000'] });
    const { host, agent, chat, execute, asked, withdrawn } = await toolTurn(stopping);
    const [quick, stubborn] = [execute({ action_id: 'quick' }), execute({ action_id: 'stubborn' })];
    const requests = [await asked(0), await asked(1)];
    stopping.program.child.kill('SIGTERM');
    await stopping.program.shows('SIGTERM: stopping');
    host.answer(requests[0], 'in time');
    expect((await agent.replyTo(quick)).result).toBe('in time');
    expect((await agent.replyTo(stubborn)).error).toMatchObject({ code: -32018, data: { reason: 'draining' } });
    expect(await withdrawn()).toEqual({ request_id: requests[1].id, action_id: 'stubborn', reason: 'draining' });
    expect(await host.terminal(chat.turnId)).toMatchObject({ kind: 'error', code: 'draining', synthesized: true });
    for (const client of [host, agent]) expect(await client.closed).toMatchObject({ code: 1001 });
    expect(agent.cancels(chat.turnId)).toEqual(['draining']);
    expect(answersTo(agent, stubborn)).toHaveLength(1);
    expect(await stopping.program.exit).toEqual({ code: 0, signal: null });
  });
});
