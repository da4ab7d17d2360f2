import { existsSync, mkdirSync, readdirSync, readFileSync, statSync, watch } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { openChat } from './support/chat.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';
import { WireClient } from './support/wire-client.ts';

const modeOf = (path: string) => statSync(path).mode & 0o777;

/** A live turn, so that a stop has something to wait for. */
async function occupy(daemon: Daemon) {
  const [host, agent] = [await daemon.host(), await daemon.agent('slow')];
  return { host, agent, chat: await openChat(host, agent, { agent_id: 'slow' }) };
}

describe('the daemon, when it starts', () => {
  it('logs its URL, and the next step', async () => {
    const user = temporaryDirectory();
    const ordinary = await startDaemon({ env: { HOME: user, SWITCHBOARD_HOME: '' }, home: join(user, '.switchboard') });
    const { program, url } = ordinary;
    const messages = program.lines.map((line) => JSON.parse(line).msg);
    expect(url).toMatch(/^ws:\/\/127\.0\.0\.1:\d+$/);
    expect(messages).toContain(`listening on ${url}`);
    expect(messages.at(-1)).toBe('try: npx switchboard agents add my-agent');
    expect(program.err).toBe('');
    const other = await startDaemon({ flags: ['--demo'] });
    const next = JSON.parse(other.program.lines.at(-1) ?? '').msg;
    expect(next).toBe(`try: SWITCHBOARD_HOME="${other.home}" npx switchboard chat echo "hello"`);
  });

  it('writes its tokens and broker.json for its user alone', async () => {
    const { run, tokens, announced, program, url } = await startDaemon();
    expect(modeOf(run)).toBe(0o700);
    expect(readdirSync(run).sort()).toEqual(['auth-token', 'broker.json', 'daemon.lock', 'host-token']);
    for (const name of ['auth-token', 'broker.json', 'host-token']) expect(modeOf(join(run, name))).toBe(0o600);
    expect(tokens.daemon).toMatch(/^[\w-]{43}$/);
    expect(tokens.host).toMatch(/^[\w-]{43}$/);
    expect(tokens.host).not.toBe(tokens.daemon);
    expect(announced).toEqual({ pid: program.child.pid, url, socket: null, version: '0.1.0' });
  });

  it('writes broker.json last: who sees it can authenticate, and chat with echo', async () => {
    const home = temporaryDirectory();
    const run = join(home, 'run');
    mkdirSync(run, { mode: 0o700 });
    const appeared = new Promise<void>((resolve) => {
      const watcher = watch(run, (_, name) => {
        if (name === 'broker.json') resolve();
      });
      own(() => watcher.close());
    });
    new Program([MAIN, '--port', '0', '--no-socket', '--demo'], { SWITCHBOARD_HOME: home });
    await appeared;
    const { url } = JSON.parse(readFileSync(join(run, 'broker.json'), 'utf8'));
    const host = await WireClient.open(url);
    await host.ok('session.auth', { token: readFileSync(join(run, 'auth-token'), 'utf8').trim() });
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'echo', prompt: 'one two' });
    expect(await host.terminal(turn_id)).toMatchObject({ kind: 'done', finish_reason: 'stop', text: 'one two' });
    const deltas = host.events(turn_id).flatMap(({ kind, delta }) => (kind === 'token' ? [delta] : []));
    expect(deltas).toEqual(['one', ' two']);
  });

  it('makes new tokens each time, or takes them from variables', async () => {
    const home = temporaryDirectory();
    const first = await startDaemon({ home });
    await first.stop();
    const second = await startDaemon({ home });
    expect(second.tokens.daemon).not.toBe(first.tokens.daemon);
    await second.stop();
    const env = { SWITCHBOARD_AUTH_TOKEN: 'my-daemon', SWITCHBOARD_HOST_TOKEN: 'my-host' };
    const third = await startDaemon({ home, env });
    expect(third.tokens).toEqual({ daemon: 'my-daemon', host: 'my-host' });
    const client = await third.connect();
    expect(await client.ok('session.auth', { host_token: 'my-host' })).toMatchObject({ role: 'host' });
  });

  it('listens on a Unix socket too, 0600 in a directory of 0700, with the same wire', async () => {
    const runtime = join(temporaryDirectory(), 'xdg');
    const path = join(runtime, 'switchboard', 'broker.sock');
    const home = temporaryDirectory();
    const program = new Program([MAIN, '--port', '0'], { SWITCHBOARD_HOME: home, XDG_RUNTIME_DIR: runtime });
    await program.shows('"try: ');
    expect(JSON.parse(readFileSync(join(home, 'run', 'broker.json'), 'utf8')).socket).toBe(path);
    expect(modeOf(path)).toBe(0o600);
    expect(modeOf(join(runtime, 'switchboard'))).toBe(0o700);

    const token = readFileSync(join(home, 'run', 'auth-token'), 'utf8').trim();
    const stranger = await WireClient.open(`ws+unix:${path}:/`);
    expect(await stranger.call('agents.list')).toMatchObject({ error: { code: -32001 } });
    expect(await stranger.closed).toMatchObject({ code: 4401 });
    const client = await WireClient.open(`ws+unix:${path}:/`);
    expect(await client.ok('session.auth', { token })).toEqual({ ok: true, auth_enabled: true });
    expect(await client.ok('agents.list')).toEqual([]);
    await program.kill('SIGTERM');
    expect(await client.closed).toMatchObject({ code: 1001 });
    expect(existsSync(path)).toBe(false);
  });

  it('puts its socket into its home where there is no runtime directory, or where it is told to', async () => {
    const home = temporaryDirectory();
    const program = new Program([MAIN, '--port', '0'], { SWITCHBOARD_HOME: home });
    await program.shows('"try: ');
    expect(modeOf(join(home, 'run', 'broker.sock'))).toBe(0o600);
    const path = join(temporaryDirectory(), 'own', 's');
    expect((await startDaemon({ flags: ['--socket', path] })).announced.socket).toBe(path);
    expect(modeOf(path)).toBe(0o600);
  });
});

describe.each(['SIGTERM', 'SIGINT'] as const)('the daemon, on %s', (signal) => {
  it('closes every socket with 1001, takes its files along and ends with 0', async () => {
    const daemon = await startDaemon();
    const clients = [await daemon.host(), await daemon.manager(), await daemon.agent('a'), await daemon.connect()];
    expect(await daemon.program.kill(signal)).toEqual({ code: 0, signal: null });
    for (const client of clients) expect(await client.closed).toEqual({ code: 1001, reason: 'broker stopping' });
    expect(readdirSync(daemon.run)).toEqual([]);
    expect(daemon.program.lines.at(-1)).toContain('"msg":"stopped"');
  });

  it('leaves at once, with 1, when it comes again', async () => {
    const daemon = await startDaemon({ flags: ['--drain-timeout', '60000'] });
    const { chat, host } = await occupy(daemon);
    daemon.program.child.kill(signal);
    await daemon.program.shows(`${signal}: stopping`);
    // It waits for the turn, which goes on.
    chat.emit({ kind: 'token', delta: 'still here' });
    await host.event(chat.turnId, ({ kind }) => kind === 'token');
    expect(await daemon.program.kill(signal)).toEqual({ code: 1, signal: null });
    expect(readdirSync(daemon.run)).toEqual([]);
  });
});

describe('the daemon, after a SIGKILL', () => {
  it('starts again on the same home, with new tokens and its agents', async () => {
    const first = await startDaemon();
    const manager = await first.manager();
    const named = { id: 'kept', name: 'Kept', capabilities: ['a'], metadata: { n: 1 } };
    const { token } = await manager.ok('agents.upsert', named);
    expect(await first.program.kill('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
    expect((await manager.closed).code).toBe(1006);
    expect(readdirSync(first.run)).toContain('broker.json');

    const second = await startDaemon({ home: first.home });
    expect(second.announced.pid).toBe(second.program.child.pid);
    expect(second.tokens.daemon).not.toBe(first.tokens.daemon);
    const agent = await second.connect();
    expect(await agent.ok('session.auth', { agent_id: 'kept', token })).toMatchObject({ agent_id: 'kept' });
    expect(await agent.ok('agents.list')).toMatchObject([{ spec: named, attached: true }]);
    await second.stop();
    expect(readdirSync(second.run)).toEqual([]);
  });
});

describe('a secret', () => {
  it('is never logged, whoever shows it', async () => {
    const daemon = await startDaemon({ flags: ['--log-level', 'trace', '--demo'] });
    const token = await daemon.register('a');
    const secrets = [daemon.tokens.daemon, daemon.tokens.host, token, 'wrong-token', 'odd-method-token', 'in-params'];
    const client = await daemon.connect();
    await client.call('session.auth', { token: 'wrong-token' });
    await client.call('session.auth', { host_token: 'wrong-token', agent_id: 'a' });
    await client.ok('session.auth', { token, agent_id: 'a' });
    await client.call('session.auth', { token });
    await client.call('agents.upsert', { token: 'in-params' });
    client.notify('nothing', { token: 'in-params' });
    client.emit('s', { kind: 7, token: 'in-params' });
    client.send('{"jsonrpc": "2.0", "token": "in-params"');
    const host = await daemon.host();
    const { turn_id } = await host.ok('agents.chat', { agent_id: 'echo', prompt: 'in-params' });
    await host.terminal(turn_id);
    await daemon.stop();
    for (const secret of secrets) expect(daemon.program.out).not.toContain(secret);
    expect(daemon.program.err).toBe('');
    // The log was talkative enough to have told.
    expect(daemon.program.out).toContain('a wrong daemon token');
    expect(daemon.program.out).toContain('connection opened');
    expect(daemon.program.out).toContain('turn opened');
  });
});
