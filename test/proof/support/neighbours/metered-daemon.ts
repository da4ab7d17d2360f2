import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { own, temporaryDirectory } from '../../../e2e/support/cleanup.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../../../e2e/support/daemon.ts';
import { DIST } from '../../../e2e/support/program.ts';

/** What the daemon's meter has seen since it was begun. Milliseconds of CPU, and bytes. */
export interface Reading {
  /** The longest turn of the event loop. */
  longest: number;
  turns: number;
  /** The most that its resident memory was. */
  peak: number;
  rss: number;
  /** Its heap, and what that holds outside, after a full collection. */
  collected: number;
}

/** What `npm start`, and all in `deploy/`, give Node: without it a newer one keeps three times as much garbage. */
const [SEMI_SPACE = ''] = /--max-semi-space-size=\d+/.exec(readFileSync(join(DIST, '../package.json'), 'utf8')) ?? [];

const METER = new URL('turn-meter.js', import.meta.url).href;

/** The built daemon, with its turns and its memory measured from inside. */
export class MeteredDaemon {
  readonly daemon: Daemon;
  readonly #socket: Socket;
  readonly #answers: AsyncIterator<string>;

  private constructor(daemon: Daemon, socket: Socket) {
    this.daemon = daemon;
    this.#socket = socket;
    this.#answers = createInterface(socket)[Symbol.asyncIterator]();
  }

  /** @param heap Mebibytes that its old space may have. */
  static async start({ heap, ...options }: DaemonOptions & { heap?: number | undefined } = {}): Promise<MeteredDaemon> {
    const meter = join(temporaryDirectory(), 'meter');
    const nodeOptions = [
      SEMI_SPACE,
      `--import=${METER}`,
      ...(heap === undefined ? [] : [`--max-old-space-size=${heap}`]),
    ];
    const daemon = await startDaemon({
      ...options,
      flags: ['--log-level', 'info', ...(options.flags ?? [])],
      env: { ...options.env, NODE_OPTIONS: nodeOptions.join(' '), TURN_METER: meter },
    });
    const socket = connect(meter);
    own(() => socket.destroy());
    await once(socket, 'connect');
    socket.on('error', () => {});
    // What code costs when it is loaded, and runs for the first time, is nobody's attack.
    await fetch(`${daemon.url.replace(/^ws/, 'http')}/metrics`).then((response) => response.text());
    return new MeteredDaemon(daemon, socket);
  }

  get port(): number {
    return Number(new URL(this.daemon.url).port);
  }

  get isGone(): boolean {
    const { exitCode, signalCode } = this.daemon.program.child;
    return exitCode !== null || signalCode !== null;
  }

  /** Has it measure anew, and gives what there was before. */
  begin(): Promise<Reading> {
    return this.#ask('begin');
  }

  /** What it has measured since. */
  end(): Promise<Reading> {
    return this.#ask('end');
  }

  /** Sets its clock of the wall. */
  async jump(ms: number): Promise<void> {
    await this.#ask(`jump ${ms}`);
  }

  async #ask(words: string): Promise<Reading> {
    this.#socket.write(`${words}\n`);
    const { value, done } = await this.#answers.next();
    if (done)
      throw new Error(
        `the daemon is gone:\n${this.daemon.program.out.slice(-1_000)}${this.daemon.program.err.slice(-2_000)}`,
      );
    return JSON.parse(value);
  }
}
