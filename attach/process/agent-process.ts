import { type ChildProcessByStdio, spawn } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';
import { setTimeout as delay } from 'node:timers/promises';
import { visibleLine } from '../../protocol/visible.ts';
import type { AttachLog } from '../attached.ts';
import { endGroup } from './group.ts';
import { Guardian } from './guardian.ts';
import { LastWords } from './last-words.ts';
import { LineReader } from './line-reader.ts';
import { MAX_WHOLE_BYTES } from './lines.ts';

/** How long a program may take to end by itself once its stdin is closed, and then after SIGTERM. Milliseconds. */
const [STDIN_GRACE_MS, TERM_GRACE_MS] = [5_000, 3_000];
/** How long nothing may come of what it has written once it has ended, and how long something may. Milliseconds. */
const [LATE_OUTPUT_MS, MOST_LATE_OUTPUT_MS] = [250, 3_000];
/** Longest line of stderr; the rest of one that is longer is cut off. Bytes. */
const MAX_STDERR_LINE = 16 * 1024;
/** How much may wait to be read by a program before it counts as one that has died. Bytes. */
const MAX_UNREAD_BYTES = 64 * 1024 * 1024;

/** How to start a program. */
export interface ProcessOptions {
  command: readonly [string, ...string[]];
  cwd: string;
  env: Record<string, string>;
  log: AttachLog;
  /** The mask that it makes files with. Default: this process's. */
  umask?: number | undefined;
  /** The longest line of its stdout that is heard as it was written, in bytes; of a longer one see `LongLine`. Default 4 MiB. */
  wholeLineBytes?: number;
  /** Hears each line of its stdout, in order, and how long it was. */
  onLine(line: Buffer, bytes: number): void;
}

/** A program that runs in a process group of its own, which ends with it, and with this process, however that ends. */
export class AgentProcess {
  /** Resolves when it has ended, with why, in words: `exited with code 3`. What it wrote has been heard by then. */
  readonly ended: Promise<string>;
  readonly #log: AttachLog;
  readonly #child: ChildProcessByStdio<Writable, Readable, Readable>;
  readonly #output: LineReader;
  readonly #guardian = new Guardian();
  readonly #lastWords = new LastWords();
  /** Why it is being ended, where that was not asked for. */
  #fault: string | undefined;
  #isOver = false;
  #isAsked = false;
  #ending: Promise<void> | undefined;

  constructor({ command, cwd, env, log, umask, wholeLineBytes = MAX_WHOLE_BYTES, onLine }: ProcessOptions) {
    this.#log = log;
    const [program, ...words] = command;
    // It is inherited, and nothing else of this process runs meanwhile.
    const own = umask === undefined ? undefined : process.umask(umask);
    this.#child = spawn(program, words, { cwd, env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    if (own !== undefined) process.umask(own);
    const { pid, stdin, stdout, stderr } = this.#child;
    if (pid !== undefined) this.#guardian.watch(pid);
    // What cannot be written is told by its end.
    stdin.on('error', () => {});
    this.#output = new LineReader(stdout, { whole: wholeLineBytes, beyond: 'shorten' }, onLine, () =>
      this.#broke('wrote a line that is too long'),
    );
    const says = (line: Buffer) => this.#says(line.toString());
    const said = new LineReader(stderr, { whole: MAX_STDERR_LINE, beyond: 'cut' }, says);
    this.ended = this.#watch(program, () => {
      this.#output.end();
      said.end();
    });
  }

  /** Undefined where it could not be started. */
  get pid(): number | undefined {
    return this.#child.pid;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** Whether its end was asked for. */
  get isEnding(): boolean {
    return this.#isAsked;
  }

  /** The end of what it wrote to stderr. */
  get lastWords(): string {
    return this.#lastWords.toString();
  }

  /** Writes one line. */
  write(line: string): void {
    const { stdin } = this.#child;
    if (stdin.writable) stdin.write(`${line}\n`);
    if (stdin.writableLength > MAX_UNREAD_BYTES) this.#broke('does not read what it is sent');
  }

  /** Reads no more of its stdout until {@link AgentProcess.resume}: what it has to say waits in the pipe, and then so does it. */
  pause(): void {
    this.#output.pause();
  }

  resume(): void {
    this.#output.resume();
  }

  /** Ends it: asked nicely at first, by force at last, with whatever it has started. Resolves when it is gone. */
  end(): Promise<void> {
    this.#isAsked = true;
    this.#ending ??= this.#end();
    return this.#ending;
  }

  /** Ends it at once. */
  kill(): Promise<void> {
    this.#isAsked = true;
    return this.#kill();
  }

  #kill(): Promise<void> {
    this.#ending ??= this.#endGroup(0);
    return this.#ending;
  }

  #broke(fault: string): void {
    this.#fault ??= fault;
    this.#child.stdout.destroy();
    void this.#kill();
  }

  async #end(): Promise<void> {
    this.#output.release();
    this.#child.stdin.end();
    const timer = new AbortController();
    const tooLate = delay(STDIN_GRACE_MS, undefined, { signal: timer.signal }).catch(() => {});
    await Promise.race([this.ended, tooLate]);
    timer.abort();
    await this.#endGroup(TERM_GRACE_MS);
  }

  async #endGroup(graceMs: number): Promise<void> {
    if (this.pid !== undefined) await endGroup(this.pid, graceMs);
    await this.ended;
    this.#guardian.dismiss();
  }

  #watch(program: string, flush: () => void): Promise<string> {
    const child = this.#child;
    return new Promise((resolve) => {
      child.on('error', (error: NodeJS.ErrnoException) => {
        // A signal that could not be sent is told as an error, too.
        if (child.pid !== undefined) return;
        this.#isOver = true;
        this.#guardian.dismiss();
        resolve(`cannot be run: ${WHY[error.code ?? ''] ?? error.message}: ${visibleLine(program)}`);
      });
      child.on('exit', async (code, signal) => {
        await this.#heard();
        flush();
        this.#isOver = true;
        for (const stream of [child.stdin, child.stdout, child.stderr]) stream.destroy();
        resolve(this.#fault ?? (signal === null ? `exited with code ${code}` : `was ended by ${signal}`));
        // Its leader is gone; the group need not be.
        this.#ending ??= this.#endGroup(TERM_GRACE_MS);
      });
    });
  }

  /** Resolves once what it has written has come, or nothing more does: a child of its own may hold the pipe for ever. */
  async #heard(): Promise<void> {
    this.#output.release();
    let isClosed = false;
    const closed = new Promise<void>((done) => {
      this.#child.once('close', () => {
        isClosed = true;
        done();
      });
    });
    for (const until = performance.now() + MOST_LATE_OUTPUT_MS; !isClosed && performance.now() < until; ) {
      const timer = new AbortController();
      await Promise.race([closed, delay(LATE_OUTPUT_MS, undefined, { signal: timer.signal }).catch(() => {})]);
      timer.abort();
      if (this.#output.isSilent(LATE_OUTPUT_MS)) return;
    }
  }

  #says(line: string): void {
    if (line.trim() === '') return;
    const words = visibleLine(line);
    this.#lastWords.add(words);
    this.#log.debug({ pid: this.pid, stderr: words }, 'an attached agent says');
  }
}

const WHY: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such program, or no such working directory',
  EACCES: 'this user may not run it',
  E2BIG: 'its arguments and variables are too long',
};
