import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { expect } from 'vitest';
import { DEFAULT_LIMITS } from '../../../protocol/limits.ts';
import { own, temporaryDirectory } from './cleanup.ts';
import { type Exit, MAIN, Program } from './program.ts';
import { WireClient } from './wire-client.ts';

/** How to start a {@link Daemon}. */
export interface DaemonOptions {
  flags?: string[];
  env?: NodeJS.ProcessEnv;
  /** Its state directory. Default: one of its own. */
  home?: string;
  /** Commands of a shell that set limits for its process. */
  limits?: string;
  /** That it logs errors is part of the test. Else a logged error fails it. */
  mayFail?: boolean;
}

/** Starts the built daemon as a process on a free port. Resolves once it listens and has told its next step. */
export async function startDaemon(options: DaemonOptions = {}): Promise<Daemon> {
  const { flags = [], env = {}, home = temporaryDirectory(), limits, mayFail = false } = options;
  const socket = flags.includes('--socket') ? [] : ['--no-socket'];
  const argv = ['--port', '0', '--log-level', 'debug', ...socket, ...flags];
  let daemon: Daemon | undefined;
  // Looked at when the process, made after this, is gone.
  if (!mayFail) own(() => expect(daemon?.errors ?? []).toEqual([]));
  const program = new Program([MAIN, ...argv], { SWITCHBOARD_HOME: home, ...env }, limits);
  await program.shows('"try: ');
  daemon = new Daemon(program, home);
  return daemon;
}

/** A running daemon. */
export class Daemon {
  readonly program: Program;
  readonly #metricsAgeMs: number;
  #scrapedAt = Number.NEGATIVE_INFINITY;
  readonly home: string;
  readonly url: string;
  readonly tokens: { daemon: string; host: string };
  /** What `broker.json` said when it had started. */
  readonly announced: { pid: number; url: string; socket: string | null; version: string };

  constructor(program: Program, home: string, metricsAgeMs: number = DEFAULT_LIMITS.metricsMaxAgeMs) {
    this.#metricsAgeMs = metricsAgeMs;
    this.program = program;
    this.home = home;
    this.announced = JSON.parse(this.#read('broker.json'));
    this.url = this.announced.url;
    this.tokens = { daemon: this.#read('auth-token').trim(), host: this.#read('host-token').trim() };
  }

  get run(): string {
    return join(this.home, 'run');
  }

  /** What it has logged of faults: `error` and `fatal`. */
  get errors(): string[] {
    return this.program.lines.filter((line) => /"level":(50|60)\b|internal error/.test(line));
  }

  /** A connection that has not authenticated. */
  connect(): Promise<WireClient> {
    return WireClient.open(this.url);
  }

  /** A connection with the daemon token. */
  host(): Promise<WireClient> {
    return this.#open({ token: this.tokens.daemon });
  }

  /** A connection in the management role. */
  manager(): Promise<WireClient> {
    return this.#open({ host_token: this.tokens.host });
  }

  /** Makes an agent known, or gives it a new token. */
  async register(id: string): Promise<string> {
    const manager = await this.manager();
    const { token } = await manager.ok('agents.upsert', { id, rotate_token: true });
    manager.close();
    return token;
  }

  /** An attached agent; the same id again is a newer connection of it. */
  async agent(id: string): Promise<WireClient> {
    return this.#open({ agent_id: id, token: await this.register(id) });
  }

  /** Plain HTTP, each request on a connection of its own. What is made once a second is asked for when it is made anew. */
  async get(path: string): Promise<{ status: number; body: string }> {
    if (path === '/metrics') {
      const age = performance.now() - this.#scrapedAt;
      if (age < this.#metricsAgeMs) await setTimeout(this.#metricsAgeMs - age);
    }
    const answer = await this.#get(path);
    if (path === '/metrics') this.#scrapedAt = performance.now();
    return answer;
  }

  #get(path: string): Promise<{ status: number; body: string }> {
    const { hostname, port } = new URL(this.url);
    return new Promise((resolve, reject) => {
      const sent = request({ hostname, port, path, agent: false }, (response) => {
        let body = '';
        response.setEncoding('utf8').on('data', (text) => {
          body += text;
        });
        response.on('end', () => resolve({ status: response.statusCode ?? 0, body }));
      });
      sent.on('error', reject);
      sent.end();
    });
  }

  /** Stops it gracefully. */
  stop(): Promise<Exit> {
    return this.program.kill('SIGTERM');
  }

  async #open(auth: object): Promise<WireClient> {
    const client = await this.connect();
    await client.ok('session.auth', auth);
    return client;
  }

  #read(name: string): string {
    return readFileSync(join(this.run, name), 'utf8');
  }
}
