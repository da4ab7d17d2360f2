import { type ChildProcess, spawn } from 'node:child_process';
import { resolve } from 'node:path';
import { own } from './cleanup.ts';

/** Where the built programs are. */
export const DIST = resolve(import.meta.dirname, '../../../dist');
export const MAIN = resolve(DIST, 'main.js');
export const CLI = resolve(DIST, 'cli/main.js');

/** How a process ended: by itself with a code, or by a signal. */
export interface Exit {
  code: number | null;
  signal: NodeJS.Signals | null;
}

/** A process, of Node unless told otherwise, with no variables but the given ones, and what it wrote so far. It is killed when its test ends. */
export class Program {
  readonly child: ChildProcess;
  /** Settles when it is gone and everything that it wrote is here. */
  readonly exit: Promise<Exit>;
  out = '';
  err = '';
  #ended: Exit | undefined;
  #watching = new Set<() => void>();

  /**
   * @param limits what a shell sets before it becomes that process.
   * @param place the folder that it runs in, as which user, and what runs it; default: ours.
   */
  constructor(
    argv: readonly string[],
    env: NodeJS.ProcessEnv = {},
    limits?: string,
    { runtime = process.execPath, ...place }: { cwd?: string; uid?: number; runtime?: string | undefined } = {},
  ) {
    const shell = ['sh', '-c', `${limits} && exec "$0" "$@"`];
    const [command = '', ...rest] = [...(limits ? shell : []), runtime, ...argv];
    this.child = spawn(command, rest, {
      env: { PATH: process.env.PATH, HOME: '/nonexistent', ...env },
      stdio: ['pipe', 'pipe', 'pipe'],
      ...place,
    });
    this.child.stdout?.setEncoding('utf8').on('data', (text: string) => this.#grow('out', text));
    this.child.stderr?.setEncoding('utf8').on('data', (text: string) => this.#grow('err', text));
    // Who ends before reading its input breaks the pipe: nothing to fail a test by.
    this.child.stdin?.on('error', () => {});
    this.exit = new Promise((settle) => {
      this.child.once('close', (code, signal) => {
        this.#ended = { code, signal };
        settle(this.#ended);
        this.#look();
      });
    });
    own(() => this.kill('SIGKILL'));
  }

  /** What it wrote to stdout, line by line. */
  get lines(): string[] {
    return this.out.split('\n').filter((line) => line !== '');
  }

  /** Sends a signal, and waits until it is gone. */
  kill(signal: NodeJS.Signals): Promise<Exit> {
    this.child.kill(signal);
    return this.exit;
  }

  /** Waits until stdout, or stderr, holds these words; fails where the process ends first. */
  shows(words: string, where: 'out' | 'err' = 'out'): Promise<void> {
    return new Promise((found, reject) => {
      const look = () => {
        if (this[where].includes(words)) found();
        else if (!this.#ended) return;
        else reject(new Error(`ended (${JSON.stringify(this.#ended)}) without ${words}:\n${this.out}\n${this.err}`));
        this.#watching.delete(look);
      };
      this.#watching.add(look);
      look();
    });
  }

  #grow(where: 'out' | 'err', text: string): void {
    this[where] += text;
    this.#look();
  }

  #look(): void {
    for (const look of [...this.#watching]) look();
  }
}

/** A run that ends by itself. @param input what it reads on stdin; none: an empty one. */
export async function run(argv: readonly string[], env: NodeJS.ProcessEnv = {}, input = '') {
  const program = new Program(argv, env);
  program.child.stdin?.end(input);
  const { code, signal } = await program.exit;
  return { code, signal, out: program.out, err: program.err };
}
