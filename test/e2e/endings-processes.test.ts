import { type AgentStatus, type ChatEvent, connectAgent, connectHost } from 'switchboard/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { own } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, DIST, Program } from './support/program.ts';
import { sdkProcess } from './support/tools.ts';
import type { WireClient } from './support/wire-client.ts';

/** Long enough, at a tenth of a second a word, for whoever is to be killed. */
const LONG_PROMPT = 'word '.repeat(500).trim();

/** Soon over, for an agent that never comes back. */
const WINDOW_MS = 300;

let daemon: Daemon;
let host: WireClient;
beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--agent-window', String(WINDOW_MS)] });
  host = await daemon.host();
});

async function agentProcess(id: string, on = daemon): Promise<Program> {
  const env = { SWITCHBOARD_URL: on.url, SWITCHBOARD_AGENT_TOKEN: await on.register(id) };
  const program = new Program([`${DIST}/examples/agent.js`, id], env);
  await program.shows(`${id}: ready`);
  return program;
}

/** A program whose chat does not outlive its connection. */
function hostProcess(agentId: string, on = daemon): Program {
  const text = `const host = await connectHost();
    const chat = host.chat('${agentId}', '${LONG_PROMPT}');
    for await (const event of chat) console.log(JSON.stringify(event));`;
  return sdkProcess(text, { SWITCHBOARD_HOME: on.home });
}

function commandProcess(agentId: string, ...flags: string[]): Program {
  const program = new Program([CLI, 'chat', agentId, LONG_PROMPT, ...flags], { SWITCHBOARD_HOME: daemon.home });
  program.child.stdin?.end();
  return program;
}

describe('when an agent’s process is killed', () => {
  it('its host is told that it is away, then that it has not come back, and that is the end', async () => {
    const agent = await agentProcess('doomed');
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'doomed', prompt: LONG_PROMPT });
    await host.event(turn_id, ({ seq }) => seq === 3);
    await agent.kill('SIGKILL');
    const end = await host.terminal(turn_id);
    expect(end).toMatchObject({ kind: 'error', code: 'agent_disconnected', synthesized: true });
    const events = host.events(turn_id);
    expect(events.at(-1)).toBe(end);
    const [away, ...more] = events.filter(({ seq }) => seq === undefined);
    expect(away).toMatchObject({ kind: 'agent_away', window_ms: WINDOW_MS, synthesized: true });
    expect(more).toEqual([]);
    // Nothing comes of it between the two.
    expect(events.at(-2)).toBe(away);
    const numbered = events.filter((event) => event !== away);
    expect(numbered.map(({ seq }) => seq)).toEqual(numbered.map((_, index) => index + 1));
    expect((await host.call('agents.chat', { agent_id: 'doomed', prompt: 'x' })).error.code).toBe(-32011);
  });

  it('a host process ends with 1, and what came so far is on its screen', async () => {
    const agent = await agentProcess('doomed-too');
    const program = commandProcess('doomed-too', '--json');
    await program.shows('"seq":2');
    await agent.kill('SIGKILL');
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.lines.slice(-2).map((line) => JSON.parse(line))).toMatchObject([
      { kind: 'agent_away', window_ms: WINDOW_MS },
      { kind: 'error', code: 'agent_disconnected' },
    ]);
    expect(program.err).toContain('the agent failed: the agent disconnected');
  });

  it('a person who waits for its answer reads that it is away, then that it has failed', async () => {
    const agent = await agentProcess('doomed-three');
    const program = commandProcess('doomed-three');
    await program.shows('word word');
    await agent.kill('SIGKILL');
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.err).toMatch(/^\[the agent is away; waiting for it to come back…\]\n.*the agent disconnected/);
    expect(program.out).toMatch(/word word \n$/);
  });

  it('where no turn waits for an agent, its host is told the end at once', async () => {
    const strict = await startDaemon({ flags: ['--agent-window', '0'] });
    const client = await strict.host();
    const agent = await agentProcess('doomed', strict);
    const { turn_id } = await client.ok('agents.chat', { agent_id: 'doomed', prompt: LONG_PROMPT });
    await client.event(turn_id, ({ seq }) => seq === 3);
    await agent.kill('SIGKILL');
    expect(await client.terminal(turn_id)).toMatchObject({ kind: 'error', code: 'agent_disconnected' });
    const events = client.events(turn_id);
    expect(events.map(({ seq }) => seq)).toEqual(events.map((_, index) => index + 1));
  });

  it('and started again meanwhile, the turn ends with the old one, and the new one serves the next', async () => {
    // It waits for a minute, as by default.
    const patient = await startDaemon();
    const client = await patient.host();
    const agent = await agentProcess('restarted', patient);
    const { turn_id } = await client.ok('agents.chat', { agent_id: 'restarted', prompt: LONG_PROMPT });
    await client.event(turn_id, ({ seq }) => seq === 3);
    await agent.kill('SIGKILL');
    expect(await client.event(turn_id, ({ kind }) => kind === 'agent_away')).toMatchObject({ window_ms: 60_000 });
    expect((await client.call('agents.chat', { agent_id: 'restarted', prompt: 'x' })).error.code).toBe(-32011);
    const { sessions } = await (await patient.manager()).ok('agents.chat.sessions');
    expect(sessions).toMatchObject([{ turn_id, status: 'orphaned' }]);
    await agentProcess('restarted', patient);
    expect(await client.terminal(turn_id)).toMatchObject({ kind: 'error', code: 'agent_replaced', synthesized: true });
    const next = await client.ok('agents.chat', { agent_id: 'restarted', prompt: 'next' });
    expect(await client.terminal(next.turn_id)).toMatchObject({ kind: 'done', finish_reason: 'stop' });
  });
});

describe('when a host’s process is killed', () => {
  it('its agent is told: agent.chat.cancel, host_disconnected', async () => {
    const agent = await daemon.agent('left');
    const program = hostProcess('left');
    const request = await agent.when(() => agent.received('agent.chat')[0]);
    const { session_id, turn_id } = request.params;
    agent.answer(request, { accepted: true });
    agent.emit(session_id, { kind: 'token', delta: 'x' });
    await program.shows('"seq":1');
    await program.kill('SIGKILL');
    await agent.when(() => agent.cancels(turn_id)[0]);
    agent.emit(session_id, { kind: 'token', delta: 'to nobody' });
    await agent.settled();
    expect(agent.cancels(turn_id)).toEqual(['host_disconnected']);
    expect((await (await daemon.manager()).ok('agents.chat.sessions')).sessions).toEqual([]);
  });

  it('an agent’s process stops working on it, and serves the next', async () => {
    await agentProcess('patient');
    const program = hostProcess('patient');
    await program.shows('"seq":2');
    await program.kill('SIGKILL');
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'patient', prompt: 'next' });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', finish_reason: 'stop' });
    await expect
      .poll(() => host.ok('agents.list'))
      .toContainEqual(expect.objectContaining({ spec: expect.objectContaining({ id: 'patient' }), turns: 0 }));
  });
});

describe('when the daemon is killed', () => {
  it('the SDK’s host throws, its agent comes back to the next daemon, and can be chatted with again', async () => {
    const first = await startDaemon();
    const { home } = first;
    const statuses: AgentStatus['status'][] = [];
    let abort: (reason: unknown) => void;
    const aborted = new Promise<unknown>((resolve) => {
      abort = resolve;
    });
    let ready = () => {};
    const agent = await connectAgent({
      agentId: 'phoenix',
      token: await first.register('phoenix'),
      home,
      env: {},
      reconnect: { minMs: 20, maxMs: 100 },
      onStatus: ({ status }) => {
        statuses.push(status);
        if (status === 'ready') ready();
      },
      async *onChat({ prompt, signal }) {
        yield `${prompt} `;
        if (prompt !== 'wait') return;
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        abort(signal.reason);
      },
    });
    own(() => agent.close());

    const before = await connectHost({ home, env: {} });
    own(() => before.close());
    const chat = before.chat('phoenix', 'wait');
    const events: ChatEvent[] = [];
    const reading = (async () => {
      for await (const event of chat) {
        events.push(event);
        if (event.kind === 'token') void first.program.kill('SIGKILL');
      }
    })();
    await expect(reading).rejects.toMatchObject({ name: 'ConnectionLostError', closeCode: 1006 });
    expect(events).toMatchObject([{ kind: 'token', delta: 'wait ' }]);
    await expect(before.chat('phoenix', 'x').ack).rejects.toMatchObject({ name: 'ConnectionLostError' });
    expect(await before.closed).toMatchObject({ name: 'ConnectionLostError' });

    const back = new Promise<void>((resolve) => {
      ready = resolve;
    });
    await startDaemon({ home });
    await back;
    // It asks the next one for its turn, which knows nothing of it.
    expect(await aborted).toMatchObject({ name: 'TurnCancelled', reason: 'connection_lost' });
    expect(statuses.slice(0, 3)).toEqual(['connecting', 'ready', 'waiting']);
    const after = await connectHost({ home, env: {} });
    own(() => after.close());
    expect(await after.chat('phoenix', 'hello again').text()).toBe('hello again ');
    await agent.close();
    expect(agent.status).toBe('closed');
  });

  it('a host’s process ends with 1, an agent’s keeps trying', async () => {
    const doomed = await startDaemon();
    const agent = await agentProcess('stays', doomed);
    const program = hostProcess('stays', doomed);
    await program.shows('"seq":2');
    await doomed.program.kill('SIGKILL');
    expect(await program.exit).toEqual({ code: 1, signal: null });
    expect(program.err).toContain('connection lost');
    await agent.shows('stays: waiting');
    expect(agent.child.exitCode).toBeNull();
  });
});
