import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, existsSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Collections, ProbeAnswer, ProbeRequest } from '../probe.ts';
import { type CpuTime, cpuTime } from './cpu-time.ts';
import { type Cores, pinned } from './pinning.ts';

/** How long a process may take to listen. */
const START_TIMEOUT_MS = 120_000;

/** What to start, and what is expected of it. */
export interface TargetOptions {
  /** As the tables call it. */
  name: string;
  /** The script to run, relative to `dist/`, and its arguments; HOME stands for its own directory. */
  command: readonly string[];
  /** What Node itself is started with. */
  nodeFlags?: readonly string[];
  /** Variables that it gets beside this process's. */
  env?: Readonly<Record<string, string>>;
  /** Whether it stamps `turn_id` and `seq` on events, so that their absence is a fault. */
  stamps: boolean;
  cores: Cores | undefined;
}

/** Something that costs CPU, and ends with what it belongs to. */
export interface Part {
  cpu(): Promise<CpuTime>;
  stop(): void;
}

/** Everything that runs, for {@link stopAll}. */
const running = new Set<Pick<Part, 'stop'>>();

/** It ends with this process, unless `ended` is called before. */
export function endWithUs(part: Pick<Part, 'stop'>): { ended(): boolean } {
  running.add(part);
  return { ended: () => running.delete(part) };
}

/** One measured process, with a directory of its own. */
export class Target {
  readonly name: string;
  readonly stamps: boolean;
  /** Where it listens: `ws://host:port`. */
  url = '';
  /** Where another broker of its cluster listens, where that is not the same address. */
  elsewhere: string | undefined;
  /** What counts as this one, and ends with it. */
  readonly #parts: Part[] = [];
  readonly #home = mkdtempSync(join(tmpdir(), 'switchboard-bench-'));
  readonly #child: ChildProcess;
  readonly #hasWorkers: boolean;

  private constructor({ name, command, nodeFlags = [], env, stamps, cores }: TargetOptions) {
    this.name = name;
    this.stamps = stamps;
    this.#hasWorkers = command.includes('--workers');
    const [script = '', ...args] = command;
    const node = [process.execPath, ...nodeFlags, '--expose-gc', '--import', file('bench/probe.js').href];
    const whole = [...node, fileURLToPath(file(script)), ...args.map((arg) => (arg === 'HOME' ? this.#home : arg))];
    const [program = '', ...rest] = pinned(cores, whole);
    const log = openSync(this.#logFile, 'a');
    // A file, not a pipe: reading its log would cost the load's core.
    this.#child = spawn(program, rest, { stdio: ['ignore', log, log, 'ipc'], env: { ...environment(), ...env } });
    closeSync(log);
    running.add(this);
    this.#child.once('exit', () => {
      if (running.has(this)) console.error(`${name} ended by itself:\n${this.#logTail()}`);
    });
  }

  /** Starts a process and waits until it listens. */
  static async start(options: TargetOptions): Promise<Target> {
    const target = new Target(options);
    await target.#listening();
    return target;
  }

  /** From now on it counts as this one: another broker of its cluster, which listens there, or what is between them. */
  has(part: Part, url?: string): void {
    this.#parts.push(part);
    this.elsewhere ??= url;
  }

  /** Its daemon and host tokens; undefined for a relay, which has none. */
  get tokens(): { daemon: string; host: string } | undefined {
    const read = (name: string) => readFileSync(join(this.#home, 'run', name), 'utf8').trim();
    return existsSync(join(this.#home, 'run', 'host-token'))
      ? { daemon: read('auth-token'), host: read('host-token') }
      : undefined;
  }

  /** What it has used so far, with its workers and parts; where the scheduler does not say, what the process itself says. */
  async cpu(): Promise<CpuTime> {
    const all = [this.#pid, ...(this.#hasWorkers ? childrenOf(this.#pid) : [])].map(cpuTime);
    const own = all.reduce((sum, one) => sum && one && add(sum, one));
    let time = own ?? { usedUs: (await this.#ask('cpu')).cpuUs ?? Number.NaN, waitedUs: Number.NaN };
    for (const part of this.#parts) time = add(time, await part.cpu());
    return time;
  }

  /** What it holds after a full collection, in bytes. */
  async memory(): Promise<NodeJS.MemoryUsage> {
    const { memory } = await this.#ask('memory');
    if (!memory) throw new Error(`${this.name} did not say what it holds`);
    return memory;
  }

  /** Its collections since this was last called; it counts them from the first call on. */
  async collections(): Promise<Collections> {
    const { collections } = await this.#ask('collections');
    if (!collections) throw new Error(`${this.name} did not say what it has collected`);
    return collections;
  }

  /** Ends it at once: its state is thrown away anyhow. */
  stop(): void {
    if (!running.delete(this)) return;
    for (const part of this.#parts) part.stop();
    this.#child.kill('SIGKILL');
    rmSync(this.#home, { recursive: true, force: true });
  }

  get #pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  get #logFile(): string {
    return join(this.#home, 'log');
  }

  #logTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-2000);
  }

  async #listening(): Promise<void> {
    const announced = join(this.#home, 'run', 'broker.json');
    for (const until = Date.now() + START_TIMEOUT_MS; !existsSync(announced); await sleep(20)) {
      if (this.#child.exitCode !== null || Date.now() > until) {
        throw new Error(`${this.name} does not listen:\n${this.#logTail()}`);
      }
    }
    this.url = JSON.parse(readFileSync(announced, 'utf8')).url;
  }

  async #ask(request: ProbeRequest): Promise<ProbeAnswer> {
    this.#child.send(request);
    const [answer] = await once(this.#child, 'message');
    return answer;
  }
}

/** Ends every process that was started, and removes what they left. Synchronous: it also runs while this process exits. */
export function stopAll(): void {
  for (const target of running) target.stop();
}

const add = (one: CpuTime, other: CpuTime): CpuTime => ({
  usedUs: one.usedUs + other.usedUs,
  waitedUs: Math.max(one.waitedUs, other.waitedUs),
});

/** Processes that a process has started. */
function childrenOf(pid: number): number[] {
  try {
    return readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8').split(' ').filter(Boolean).map(Number);
  } catch {
    return [];
  }
}

/** A file of the build. */
function file(path: string): URL {
  return new URL(`../../${path}`, import.meta.url);
}

/** The environment without anything that would configure the daemon. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('SWITCHBOARD_'));
  return Object.fromEntries(entries);
}
