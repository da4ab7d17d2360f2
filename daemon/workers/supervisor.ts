import cluster from 'node:cluster';
import { chmodSync, rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { createToken } from '../../actors/connection/agent-registry.ts';
import { UnixCarrier } from '../../link/unix-carrier.ts';
import { VERSION } from '../../version.ts';
import type { Config } from '../config.ts';
import { StartError } from '../errors.ts';
import { type Home, openHome } from '../home.ts';
import { readJwt } from '../jwt.ts';
import { listenSocket, nextStep } from '../listening.ts';
import type { Reload } from '../reload.ts';
import type { Teardown } from '../teardown.ts';
import { readTls } from '../tls.ts';
import { DirectoryDesk } from './directory-desk.ts';
import { Gatherings } from './gathering.ts';
import { untilOrphansEnd, warnOfLeft } from './left.ts';
import type { Beginning, ToSupervisor } from './messages.ts';
import { linkDirectory } from './place.ts';
import { PULSE_MS } from './pulse.ts';
import { stopInOrder } from './stop-order.ts';
import type { WorkerProcess } from './worker-process.ts';
import { WorkerSeat } from './worker-seat.ts';

/** What workers get on top of the time that live chats have to end, for all else that a stop waits for. Milliseconds. */
const STOP_GRACE_MS = 15_000;
/** How often workers that stop are asked whether they still have turns. Milliseconds. */
const STOP_BEAT_MS = 100;

/**
 * Brings up a daemon of several processes (`docs/cluster.md`): this one holds the home, starts the others and starts those
 * again that end, and hands connections to them in turn. Nothing of a client's ever reaches it.
 *
 * @throws StartError, ConfigError or a system error.
 */
export async function startSupervisor(
  config: Config,
  env: NodeJS.ProcessEnv,
  log: Logger,
  teardown: Teardown,
  reload: Reload,
): Promise<void> {
  if (!cluster.isPrimary)
    throw new StartError('--workers needs a process of its own, and this one is a worker of another program');
  // What is wrong with them is said before anything is made.
  readTls(config);
  readJwt(config);
  const { settings } = config;
  const names = Array.from({ length: settings.workers }, (_, index) => String(index + 1));
  const home = openHome(settings.home, (err) => log.warn({ err }, 'a file of this run could not be removed'));
  teardown.onExit(() => home.release());
  await untilOrphansEnd(settings.home);
  checkLinks(linkDirectory(settings.home), names);
  teardown.onExit(() => rmSync(linkDirectory(settings.home), { recursive: true, force: true }));
  await warnOfLeft(settings.home, names, log);
  const supervisor = new Supervisor(config, names, log);
  teardown.onStop(() => supervisor.stop());
  teardown.onAbruptExit(() => supervisor.kill());
  home.writeTokens(supervisor.tokens);
  // They come to the workers by their pipes alone.
  for (const name of ['SWITCHBOARD_AUTH_TOKEN', 'SWITCHBOARD_HOST_TOKEN']) delete process.env[name];
  cluster.schedulingPolicy = cluster.SCHED_RR;
  cluster.setupPrimary({ serialization: 'json' });
  await announceWhenUp(supervisor, { config, env, home, log, teardown, reload });
}

interface Start {
  config: Config;
  env: NodeJS.ProcessEnv;
  home: Home;
  log: Logger;
  teardown: Teardown;
  reload: Reload;
}

async function announceWhenUp(supervisor: Supervisor, start: Start): Promise<void> {
  const { config, env, home, log, teardown, reload } = start;
  let first: { url: string; reloads: boolean } | undefined;
  const socket = await listenSocket(
    config.settings,
    env,
    { runDirectory: home.runDirectory, log, teardown },
    async (path) => {
      first = await supervisor.startFirst(path);
    },
  );
  first ??= await supervisor.startFirst(null);
  await supervisor.startOthers();
  const { url, reloads } = first;
  if (reloads) reload.onReload(() => supervisor.reload());
  home.announce({ pid: process.pid, url, socket, version: VERSION });
  const { settings } = config;
  const workers = settings.workers;
  log.info({ url, socket, home: settings.home, version: VERSION, workers }, `listening on ${url}`);
  log.info(`try: ${nextStep(config)}`);
}

/** @throws {StartError} where one of their sockets could not be made */
function checkLinks(directory: string, names: readonly string[]): void {
  try {
    for (const self of names) new UnixCarrier({ self, directory });
  } catch (error) {
    throw new StartError(`${(error as Error).message}; choose a shorter --home, or --workers 1`);
  }
}

/** The workers, and what they have in common. */
class Supervisor {
  readonly tokens: { readonly daemon: string; readonly host: string };
  readonly #config: Config;
  readonly #log: Logger;
  readonly #names: readonly string[];
  readonly #seats: readonly WorkerSeat[];
  readonly #desk = new DirectoryDesk();
  readonly #gatherings = new Gatherings();
  readonly #beats: NodeJS.Timeout;
  #socket: string | null = null;
  #url = '';

  constructor(config: Config, names: readonly string[], log: Logger) {
    this.#config = config;
    this.#log = log;
    this.#names = names;
    const { daemon, host } = config.tokens;
    this.tokens = { daemon: daemon || createToken(), host: host || createToken() };
    this.#seats = names.map((name) => this.#seat(name));
    this.#beats = this.#beatEvery(PULSE_MS);
  }

  /** The home broker's, which finds out whether the daemon can start at all. */
  async startFirst(socket: string | null): Promise<{ url: string; reloads: boolean }> {
    this.#socket = socket;
    const [first] = this.#seats as [WorkerSeat];
    const said = await first.start();
    this.#url = said.url;
    return said;
  }

  async startOthers(): Promise<void> {
    const [, ...others] = this.#seats;
    await Promise.all(others.map((seat) => seat.start()));
  }

  reload(): void {
    for (const { listening } of this.#seats) listening?.send({ type: 'reload' });
  }

  /** All together, the first one last; whoever takes longer than a stop may take is killed. */
  async stop(): Promise<void> {
    const drainMs = this.#config.settings['drain-timeout'];
    const limit = setTimeout(() => {
      this.#log.error('workers have not stopped in time: they are killed');
      this.kill();
    }, drainMs + STOP_GRACE_MS);
    clearInterval(this.#beats);
    const asking = this.#beatEvery(STOP_BEAT_MS);
    await stopInOrder(this.#seats, drainMs);
    clearInterval(asking);
    clearTimeout(limit);
  }

  kill(): void {
    for (const seat of this.#seats) seat.kill();
  }

  #beatEvery(ms: number): NodeJS.Timeout {
    let last = performance.now();
    const beat = () => {
      const now = performance.now();
      for (const seat of this.#seats) seat.beat(now - last);
      last = now;
    };
    return setInterval(beat, ms);
  }

  #seat(name: string): WorkerSeat {
    return new WorkerSeat(name, () => this.#beginningOf(name), {
      said: (process, message) => this.#hear(process, message),
      gone: (process, why) => {
        this.#desk.gone(process);
        this.#gatherings.gone(process);
        this.#log.debug({ worker: name, why }, 'a worker is gone');
      },
      back: (process, url) => this.#takeBack(name, process, url),
      restarting: (why, retryMs) =>
        this.#log.error({ worker: name, why, retryMs }, 'a worker has ended: it is started again'),
      isAnyoneThere: () => this.#seats.some(({ listening }) => listening),
      silent: () => this.#log.warn({ worker: name }, 'a worker does not answer'),
      answers: (ms) => this.#log.info({ worker: name, silent_ms: Math.round(ms) }, 'a worker answers again'),
      hung: (why) => this.#log.error({ worker: name, why }, 'a worker hangs: it is killed'),
    });
  }

  #beginningOf(id: string): Beginning {
    const { settings, given } = this.#config;
    return {
      id,
      names: this.#names,
      isFirst: this.#url === '',
      settings,
      given: [...given],
      tokens: this.tokens,
      port: this.#portNow(),
      socket: this.#socket,
    };
  }

  /**
   * With port 0 all that listen at a time share the one that the first of them was given: each asks for 0. When nobody listens
   * any more it is free, and whoever comes next asks for it by its number.
   */
  #portNow(): number {
    const { port } = this.#config.settings;
    if (port !== 0 || this.#url === '' || this.#seats.some(({ listening }) => listening)) return port;
    return Number(new URL(this.#url).port);
  }

  #takeBack(name: string, process: WorkerProcess, url: string): void {
    if (url !== this.#url) {
      // The last of those that held the port has ended just when this one asked for it.
      this.#log.warn({ worker: name, url }, 'a worker listens elsewhere: it is started again');
      process.kill();
      return;
    }
    // Made anew where nobody listened any more.
    if (this.#socket !== null) chmodSync(this.#socket, 0o600);
    this.#log.info({ worker: name }, 'a worker is back');
  }

  #hear(from: WorkerProcess, message: ToSupervisor): void {
    if (message.type === 'directory') this.#desk.take(from, message);
    else if (message.type === 'metrics') this.#gatherings.take(from, message.ask, message.text);
    else if (message.type === 'gather') void this.#gather(from, message.ask);
  }

  async #gather(from: WorkerProcess, ask: number): Promise<void> {
    const up = this.#seats.flatMap(({ listening }) => listening ?? []);
    const hanging = this.#seats.filter((seat) => seat.isSilent);
    const others = up.filter((process) => process !== from && !hanging.some(({ listening }) => listening === process));
    const { answers, silent } = await this.#gatherings.ask(others);
    const workers = this.#seats.length;
    const restarts = this.#seats.map(({ id, restarts }) => [id, restarts] as const);
    const gathered = { answers, workers, silent: silent + hanging.length, down: workers - up.length, restarts };
    from.send({ type: 'gathered', ask, gathered });
  }
}
