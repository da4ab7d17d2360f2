import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { request } from 'node:http';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { recordsOf } from '../audit/support.ts';
import { openChat } from './support/chat.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, MAIN, Program, run } from './support/program.ts';
import { WireClient } from './support/wire-client.ts';

/* A daemon of several processes, which are stopped and killed. */

const TWO = ['--workers', '2'];

/** The processes that live as workers of a home, by their names. */
function workersOf(home: string): Record<string, number> {
  const locks = readdirSync(join(home, 'run')).flatMap((name) => /^worker-(.+)\.lock$/.exec(name)?.[1] ?? []);
  return Object.fromEntries(
    locks.map((id) => [id, JSON.parse(readFileSync(join(home, 'run', `worker-${id}.lock`), 'utf8')).pid]),
  );
}

/** One that has ended, and whose end nobody has taken note of, does not live. */
function isAlive(pid: number): boolean {
  try {
    return !/\) Z /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
  } catch {
    return false;
  }
}

/** Waits until processes are gone; those that are not when the test ends are killed. */
async function areGone(pids: number[]): Promise<void> {
  own(() => {
    for (const pid of pids) if (isAlive(pid)) process.kill(pid, 'SIGKILL');
  });
  await vi.waitFor(() => expect(pids.filter(isAlive)).toEqual([]), { timeout: 20_000, interval: 50 });
}

/** A connection at that worker, authenticated so. The log says where it came. */
async function connectAt(daemon: Daemon, worker: string, auth: object): Promise<WireClient> {
  const opened = () => messages(daemon.program).filter(({ msg, via }) => msg === 'connection opened' && via === 'tcp');
  for (;;) {
    const before = opened().length;
    const client = await daemon.connect();
    await vi.waitFor(() => expect(opened().length).toBeGreaterThan(before), { timeout: 20_000 });
    if (opened()[before].worker === worker) {
      await client.ok('session.auth', auth);
      return client;
    }
    client.close();
  }
}

const managerAt = (daemon: Daemon, worker: string) => connectAt(daemon, worker, { host_token: daemon.tokens.host });

async function chatWithEcho(client: WireClient, prompt: string): Promise<string> {
  const { turn_id } = await client.ok('agents.chat', { agent_id: 'echo', prompt });
  return (await client.terminal(turn_id)).text;
}

/** Asks by a connection of its own, so that each time another worker has it. */
function post(url: string, body: object, headers: Record<string, string>): Promise<{ status: number; text: string }> {
  return new Promise((resolve, reject) => {
    const sent = request(url.replace(/^ws/, 'http'), {
      method: 'POST',
      agent: false,
      headers: { ...headers, 'content-type': 'application/json' },
    });
    sent.once('error', reject).once('response', (answer) => {
      let text = '';
      answer.setEncoding('utf8').on('data', (part) => {
        text += part;
      });
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, text }));
    });
    sent.end(JSON.stringify(body));
  });
}

const messages = (program: Program) => program.lines.map((line) => JSON.parse(line));

describe('a daemon of two workers', () => {
  const home = temporaryDirectory();
  const [socket, audit] = [join(home, 'b.sock'), join(home, 'audit.jsonl')];
  const env = { SWITCHBOARD_AUTH_TOKEN: 'my-daemon-token', SWITCHBOARD_HOST_TOKEN: 'my-host-token' };
  let daemon: Daemon;
  let workers: Record<string, number>;
  beforeAll(async () => {
    const flags = [...TWO, '--demo', '--socket', socket, '--audit', audit, '--drain-timeout', '30000'];
    daemon = await startDaemon({ flags, env, home });
    workers = workersOf(home);
  });

  it('is one: one port, one home, one console, one /metrics', async () => {
    const { announced, program } = daemon;
    expect(announced.pid).toBe(program.child.pid);
    expect(Object.keys(workers).sort()).toEqual(['1', '2']);
    const [one, two] = [await managerAt(daemon, '1'), await managerAt(daemon, '2')];
    // Echo is at the first worker alone.
    expect(await chatWithEcho(one, 'here')).toBe('here');
    expect(await chatWithEcho(two, 'from there')).toBe('from there');
    expect((await daemon.get('/readyz')).status).toBe(200);
    const { body } = await daemon.get('/metrics');
    expect(body).toContain('switchboard_workers{state="told"} 2\n');
    expect(body).toContain('switchboard_turns_total 2\n');
    expect(body).toContain('switchboard_agents{which="attached"} 1\n');
    expect(body).toContain('switchboard_connections{role="host"} 2\n');
    const says = (id: string) => messages(program).some(({ worker, msg }) => worker === id && /listens/.test(msg));
    expect([says('1'), says('2')]).toEqual([true, true]);
  });

  it('gives its tokens to the workers by neither command line nor variables', async () => {
    for (const worker of ['1', '2']) (await managerAt(daemon, worker)).close();
    for (const pid of Object.values(workers))
      for (const file of ['cmdline', 'environ'])
        expect(readFileSync(`/proc/${pid}/${file}`, 'utf8')).not.toMatch(/my-(daemon|host)-token/);
  });

  it('listens on one Unix socket', async () => {
    expect(statSync(socket).mode & 0o777).toBe(0o600);
    for (let n = 0; n < 4; n += 1) {
      const client = await WireClient.open(`ws+unix:${socket}:/`);
      await client.ok('session.auth', { token: daemon.tokens.daemon });
      expect(await chatWithEcho(client, `n ${n}`)).toBe(`n ${n}`);
      client.close();
    }
  });

  it.each([
    ['1', '2'],
    ['2', '1'],
    ['2', '2'],
  ])('carries a chat from a host at worker %s to an agent at worker %s', async (hostAt, agentAt) => {
    const id = `a${hostAt}${agentAt}`;
    const agent = await connectAt(daemon, agentAt, { agent_id: id, token: await daemon.register(id) });
    const host = await connectAt(daemon, hostAt, { token: daemon.tokens.daemon });
    const { turnId, emit } = await openChat(host, agent, { agent_id: id });
    emit({ kind: 'token', delta: 'from ' });
    // More than may wait between two workers.
    for (let n = 0; n < 2; n += 1) emit({ kind: 'status', text: 'x'.repeat(10 * 1024 * 1024) });
    emit({ kind: 'token', delta: 'there' });
    emit({ kind: 'done', finish_reason: 'stop' });
    expect(await host.terminal(turnId)).toMatchObject({ kind: 'done', finish_reason: 'stop' });
    expect(host.events(turnId).filter(({ text }) => text?.length === 10 * 1024 * 1024)).toHaveLength(2);
    const deltas = host.events(turnId).flatMap(({ kind, delta }) => (kind === 'token' ? [delta] : []));
    expect(deltas.join('')).toBe('from there');
  });

  it('serves fronts, whichever worker a request comes to: one goes on with what another has begun', async () => {
    const authorization = 'Bearer my-daemon-token';
    let before: string | undefined;
    for (let n = 0; n < 4; n += 1) {
      const body = { model: 'echo', input: `n ${n}`, store: true, previous_response_id: before };
      const answer = await post(`${daemon.url}/v1/responses`, body, { authorization });
      expect([answer.status, answer.text]).toEqual([200, expect.stringContaining(`n ${n}`)]);
      before = JSON.parse(answer.text).id;
      expect((await post(`${daemon.url}/v1/responses`, body, {})).status).toBe(401);
    }
  });

  it('stops when live turns have ended, wherever their hosts are; leaves nothing behind but an audit of all', async () => {
    const hosts = [await managerAt(daemon, '1'), await managerAt(daemon, '2')];
    const prompt = 'word '.repeat(200);
    const turns: string[] = [];
    for (const host of hosts) turns.push((await host.ok('agents.chat', { agent_id: 'echo', prompt })).turn_id);
    daemon.program.child.kill('SIGTERM');
    await daemon.program.shows('SIGTERM: stopping');
    for (const [n, host] of hosts.entries()) {
      expect(await host.terminal(turns[n] as string)).toMatchObject({ kind: 'done', finish_reason: 'stop' });
      expect((await host.closed).code).toBe(1001);
    }
    expect(await daemon.program.exit).toEqual({ code: 0, signal: null });
    await areGone(Object.values(workers));
    expect([readdirSync(daemon.run), existsSync(socket)]).toEqual([[], false]);
    const verified = await run([CLI, 'audit', 'verify', audit], { SWITCHBOARD_HOME: home });
    expect([verified.err, verified.code]).toEqual(['', 0]);
    const of = (what: string, worker: string) =>
      recordsOf(audit).filter((record) => record.what === what && record.worker === worker);
    for (const worker of ['1', '2']) {
      for (const what of ['broker.start', 'session.auth', 'broker.stop']) expect(of(what, worker)).not.toEqual([]);
    }
    // Each connection has come in once; its turns, at another worker, are in its name.
    const auths = [...of('session.auth', '1'), ...of('session.auth', '2')].filter(({ outcome }) => outcome === 'ok');
    const conns = auths.map(({ conn }) => conn);
    expect(new Set(conns).size).toBe(conns.length);
    for (const { conn } of of('turn.open', '1').filter(({ ip }) => ip !== 'memory')) expect(conns).toContain(conn);
  });
});

it('a daemon of two workers leaves at once on a second signal', async () => {
  const daemon = await startDaemon({ flags: [...TWO, '--demo'] });
  const workers = Object.values(workersOf(daemon.home));
  const host = await managerAt(daemon, '1');
  await host.ok('agents.chat', { agent_id: 'echo', prompt: 'a '.repeat(2_000) });
  daemon.program.child.kill('SIGTERM');
  await daemon.program.shows('SIGTERM: stopping');
  expect((await daemon.program.kill('SIGTERM')).code).toBe(1);
  await areGone(workers);
  expect(readdirSync(daemon.run).filter((name) => !name.startsWith('worker-'))).toEqual([]);
});

describe('a worker that is killed', () => {
  const home = temporaryDirectory();
  const audit = join(home, 'audit.jsonl');
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon({ flags: [...TWO, '--audit', audit], home, mayFail: true });
  });
  const back = () => messages(daemon.program).filter(({ msg }) => msg === 'a worker is back');

  it.each(['1', '2'])(
    '%s › is started again; the other one goes on, and the port answers all the time',
    async (killed) => {
      const before = workersOf(home);
      const returns = back().length;
      const other = killed === '1' ? '2' : '1';
      const kept = await managerAt(daemon, other);
      const lost = await managerAt(daemon, killed);
      process.kill(before[killed] as number, 'SIGSTOP');
      // One of two comes to it, and is the other's when it is dead.
      const handed = Promise.all([daemon.get('/healthz'), daemon.get('/healthz'), daemon.get('/healthz')]);
      process.kill(before[killed] as number, 'SIGKILL');
      await lost.closed;
      expect((await handed).map(({ status }) => status)).toEqual([200, 200, 200]);
      // Whoever comes while there is one worker less gets to the other; only what the first one alone serves is away.
      for (let n = 0; back().length === returns; n += 1) {
        expect((await daemon.get('/healthz')).status).toBe(200);
        if (n % 10 === 0) expect([killed === '1' ? 503 : 401, 401]).toContain((await daemon.get('/v1/models')).status);
        await delay(20);
      }
      expect((await kept.ok('broker.status')).version).toBe('0.1.0');
      const after = workersOf(home);
      expect(after[other]).toBe(before[other]);
      expect(after[killed]).not.toBe(before[killed]);
      (await managerAt(daemon, killed)).close();
      // Of a loaded machine's workers one may not tell its own within a second.
      await vi.waitFor(async () => expect((await daemon.get('/metrics')).body).toContain('{state="told"} 2\n'), {
        timeout: 30_000,
      });
      const { body } = await daemon.get('/metrics');
      expect(body).toContain(`switchboard_worker_restarts_total{worker="${killed}"} 1\n`);
    },
  );

  it('and cannot start › is tried again, and comes back when it can; nobody else is harmed', async () => {
    const { program } = daemon;
    const journal = join(home, 'workers', '2', 'journal');
    const { 2: pid } = workersOf(home);
    const kept = await managerAt(daemon, '1');
    const returns = back().length;
    process.kill(pid as number, 'SIGSTOP');
    rmSync(journal, { recursive: true });
    writeFileSync(journal, '');
    process.kill(pid as number, 'SIGKILL');
    const tried = () => messages(program).filter(({ retryMs, why }) => retryMs > 0 && /no directory/.test(why));
    await vi.waitFor(() => expect(tried().length).toBeGreaterThan(1), { timeout: 30_000 });
    const [first, second] = tried();
    expect(first.why).toContain(journal);
    expect(second.retryMs).toBeGreaterThan(first.retryMs);
    expect((await kept.ok('broker.status')).version).toBe('0.1.0');
    expect((await daemon.get('/metrics')).body).toContain('switchboard_workers{state="down"} 1\n');
    rmSync(journal);
    await vi.waitFor(() => expect(back().length).toBeGreaterThan(returns), { timeout: 30_000 });
    (await managerAt(daemon, '2')).close();
  });

  it('with all others, on a port that was free › they are back on the same port', async () => {
    const before = back().length;
    for (const pid of Object.values(workersOf(daemon.home))) process.kill(pid, 'SIGKILL');
    const isBack = () =>
      new Set(
        back()
          .slice(before)
          .map(({ worker }) => worker),
      ).size;
    await vi.waitFor(() => expect(isBack()).toBe(2), { timeout: 30_000 });
    for (const worker of ['1', '2']) (await managerAt(daemon, worker)).close();
  });

  it('for want of its supervisor ends, and a new daemon takes the home', async () => {
    const workers = Object.values(workersOf(home));
    daemon.program.child.kill('SIGKILL');
    const next = await startDaemon({ home });
    await areGone(workers);
    expect((await next.get('/healthz')).status).toBe(200);
  });

  it('leaves the audit whole: worker 1 has gone on with it, and the other has told it what it had missed', async () => {
    const { out, code } = await run([CLI, 'audit', 'verify', audit], { SWITCHBOARD_HOME: home });
    expect([out, code]).toEqual([expect.stringMatching(/^ok/), 0]);
    const starts = recordsOf(audit).filter(({ what }) => what === 'broker.start');
    expect(starts.filter(({ worker }) => worker === '1').length).toBeGreaterThanOrEqual(3);
    expect(starts.filter(({ worker }) => worker === '2').length).toBeGreaterThanOrEqual(3);
  });
});

describe('workers that cannot start', () => {
  async function refused(home: string, flags: string[], env: NodeJS.ProcessEnv = {}) {
    const argv = [MAIN, '--no-socket', ...(flags.includes('--port') ? [] : ['--port', '0']), ...flags];
    const program = new Program(argv, { SWITCHBOARD_HOME: home, ...env });
    const { code } = await program.exit;
    return { code, line: program.err };
  }
  const left = (home: string) => (existsSync(join(home, 'run')) ? readdirSync(join(home, 'run')) : []);

  it('the first, for want of its port › ends the daemon with what it says', async () => {
    const home = temporaryDirectory();
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    own(() => server.close());
    const { port } = server.address() as { port: number };
    const { code, line } = await refused(home, [...TWO, '--port', String(port)]);
    expect(line).toBe(
      `switchboard: port ${port} on 127.0.0.1 is in use; stop what holds it, or choose another with --port\n`,
    );
    expect(code).toBe(1);
    expect(left(home)).toEqual([]);
  });

  it('another, for its journal › ends the daemon, and all that have started', async () => {
    const home = temporaryDirectory();
    mkdirSync(join(home, 'workers', '2'), { recursive: true, mode: 0o700 });
    writeFileSync(join(home, 'workers', '2', 'journal'), '');
    const { code, line } = await refused(home, TWO);
    expect(line).toBe(`switchboard: ${join(home, 'workers', '2', 'journal')} is no directory; move it away\n`);
    expect(code).toBe(1);
    expect(left(home)).toEqual([]);
  });

  it('for a setting that only a worker looks at › ends the daemon with 2', async () => {
    const home = temporaryDirectory();
    const file = join(temporaryDirectory(), 'agents.json');
    writeFileSync(file, '{}');
    const { code, line } = await refused(home, [...TWO, '--attach', file]);
    expect(line).toMatch(/^switchboard: --attach .*\n$/);
    expect(code).toBe(2);
    rmdirSync(join(home, 'run'));
  });

  it('in a home whose path is too long for their sockets › ends with a line that says so', async () => {
    const home = join(temporaryDirectory(), 'x'.repeat(100));
    const { code, line } = await refused(home, TWO);
    expect(line).toMatch(/^switchboard: .*longer than the \d+ bytes.*; choose a shorter --home, or --workers 1\n$/);
    expect(code).toBe(1);
  });
});
