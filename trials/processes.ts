import { type ChildProcess, spawn } from 'node:child_process';

/** Everything that runs, for {@link stopAll}. */
const running = new Set<Program>();

/** How long a process may take to say or do what a trial waits for: the machine may be busy. */
export const PATIENCE_MS = 180_000;

/** How a program is run. */
export interface ProgramOptions {
  /** Leaves its stdin open until {@link Program.release}. Default: it has none. */
  isHeld?: boolean;
}

/** A process in a group of its own, and what it has written. */
export class Program {
  /** What it wrote to stdout and stderr. */
  out = '';
  /** What it wrote to stdout alone. */
  stdout = '';
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  readonly #watching = new Set<() => void>();
  #code: number | null | undefined;

  /** @param env the whole environment, but for PATH. */
  constructor(
    command: readonly string[],
    env: NodeJS.ProcessEnv,
    cwd: string,
    { isHeld = false }: ProgramOptions = {},
  ) {
    const [file = '', ...args] = command;
    this.#child = spawn(file, args, {
      env: { PATH: process.env.PATH, ...env },
      cwd,
      detached: true,
      stdio: [isHeld ? 'pipe' : 'ignore', 'pipe', 'pipe'],
    });
    running.add(this);
    const grow = (text: string) => {
      this.out += text;
      for (const look of this.#watching) look();
    };
    this.#child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      this.stdout += text;
      grow(text);
    });
    this.#child.stderr?.setEncoding('utf8').on('data', grow);
    this.#ended = new Promise((settle) => {
      const end = (code: number | null) => {
        this.#code = code;
        settle(code);
        for (const look of this.#watching) look();
      };
      this.#child.once('close', end).once('error', (error) => {
        this.out += error.message;
        end(null);
      });
    });
  }

  get pid(): number {
    return this.#child.pid ?? Number.NaN;
  }

  /**
   * Waits until it has written something.
   * @throws {Error} it ended before, or took too long.
   */
  shows(words: string | RegExp): Promise<RegExpMatchArray> {
    return within(
      `${words} was not shown`,
      () => this.out.slice(-2000),
      (settle, fail) => {
        const look = () => {
          const match = this.out.match(words);
          if (match) settle(match);
          else if (this.#code !== undefined) fail(new Error(`ended with ${this.#code}: ${this.out.slice(-2000)}`));
        };
        this.#watching.add(look);
        look();
        return () => this.#watching.delete(look);
      },
    );
  }

  /** Waits until it has ended, and says with which code. */
  ended(ms = PATIENCE_MS): Promise<number | null> {
    return within(
      'it did not end',
      () => this.out.slice(-2000),
      (settle) => void this.#ended.then(settle),
      ms,
    );
  }

  /** Ends its stdin. */
  release(): void {
    this.#child.stdin?.end();
  }

  signal(signal: NodeJS.Signals): void {
    this.#child.kill(signal);
  }

  /** Ends whatever of its group is there, at once. */
  stop(): void {
    if (!running.delete(this) || !this.#child.pid) return;
    try {
      process.kill(-this.#child.pid, 'SIGKILL');
    } catch {
      // Gone already, and all of its group.
    }
  }
}

/** Ends every process that was started. Synchronous: it also runs while this process exits. */
export function stopAll(): void {
  for (const program of running) program.stop();
}

/** Settles as `begin` says, or fails after `ms`. What `begin` returns, where that is a function, is called then. */
export function within<T>(
  failure: string,
  details: () => string,
  begin: (settle: (value: T) => void, fail: (error: Error) => void) => unknown,
  ms = PATIENCE_MS,
): Promise<T> {
  return new Promise<T>((settle, fail) => {
    const done =
      <V>(then: (value: V) => void) =>
      (value: V) => {
        clearTimeout(timer);
        queueMicrotask(() => typeof end === 'function' && end());
        then(value);
      };
    const timer = setTimeout(() => done(fail)(new Error(`${failure} within ${ms / 1000} s: ${details()}`)), ms);
    const end = begin(done(settle), done(fail));
  });
}
