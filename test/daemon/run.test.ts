import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { temporaryDirectory } from './temporary.ts';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));

interface Place {
  home: string;
  runtime: string;
}

function place(): Place {
  const home = temporaryDirectory();
  return { home, runtime: join(home, 'x') };
}

/** The built daemon as a process, with no variables but these. */
function launch({ home, runtime }: Place, flags: string[], env: NodeJS.ProcessEnv = {}) {
  const child = spawn(process.execPath, [MAIN, ...flags], {
    env: { PATH: process.env.PATH, SWITCHBOARD_HOME: home, XDG_RUNTIME_DIR: runtime, ...env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  return child;
}

async function exitOf(child: ChildProcess): Promise<number | null> {
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
  return child.exitCode;
}

/** A run that ends by itself. */
async function run(where: Place, flags: string[], env: NodeJS.ProcessEnv = {}) {
  const child = launch(where, flags, env);
  const [out, err, code] = await Promise.all([text(child.stdout), text(child.stderr), exitOf(child)]);
  return { code, out, err };
}

/** A run that goes on: resolves once it listens. */
async function start(where: Place, flags: string[] = [], env: NodeJS.ProcessEnv = {}) {
  const child = launch(where, ['--port', '0', ...flags], env);
  const log: string[] = [];
  const lines = createInterface(child.stdout);
  await new Promise<void>((resolve, reject) => {
    lines.on('line', (line) => {
      log.push(line);
      if (line.includes('"try: ')) resolve();
    });
    child.once('exit', (code) => reject(new Error(`ended with ${code}: ${log.join('\n')}`)));
  });
  const announced = JSON.parse(readFileSync(join(where.home, 'run', 'broker.json'), 'utf8'));
  return { child, log, announced };
}

/* How it starts, is stopped and is refused besides: test/e2e/daemon.test.ts, refusals.test.ts and start-refused.test.ts. */

describe('the daemon', () => {
  it('prints its help and its version', async () => {
    expect(await run(place(), ['--help'])).toMatchObject({
      code: 0,
      out: expect.stringContaining('--port PORT'),
      err: '',
    });
    expect(await run(place(), ['--version'])).toMatchObject({ code: 0, out: '0.1.0\n', err: '' });
  });

  it.each(['--help', '--version'])('prints %s for a reader that has left, and says nothing of that', async (flag) => {
    const child = launch(place(), [flag]);
    child.stdout.destroy();
    expect(await Promise.all([text(child.stderr), exitOf(child)])).toEqual(['', 0]);
  });

  it('ends with 2 and one line on a bad setting, and has made nothing', async () => {
    const where = place();
    const { code, out, err } = await run(where, ['--port', 'x']);
    expect({ code, out, err }).toEqual({
      code: 2,
      out: '',
      err: 'switchboard: --port takes an integer from 0 to 65535, not "x"\n',
    });
    expect(readdirSync(where.home)).toEqual([]);
  });

  it('takes its tokens from variables and keeps them out of the log', async () => {
    const where = place();
    const env = { SWITCHBOARD_AUTH_TOKEN: 'given-daemon', SWITCHBOARD_HOST_TOKEN: 'given-host' };
    const { child, log } = await start(where, ['--log-level', 'trace', '--demo'], env);
    expect(readFileSync(join(where.home, 'run', 'auth-token'), 'utf8')).toBe('given-daemon\n');
    child.kill('SIGINT');
    expect(await exitOf(child)).toBe(0);
    expect(log.join('\n')).not.toMatch(/given-(daemon|host)/);
  });

  it('logs a failure that nobody has thought of with the names and lines of its sources', async () => {
    const preload = "import net from 'node:net'; net.Server.prototype.listen = () => { throw new Error('no more'); };";
    const NODE_OPTIONS = `--import=data:text/javascript,${encodeURIComponent(preload)}`;
    const { code, out } = await run(place(), ['--port', '0'], { NODE_OPTIONS });
    expect(code).toBe(1);
    const { msg, err } = out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line))
      .find(({ level }) => level === 60);
    expect(msg).toBe('the daemon could not start');
    expect(err.stack).toMatch(/^Error: no more\n/);
    expect(err.stack).toMatch(/transport\/listener\.ts:\d+:\d+/);
    expect(err.stack).toMatch(/daemon\/start\.ts:\d+:\d+/);
    // The one file that they are in.
    expect(err.stack).not.toContain('run.js');
  });

  it('ends with 1 and one line on malformed agents, which stay', async () => {
    const where = place();
    writeFileSync(join(where.home, 'agents.json'), '{"agents": [');
    const { code, err } = await run(where, ['--port', '0']);
    expect(code).toBe(1);
    expect(err).toMatch(/^switchboard: [^\n]*agents\.json is malformed[^\n]*\n$/);
    expect(readFileSync(join(where.home, 'agents.json'), 'utf8')).toBe('{"agents": [');
  });

  it('does not put its echo over somebody’s own', async () => {
    const where = place();
    const echo = { id: 'echo', name: 'mine', capabilities: [], metadata: {}, token_hash: '0'.repeat(64) };
    writeFileSync(join(where.home, 'agents.json'), JSON.stringify({ agents: [echo] }));
    const { code, err } = await run(where, ['--port', '0', '--demo']);
    expect({ code, err }).toEqual({ code: 1, err: expect.stringContaining('--demo brings an agent "echo"') });
  });

  it('goes without the default socket where that cannot be', async () => {
    const where = { ...place(), runtime: `/tmp/${'x'.repeat(100)}` };
    const { log, announced } = await start(where);
    expect(announced.socket).toBeNull();
    expect(log.join('\n')).toContain('no Unix socket: ');
  });

  it('has what --approve names wait for a person, as long as --approval-timeout says', async () => {
    const where = place();
    await start(where, ['--approve', 'agents.list', '--approval-timeout', '5']);
    const host = await connectHost({ home: where.home, env: {} });
    onTestFinished(() => host.close());
    await expect(host.agents.list()).rejects.toMatchObject({ name: 'ApprovalDeniedError', reason: 'timeout' });
    expect(await host.sessions()).toEqual([]);
  });

  it('with --no-approvals lets everything through', async () => {
    const where = place();
    await start(where, ['--approve', 'agents.list', '--approval-timeout', '5', '--no-approvals']);
    const host = await connectHost({ home: where.home, env: {} });
    onTestFinished(() => host.close());
    expect(await host.agents.list()).toEqual([]);
  });
});
