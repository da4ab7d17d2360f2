import { expect, it } from 'vitest';
import { describeNats, natsServers } from '../support/nats-servers.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';
import type { WireClient } from './support/wire-client.ts';

/* Daemons that are one over NATS: each a process, with a home of its own. */

const TOKENS = { SWITCHBOARD_AUTH_TOKEN: 'the-same-for-all', SWITCHBOARD_HOST_TOKEN: 'and-this-as-well' };

const start = (id: string, url: string, ...more: string[]): Promise<Daemon> => {
  const flags = ['--cluster', 'tested', '--cluster-id', id, '--cluster-home', 'one', '--cluster-nats', url, ...more];
  return startDaemon({ flags, env: TOKENS, mayFail: true });
};

describeNats('daemons over NATS', () => {
  it('are one: an agent at one of them answers a host at another, with a tool of the host’s, and NATS may go', async () => {
    const [server] = await natsServers(1);
    const url = server?.url ?? '';
    const [one, two] = [await start('one', url), await start('two', url)];
    const manager = await one.manager();
    const others = async () => (await manager.ok('broker.status')).cluster.brokers;
    await expect.poll(others).toMatchObject([{ id: 'two', status: 'alive', link: true, urls: [two.url] }]);
    const { token } = await manager.ok('agents.upsert', { id: 'bot' });
    const agent = await two.connect();
    await expect.poll(async () => (await agent.call('session.auth', { agent_id: 'bot', token })).result).toBeDefined();
    const host = await one.host();
    await host.ok('tools.register', [{ name: 'look', description: '', parameters: {} }]);
    await expect
      .poll(async () => (await host.ok('agents.list', {})).find(({ spec }: Row) => spec.id === 'bot').attached)
      .toBe(true);

    const asked = host.call('agents.chat', { agent_id: 'bot', prompt: 'hi', session_id: 's' });
    const chat = await agent.when(() => agent.received('agent.chat').at(-1));
    agent.answer(chat, { accepted: true });
    expect((await asked).result).toMatchObject({ accepted: true, session_id: 's' });
    const { session_id, turn_id } = chat.params;
    agent.notify('agent.chat.event', { session_id, turn_id, kind: 'token', delta: 'seen: ' });
    const used = agent.call('tools.execute', { session_id, tool: 'look', parameters: {} });
    host.answer(await host.when(() => host.received('tools.execute').at(-1)), 'a cat');
    expect((await used).result).toBe('a cat');
    agent.notify('agent.chat.event', { session_id, turn_id, kind: 'done', text: 'seen: a cat' });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', seq: 2 });
    expect(host.events(turn_id).map(({ kind, seq }) => [kind, seq])).toEqual([
      ['token', 1],
      ['done', 2],
    ]);

    // Another home would remove for all what it does not keep.
    const flags = ['--port', '0', '--no-socket', '--cluster', 'tested', '--cluster-id', 'three', '--cluster-nats', url];
    const third = new Program([MAIN, ...flags, '--cluster-home', 'three'], {
      ...TOKENS,
      SWITCHBOARD_HOME: temporaryDirectory(),
    });
    expect((await third.exit).code).toBe(1);
    expect(third.err).toContain('the home of this cluster is broker one');

    await server?.kill();
    await expect.poll(async () => (await one.get('/metrics')).body).toContain('switchboard_cluster_connected 0');
    expect((await one.get('/readyz')).status).toBe(200);
    await expect
      .poll(async () => (await host.call('agents.chat', { agent_id: 'bot', prompt: 'hi' })).error?.data, {
        timeout: 30_000,
      })
      .toMatchObject({ reason: 'cluster' });
  });

  it('know of a turn whose broker was killed when it had ended', async () => {
    const [server] = await natsServers(1);
    const url = server?.url ?? '';
    const [one, two] = await Promise.all([start('one', url), start('two', url)]);
    const manager = await one.manager();
    const { token } = await manager.ok('agents.upsert', { id: 'bot' });
    // Known there in a moment: a wrong token too often closes a connection.
    const attached = async (daemon: Daemon): Promise<WireClient> => {
      const agent = await daemon.connect();
      const { result } = await agent.call('session.auth', { agent_id: 'bot', token, resume: true });
      return result ? agent : attached(daemon);
    };
    const agent = await attached(two);
    const host = await two.host();
    const secret = 'a-secret-that-the-host-has-chosen-itself';
    const chat = { agent_id: 'bot', prompt: 'hi', session_id: 's', resume_window_ms: 60_000, resume_token: secret };
    const opened = host.call('agents.chat', chat);
    const asked = await agent.when(() => agent.received('agent.chat').at(-1));
    agent.answer(asked, { accepted: true });
    await opened;
    const { session_id, turn_id } = asked.params;
    // More than one message of NATS holds: it goes in parts.
    const delta = 'long '.repeat(100_000);
    for (const aseq of [1, 2, 3]) agent.notify('agent.chat.event', { session_id, turn_id, kind: 'token', delta, aseq });
    agent.notify('agent.chat.event', { session_id, turn_id, kind: 'done', text: '', aseq: 4 });
    await host.terminal(turn_id);
    await expect
      .poll(async () => (await two.get('/metrics')).body, { timeout: 30_000 })
      .toContain('switchboard_cluster_ended_turns_total{outcome="kept"} 1');
    await two.program.kill('SIGKILL');

    const other = await one.host();
    const said = { session_id: 's', turn_id, resume_token: secret, after: 1 };
    const resumed = await other.ok('agents.chat.subscribe', said);
    expect(resumed).toMatchObject({ status: 'done', turn_id, head: 4, recovered: true });
    expect(await other.terminal(turn_id)).toMatchObject({ kind: 'done', seq: 4 });
    const events = other.events(turn_id).map(({ kind, seq, delta: text = '' }) => [kind, seq, text === delta]);
    expect(events).toEqual([
      ['token', 2, true],
      ['token', 3, true],
      ['done', 4, false],
    ]);
    // Its agent comes back here, and is told; the chat that is sent again opens nothing.
    const again = await attached(one);
    const turns = [{ turn_id, session_id, kept_from: 1, next: 5 }];
    expect((await again.ok('agent.resume', { turns })).turns).toMatchObject([{ turn_id, status: 'ended' }]);
    expect(await other.ok('agents.chat', chat)).toMatchObject({ resumed: true, turn_id, status: 'done' });
    expect(again.received('agent.chat')).toEqual([]);
  });

  it('say what is wrong, and do not start', async () => {
    const flags = ['--port', '0', '--no-socket', '--cluster', 'tested', '--cluster-nats', 'nats://127.0.0.1:9'];
    const program = new Program([MAIN, ...flags], { SWITCHBOARD_HOME: temporaryDirectory() });
    expect((await program.exit).code).toBe(1);
    expect(program.err).toMatch(/NATS/);
  });
});

interface Row {
  spec: { id: string };
}
