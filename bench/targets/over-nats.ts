import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readMetrics } from '../load/link-counts.ts';
import { type CpuTime, cpuTime } from './cpu-time.ts';
import { startDaemon } from './known.ts';
import { type Cores, pinned } from './pinning.ts';
import { endWithUs, type Part, type Target } from './target.ts';

/** How long brokers may take to find each other. Milliseconds. */
const JOIN_MS = 30_000;
/** Where Debian puts it is not where everybody looks. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/sbin'];
/** All brokers of a cluster have the same. */
const TOKENS = { SWITCHBOARD_AUTH_TOKEN: 'bench-daemon-token', SWITCHBOARD_HOST_TOKEN: 'bench-host-token' };

/** The nats-server of this machine: `NATS_SERVER`, or what is found; undefined where there is none. */
export function natsServer(): string | undefined {
  const places = FOLDERS.map((folder) => join(folder, 'nats-server'));
  return process.env.NATS_SERVER ?? places.find(isExecutable);
}

/** Two daemons and the nats-server between them, as one target: agents connect to `url`, hosts that are apart `elsewhere`. */
export async function startOverNats(program: string, cores: Cores | undefined, name: string): Promise<Target> {
  const server = await NatsProcess.start(program, cores);
  const flags = ['--cluster', 'bench', '--cluster-home', 'one', '--cluster-nats', server.url, '--cluster-id'];
  const start = (id: string) => startDaemon(cores, [...flags, id], name, TOKENS);
  const [one, two] = await Promise.all([start('one'), start('two')]);
  one.has(two, two.url);
  one.has(server);
  for (const { url } of [one, two])
    for (const until = Date.now() + JOIN_MS; (await readMetrics(url)).get('cluster_brokers') !== 1; await sleep(100))
      if (Date.now() > until) throw new Error(`${name}: its brokers do not find each other`);
  return one;
}

/** A nats-server of its own, with its files; gone with whatever it was started for. */
class NatsProcess implements Part {
  readonly url: string;
  readonly #child: ChildProcess;
  readonly #files: string;
  readonly #known: { ended(): boolean };

  private constructor(url: string, child: ChildProcess, files: string) {
    this.url = url;
    this.#child = child;
    this.#files = files;
    this.#known = endWithUs(this);
  }

  static async start(program: string, cores: Cores | undefined): Promise<NatsProcess> {
    const port = await freePort();
    const files = mkdtempSync(join(tmpdir(), 'switchboard-bench-nats-'));
    const command = [program, '-a', '127.0.0.1', '-p', String(port), '-js', '-sd', files];
    const [first = '', ...rest] = pinned(cores, command);
    // Daemons look for it until it is there.
    return new NatsProcess(`nats://127.0.0.1:${port}`, spawn(first, rest, { stdio: 'ignore' }), files);
  }

  async cpu(): Promise<CpuTime> {
    const time = cpuTime(this.#child.pid ?? Number.NaN);
    return { usedUs: time?.usedUs ?? Number.NaN, waitedUs: time?.waitedUs ?? Number.NaN };
  }

  stop(): void {
    if (!this.#known.ended()) return;
    this.#child.kill('SIGKILL');
    rmSync(this.#files, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const held = createServer().listen(0, '127.0.0.1');
  await once(held, 'listening');
  const { port } = held.address() as { port: number };
  held.close();
  await once(held, 'close');
  return port;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
