import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { connectHost } from '../../client/node.ts';
import { readConfig } from '../../daemon/config.ts';
import { createLogger } from '../../daemon/log.ts';
import { Reload } from '../../daemon/reload.ts';
import { startDaemon } from '../../daemon/start.ts';
import { Teardown } from '../../daemon/teardown.ts';
import { temporaryDirectory } from './temporary.ts';

/** A daemon in this process, which is still there when it could not start. */
async function start(home: string, flags: string[], env: NodeJS.ProcessEnv = {}) {
  const log = await createLogger('silent', false, { write() {} });
  const failures: unknown[] = [];
  const teardown = new Teardown((error) => failures.push(error));
  const config = readConfig(['--home', home, ...(flags.includes('--port') ? [] : ['--port', '0']), ...flags], env);
  const started = startDaemon(config, { XDG_RUNTIME_DIR: home, ...env }, log, teardown, new Reload(() => {}));
  onTestFinished(() => teardown.stop());
  return { started, teardown, failures };
}

/** What this process holds open below a directory. */
function openFiles(directory: string): string[] {
  const links = readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      return readlinkSync(join('/proc/self/fd', fd));
    } catch {
      return [];
    }
  });
  return links.filter((path) => path.startsWith(`${directory}/`));
}

async function takenPort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await once(server, 'listening');
  return String((server.address() as { port: number }).port);
}

async function freePort(): Promise<string> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return String(port);
}

/** What keeps a daemon from starting, and how to take it out of the way. */
type Obstacle = (home: string) => Promise<{ flags?: string[]; why: string; remove(): void }>;

const obstacles: [what: string, obstacle: Obstacle][] = [
  [
    'its agents cannot be read',
    async (home) => {
      const file = join(home, 'agents.json');
      writeFileSync(file, '{"agents": [');
      return { why: 'agents.json is malformed', remove: () => rmSync(file) };
    },
  ],
  [
    'its port is in use',
    async () => {
      const port = await takenPort();
      return { flags: ['--port', port], why: `port ${port} on 127.0.0.1 is in use`, remove: () => {} };
    },
  ],
  [
    'what is at its socket is none',
    async (home) => {
      const file = join(home, 'no.sock');
      writeFileSync(file, '');
      return { flags: ['--socket', file], why: 'is there already and is no socket', remove: () => rmSync(file) };
    },
  ],
];

describe('the daemon, with --demo', () => {
  it('has echo attached when its port answers for the first time', async () => {
    const port = await freePort();
    const env = { SWITCHBOARD_AUTH_TOKEN: 'given' };
    const { started } = await start(temporaryDirectory(), ['--demo', '--port', port], env);
    const eager = { waitForBroker: true, reconnect: { minMs: 1, maxMs: 2 } };
    const host = await connectHost({ url: `ws://127.0.0.1:${port}`, token: 'given', ...eager });
    onTestFinished(() => host.close());
    expect(await host.request('agents.list', {})).toMatchObject([{ spec: { id: 'echo' }, attached: true }]);
    await started;
  });
});

describe('the daemon, when it cannot start', () => {
  it.each(obstacles)('because %s: holds nothing, and starts on the same home at once', async (_what, obstacle) => {
    const home = temporaryDirectory();
    const { flags = [], why, remove } = await obstacle(home);
    const first = await start(home, flags);
    await expect(first.started).rejects.toThrow(why);
    await first.teardown.stop();
    expect(first.failures).toEqual([]);
    expect(readdirSync(join(home, 'run'))).toEqual([]);
    if (process.platform === 'linux') expect(openFiles(home)).toEqual([]);
    remove();
    const second = await start(home, flags.includes('--socket') ? flags : []);
    await second.started;
    expect(JSON.parse(readFileSync(join(home, 'run', 'broker.json'), 'utf8'))).toMatchObject({ pid: process.pid });
    if (process.platform === 'linux') expect(openFiles(home)).not.toEqual([]);
    await second.teardown.stop();
    expect(second.failures).toEqual([]);
    if (process.platform === 'linux') expect(openFiles(home)).toEqual([]);
  });
});
