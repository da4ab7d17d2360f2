import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { GATED_TOOL } from './load/script.ts';
import type { ProbeAnswer } from './probe.ts';

/** How long it may take to listen, and to stop. Milliseconds. */
const START_TIMEOUT = 30_000;
const STOP_TIMEOUT = 30_000;
/** pino's level of an error. */
const ERROR_LEVEL = 50;

/** The built daemon in a process and a home of its own, as anybody would start it. */
export class SoakedDaemon {
  /** Where it listens: `ws://host:port`. */
  url = '';
  /** Rejects when it ends by itself. */
  readonly died: Promise<never>;
  readonly home = mkdtempSync(join(tmpdir(), 'switchboard-soak-'));
  #isEnding = false;
  readonly #flags: readonly string[];
  #child: ChildProcess;
  #failed: (error: Error) => void = () => {};

  private constructor(flags: readonly string[]) {
    this.#flags = flags;
    this.died = new Promise((_, reject) => {
      this.#failed = reject;
    });
    this.died.catch(() => {});
    this.#child = this.#spawn(0);
  }

  #spawn(port: number): ChildProcess {
    const built = (path: string) => new URL(`../${path}`, import.meta.url);
    const argv = ['--expose-gc', '--import', built('soak/probe.js').href, fileURLToPath(built('main.js'))];
    const log = openSync(this.#logFile, 'a');
    const gate = `tools.execute:${GATED_TOOL}`;
    // What the recorder keeps is no leak: of so few turns it is full before memory is looked at.
    const bounds = ['--no-socket', '--approve', gate, '--record-turns', '20'];
    const flags = ['--home', this.home, '--port', String(port), ...bounds, ...this.#flags];
    const child = spawn(process.execPath, [...argv, ...flags], {
      // A file, not a pipe: nobody has to read it meanwhile.
      stdio: ['ignore', log, log, 'ipc'],
      env: environment(),
      // In a group of its own: Ctrl-C is for the soak, which then ends the daemon.
      detached: true,
    });
    closeSync(log);
    child.once('exit', (code, signal) => {
      if (!this.#isEnding)
        this.#failed(new Error(`the daemon ended by itself, with ${code ?? signal}:\n${this.#logTail()}`));
    });
    return child;
  }

  /** Starts it and waits until it listens. */
  static async start(flags: readonly string[] = []): Promise<SoakedDaemon> {
    const daemon = new SoakedDaemon(flags);
    await Promise.race([daemon.#listening(), daemon.died]);
    return daemon;
  }

  /** Kills it. Resolves when it is gone. */
  async die(): Promise<void> {
    this.#isEnding = true;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
    this.#isEnding = false;
  }

  /** Starts it again, on the same home and port. Resolves when it listens. */
  async comeBack(): Promise<void> {
    this.#child = this.#spawn(Number(new URL(this.url).port));
    await Promise.race([this.#listening(), this.died]);
  }

  get tokens(): { daemon: string; host: string } {
    const read = (name: string) => readFileSync(join(this.home, 'run', name), 'utf8').trim();
    return { daemon: read('auth-token'), host: read('host-token') };
  }

  /** What it has logged of faults. */
  get errors(): string[] {
    const lines = readFileSync(this.#logFile, 'utf8').split('\n');
    return lines.filter((line) => Number(/"level":(\d+)/.exec(line)?.[1]) >= ERROR_LEVEL || /^\s+at /.test(line));
  }

  /** What it says of itself, after a full collection. */
  async probe(): Promise<ProbeAnswer> {
    const answered = once(this.#child, 'message');
    this.#child.send('probe');
    const [answer] = await answered;
    return answer;
  }

  /** A gauge or counter of `/metrics`, all its labels added up. */
  async metrics(): Promise<(name: string) => number> {
    const response = await fetch(new URL('/metrics', this.url.replace(/^ws/, 'http')));
    const text = await response.text();
    return (name) => {
      const values = [...text.matchAll(new RegExp(`^switchboard_${name}(?:\\{.*\\})? (\\S+)$`, 'gm'))];
      return values.reduce((sum, [, value]) => sum + Number(value), 0);
    };
  }

  /** Stops it as a person would. Returns what is wrong with how it ended, if anything is. */
  async stop(): Promise<string | undefined> {
    this.#isEnding = true;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGTERM');
    const late = sleep(STOP_TIMEOUT, undefined, { ref: false });
    const [code] = (await Promise.race([exit, late])) ?? ['nothing'];
    return code === 0 ? undefined : `the daemon was stopped and ended with ${code}`;
  }

  /** Ends it at once, and removes what it left. Synchronous: it also runs while this process exits. */
  remove(): void {
    this.#isEnding = true;
    this.#child.kill('SIGKILL');
    rmSync(this.home, { recursive: true, force: true });
  }

  get #logFile(): string {
    return join(this.home, 'log');
  }

  #logTail(): string {
    return readFileSync(this.#logFile, 'utf8').slice(-2000);
  }

  async #listening(): Promise<void> {
    for (const until = Date.now() + START_TIMEOUT; ; await sleep(20)) {
      const announced = this.#announced();
      // One that was killed has left its own behind.
      if (announced?.pid === this.#child.pid && announced !== undefined) {
        this.url = announced.url;
        return;
      }
      if (Date.now() > until) throw new Error(`the daemon does not listen:\n${this.#logTail()}`);
    }
  }

  #announced(): { pid: number; url: string } | undefined {
    try {
      return JSON.parse(readFileSync(join(this.home, 'run', 'broker.json'), 'utf8'));
    } catch {
      // Not yet, or just being written.
      return undefined;
    }
  }
}

/** The environment without anything that would configure the daemon. */
function environment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !name.startsWith('SWITCHBOARD_'));
  return Object.fromEntries(entries);
}
