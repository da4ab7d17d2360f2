import { execFileSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as breathe } from 'node:timers/promises';
import type { Limits } from '../../protocol/limits.ts';
import { temporaryDirectory } from './support/cleanup.ts';
import { Daemon } from './support/daemon.ts';
import { DIST, Program } from './support/program.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/** How much memory may come on top of what it was (issue 4). */
export const ALLOWED_GROWTH = 64 * 1024 * 1024;
/** How much an agent may have on its way before it waits: the test's own memory is no subject of the test. */
const AHEAD = 1024 * 1024;

/**
 * A process of its own with a broker of other limits than the daemon's, for which there are no flags. It leaves the
 * same files as the daemon, and so is used like one.
 */
export async function startEmbedded(limits: Partial<Limits>): Promise<Daemon> {
  const home = temporaryDirectory();
  const run = join(home, 'run');
  mkdirSync(run);
  const program = new Program([
    '--input-type=module',
    '-e',
    `import { writeFileSync } from 'node:fs';
     import { createBroker } from ${JSON.stringify(join(DIST, 'broker.js'))};
     const broker = createBroker({ limits: ${JSON.stringify({ metricsMaxAgeMs: 0, ...limits })} });
     const { url } = await broker.listen({ port: 0 });
     const write = (name, text) => writeFileSync(${JSON.stringify(run)} + '/' + name, text);
     write('auth-token', broker.tokens.daemon);
     write('host-token', broker.tokens.host);
     write('broker.json', JSON.stringify({ pid: process.pid, url, socket: null, version: broker.version }));
     console.log('listening');`,
  ]);
  await program.shows('listening');
  return new Daemon(program, home, 0);
}

/** The memory that a process has, in bytes. */
export function residentBytes(daemon: Daemon): number {
  return Number(execFileSync('ps', ['-o', 'rss=', '-p', String(daemon.announced.pid)], { encoding: 'utf8' })) * 1024;
}

/** Looks at a process's memory whenever it is told to, and knows the most that it saw. */
export class MemoryWatch {
  readonly #daemon: Daemon;
  readonly #before: number;
  #most: number;

  constructor(daemon: Daemon) {
    this.#daemon = daemon;
    this.#before = residentBytes(daemon);
    this.#most = this.#before;
  }

  look(): void {
    this.#most = Math.max(this.#most, residentBytes(this.#daemon));
  }

  /** By how many bytes it has grown at most. */
  get growth(): number {
    this.look();
    return this.#most - this.#before;
  }
}

/** One value of `/metrics`. */
export async function metric(daemon: Daemon, name: string): Promise<number> {
  const { body } = await daemon.get('/metrics');
  const line = body.split('\n').find((one) => one.startsWith(`switchboard_${name} `));
  if (!line) throw new Error(`no metric ${name}`);
  return Number(line.split(' ').at(-1));
}

/** Waits while an agent has much on its way, and lets others have their turn. */
export async function keepPace(agent: WireClient): Promise<void> {
  do await breathe();
  while (agent.socket.bufferedAmount > AHEAD);
}

/** What a host reads of one turn. */
export interface TurnReader {
  /** Its events, oldest first; what is taken out is forgotten. */
  readonly events: Message[];
  /** The last event's `seq`. */
  readonly seq: number;
  /** Settles with the terminal; rejects at a gap, or where the connection closes first. */
  readonly over: Promise<void>;
}

/**
 * Reads a turn as it comes, and sees to it that `seq_from..seq` has no gap. It looks at each event once: with thousands
 * of them, `WireClient.terminal` would take longer than what is tested.
 */
export function readTurn(host: WireClient, turnId: string, onEvent: (event: Message) => void = () => {}): TurnReader {
  const events: Message[] = [];
  let last = 0;
  const over = new Promise<void>((resolve, reject) => {
    host.socket.on('message', (data) => {
      const { params } = JSON.parse(data.toString());
      host.frames.length = 0;
      if (params?.turn_id !== turnId) return;
      if ((params.seq_from ?? params.seq) !== last + 1) reject(new Error(`a gap between ${last} and ${params.seq}`));
      last = params.seq;
      events.push(params);
      onEvent(params);
      if (params.kind !== 'token') resolve();
    });
    host.socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
  });
  // Some readers are cut off, and nobody waits for the end of theirs.
  over.catch(() => {});
  return {
    events,
    over,
    get seq() {
      return last;
    },
  };
}
