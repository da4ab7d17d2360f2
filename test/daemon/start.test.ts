import { once } from 'node:events';
import { readdirSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../daemon/config.ts';
import { createLogger } from '../../daemon/log.ts';
import { startDaemon } from '../../daemon/start.ts';
import { Teardown } from '../../daemon/teardown.ts';
import { temporaryDirectory } from './temporary.ts';

/** A daemon in this process, which is still there when it could not start. */
async function start(home: string, flags: string[], env: NodeJS.ProcessEnv = {}) {
  const log = await createLogger('silent', false, { write() {} });
  const failures: unknown[] = [];
  const teardown = new Teardown((error) => failures.push(error));
  const config = readConfig(['--home', home, ...(flags.includes('--port') ? [] : ['--port', '0']), ...flags], {});
  const started = startDaemon(config, { XDG_RUNTIME_DIR: home, ...env }, log, teardown);
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
