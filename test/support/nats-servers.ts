import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { accessSync, constants, mkdirSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:net';
import { delimiter, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { describe } from 'vitest';
import { own, temporaryDirectory } from '../e2e/support/cleanup.ts';

/** Where Debian puts it is not where everybody looks. */
const FOLDERS = [...(process.env.PATH ?? '').split(delimiter).filter(Boolean), '/usr/sbin', '/usr/local/sbin'];

const executable = find();
if (executable === undefined) {
  const how = 'no nats-server found; install one, or set NATS_SERVER to where it is';
  if (process.env.CI) throw new Error(how);
  console.warn(`tests with NATS are skipped: ${how}`);
}

/** The program, where there is one. */
export const NATS_SERVER = executable ?? '';

/** `describe`, skipped where there is no nats-server. */
export function describeNats(name: string, tests: () => void): void {
  describe.skipIf(executable === undefined)(name, tests);
}

/** One nats-server: a process of its own, with its own files. */
export class NatsServer {
  readonly url: string;
  readonly #config: string;
  /** Where it tells of itself, by HTTP. */
  readonly monitor: string;
  #child: ChildProcess | undefined;

  constructor(url: string, monitor: string, config: string) {
    this.url = url;
    this.monitor = monitor;
    this.#config = config;
    // One that is stopped is killed all the same.
    own(() => void this.#child?.kill('SIGKILL'));
  }

  get pid(): number | undefined {
    return this.#child?.pid;
  }

  /** Whether its process is there, stopped or not. */
  get isRunning(): boolean {
    return this.#child?.exitCode === null && this.#child.signalCode === null;
  }

  start(): void {
    if (this.isRunning) return;
    const child = spawn(NATS_SERVER, ['--config', this.#config], { stdio: ['ignore', 'ignore', 'pipe'] });
    let said = '';
    child.stderr?.on('data', (chunk) => {
      said = `${said}${chunk}`.slice(-4_000);
    });
    child.once('exit', (code) => {
      // Killed it has no code.
      if (code) console.error(`nats-server ended with ${code}:\n${said}`);
    });
    this.#child = child;
  }

  /** Until its copies of everything are as new as the others', who may be away themselves for half a minute. */
  async ready(): Promise<void> {
    for (let n = 0; n < 1_500; n += 1) {
      if ((await this.#health()) === '') return;
      await sleep(50);
    }
    throw new Error(`the nats-server at ${this.url} is not ready: ${await this.#health()}`);
  }

  /** What keeps it from being ready; nothing, where it is. */
  async #health(): Promise<string> {
    try {
      const answer = await fetch(`${this.monitor}/healthz`);
      const text = await answer.text();
      return answer.ok ? '' : text.trim();
    } catch (error) {
      return String(error);
    }
  }

  /** It is gone at once, and nothing is said by it any more. */
  async kill(): Promise<void> {
    const child = this.#child;
    if (!child || !this.isRunning) return;
    const ended = once(child, 'exit');
    child.kill('SIGKILL');
    await ended;
  }

  /** It takes nothing and says nothing, but its connections stay. */
  pause(): void {
    this.#child?.kill('SIGSTOP');
  }

  resume(): void {
    this.#child?.kill('SIGCONT');
  }
}

/** What stands in each server's configuration besides where it is. */
interface Settings {
  /** Default: on. */
  jetStream?: boolean;
  /** Whether those that connect are told of the other servers. Default: they are. */
  advertises?: boolean;
  more?: string;
}

/** Real nats-servers, one or a cluster, on loopback, with the files of each in a directory of its own; gone with the test. */
export async function natsServers(
  count: 1 | 3,
  { jetStream = true, advertises = true, more = '' }: Settings = {},
): Promise<NatsServer[]> {
  const ports = await freePorts(3 * count);
  const routes = ports.slice(2 * count).map((port) => `nats-route://127.0.0.1:${port}`);
  const directory = temporaryDirectory();
  const servers = Array.from({ length: count }, (_, n) => {
    const home = join(directory, `n${n}`);
    mkdirSync(home);
    const config = [
      `server_name: n${n}`,
      `listen: "127.0.0.1:${ports[n]}"`,
      `http: "127.0.0.1:${ports[count + n]}"`,
      'write_deadline: "2s"',
      jetStream ? `jetstream { store_dir: "${home}", max_memory_store: 64MB, max_file_store: 1GB }` : '',
      count > 1
        ? `cluster { name: test, listen: "127.0.0.1:${ports[2 * count + n]}", routes: [${routes.join(', ')}], no_advertise: ${!advertises} }`
        : '',
      more,
    ];
    const path = join(home, 'nats.conf');
    writeFileSync(path, config.join('\n'));
    return new NatsServer(`127.0.0.1:${ports[n]}`, `http://127.0.0.1:${ports[count + n]}`, path);
  });
  for (const server of servers) server.start();
  await Promise.all(servers.map((server) => server.ready()));
  return servers;
}

/** All at once, so that none is given twice. */
export async function freePorts(count: number): Promise<number[]> {
  const held: Server[] = [];
  for (let n = 0; n < count; n += 1) {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    held.push(server);
  }
  const ports = held.map((server) => (server.address() as { port: number }).port);
  await Promise.all(held.map((server) => new Promise((resolve) => server.close(resolve))));
  return ports;
}

function find(): string | undefined {
  const given = process.env.NATS_SERVER;
  if (given) return given;
  return FOLDERS.map((folder) => join(folder, 'nats-server')).find((path) => {
    try {
      accessSync(path, constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
