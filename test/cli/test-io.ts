import { PassThrough } from 'node:stream';
import type { Io } from '../../cli/io.ts';
import { run } from '../../cli/program.ts';

/** A terminal whose keys a test presses, and whose screen it reads. */
export class TestIo implements Io {
  readonly stdin: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly stdout: PassThrough & { isTTY?: boolean } = new PassThrough();
  readonly stderr: PassThrough & { isTTY?: boolean; columns?: number } = new PassThrough();
  readonly env: Record<string, string>;
  out = '';
  err = '';
  /** Both, as a person sees them on one screen. */
  screen = '';
  readonly #listeners = new Set<() => void>();
  #watching: { isThere: () => boolean; resolve: () => void }[] = [];

  constructor(env: Record<string, string> = {}) {
    this.env = env;
    this.stdout.on('data', (chunk) => {
      this.out += chunk;
      this.screen += chunk;
      this.#look();
    });
    this.stderr.on('data', (chunk) => {
      this.err += chunk;
      this.screen += chunk;
      this.#look();
    });
  }

  onInterrupt(listener: () => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  onTerminate(): () => void {
    return () => {};
  }

  /** Presses Ctrl-C. */
  interrupt(): void {
    if (this.#listeners.size === 0) throw new Error('nobody hears a Ctrl-C: the process would end');
    for (const listener of [...this.#listeners]) listener();
  }

  /** Resolves when stdout, or stderr, holds these words so many times. */
  shows(words: string, where: 'out' | 'err' = 'out', times = 1): Promise<void> {
    return new Promise((resolve) => {
      this.#watching.push({ isThere: () => this[where].split(words).length > times, resolve });
      this.#look();
    });
  }

  run(...argv: string[]): Promise<number> {
    return run(argv, this);
  }

  #look(): void {
    this.#watching = this.#watching.filter(({ isThere, resolve }) => {
      if (!isThere()) return true;
      resolve();
      return false;
    });
  }
}
