import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { vi } from 'vitest';
import { temporaryDirectory } from '../../../e2e/support/cleanup.ts';
import { Daemon } from '../../../e2e/support/daemon.ts';
import { MAIN, Program } from '../../../e2e/support/program.ts';
import { Front } from '../../../support/front.ts';
import { freePorts, type NatsServer, natsServers } from '../../../support/nats-servers.ts';
import type { Random } from '../random.ts';
import { Parties } from './parties.ts';

const ENV = {
  SWITCHBOARD_AUTH_TOKEN: 'a-token-that-stays-the-same',
  SWITCHBOARD_HOST_TOKEN: 'another-that-does',
};
const NAMES = ['one', 'two', 'three'];
/** A turn that nobody reads any more ends soon after the schedule has. Milliseconds. */
const WINDOW_MS = 120_000;
/** An agent that a slow machine keeps away is waited for. Milliseconds. */
const AGENT_WINDOW_MS = 180_000;
/** A broker that is started while NATS is away ends, and is started again, as a service manager would. Milliseconds. */
const AGAIN_MS = 500;
/** Between two words of an agent's: much is to be going on when something happens, and cores are few. */
const PAUSE_MS = 10;
/** Everything is to go on within that, from the worst of what is done to it. Milliseconds. */
const PATIENCE_MS = 90_000;

/** One broker of the cluster: its present life, and the wires by which it reaches each nats-server. */
export class Broker {
  readonly name: string;
  readonly port: number;
  readonly nats: readonly Front[];
  readonly #home = temporaryDirectory();
  /** What its lives have logged. */
  readonly #programs: Program[] = [];

  constructor(name: string, port: number, nats: readonly Front[]) {
    this.name = name;
    this.port = port;
    this.nats = nats;
  }

  get program(): Program {
    return this.#programs.at(-1) as Program;
  }

  get daemon(): Daemon {
    return new Daemon(this.program, this.#home);
  }

  /** What all its lives have said. */
  get log(): string {
    return this.#programs.map(({ out, err }) => `${out}${err}`).join('--- its next life\n');
  }

  /** Resolves when it listens; it is tried again while it cannot start. @throws what it has said last, where that is for too long */
  async start(): Promise<void> {
    const servers = this.nats.flatMap(({ port }) => ['--cluster-nats', `nats://127.0.0.1:${port}`]);
    const cluster = ['--cluster', 'proof', '--cluster-id', this.name, '--cluster-home', NAMES[0] as string];
    const own = [
      '--port',
      String(this.port),
      '--no-socket',
      '--resume-window',
      String(WINDOW_MS),
      '--agent-window',
      String(AGENT_WINDOW_MS),
    ];
    const until = performance.now() + PATIENCE_MS;
    for (;;) {
      const program = new Program([MAIN, ...own, ...cluster, ...servers], { SWITCHBOARD_HOME: this.#home, ...ENV });
      this.#programs.push(program);
      // One that neither listens nor ends is not waited for either.
      const enough = setTimeout(() => void program.kill('SIGKILL'), Math.max(0, until - performance.now()));
      try {
        await program.shows('"try: ');
        return;
      } catch (error) {
        if (performance.now() > until) throw error;
      } finally {
        clearTimeout(enough);
      }
      await delay(AGAIN_MS);
    }
  }

  /** It is killed, and started again on its home. */
  async restart(): Promise<void> {
    await this.program.kill('SIGKILL');
    await this.start();
  }
}

/** Three brokers over three nats-servers, and agents and hosts that come to any of them. */
export class ClusterStage extends Parties {
  readonly brokers: readonly Broker[];
  readonly servers: readonly NatsServer[];
  readonly fronts: { readonly agents: Front; readonly hosts: Front };

  private constructor(
    brokers: readonly Broker[],
    servers: readonly NatsServer[],
    fronts: { agents: Front; hosts: Front },
    chats: number,
  ) {
    const url = ({ port }: Front) => `ws://127.0.0.1:${port}`;
    super({
      agents: url(fronts.agents),
      hosts: url(fronts.hosts),
      token: ENV.SWITCHBOARD_AUTH_TOKEN,
      chats,
      watches: true,
      pauseMs: PAUSE_MS,
      patienceMs: PATIENCE_MS,
    });
    this.brokers = brokers;
    this.servers = servers;
    this.fronts = fronts;
  }

  /** @param cast names, and how many chats each host has at a time. @param random who comes to which broker */
  static async start(
    cast: { agents: string[]; hosts: string[]; chats: number },
    random: Random,
  ): Promise<ClusterStage> {
    // By their own wires alone: of the others no server tells them.
    const servers = await natsServers(3, { advertises: false });
    const ports = await freePorts(NAMES.length);
    const brokers = await Promise.all(
      NAMES.map(async (name, n) => {
        const wires = servers.map(({ url }) => Front.of([Number(url.split(':')[1])], random));
        return new Broker(name, ports[n] as number, await Promise.all(wires));
      }),
    );
    const [home] = brokers as [Broker];
    await home.start();
    await Promise.all(brokers.slice(1).map((broker) => broker.start()));
    const fronts = { agents: await Front.of(ports, random.fork(1)), hosts: await Front.of(ports, random.fork(2)) };
    const stage = new ClusterStage(brokers, servers, fronts, cast.chats);
    const tokens = new Map<string, string>();
    for (const name of cast.agents) tokens.set(name, await home.daemon.register(name));
    await Promise.all(brokers.map((broker) => knows(broker, cast.agents)));
    for (const [name, token] of tokens) await stage.addAgent(name, token);
    for (const name of cast.hosts) await stage.addHost(name);
    return stage;
  }

  /** Copies what was written down, and what the brokers have logged, to where it outlives the test. */
  keep(directory: string): void {
    cpSync(this.lines, directory, { recursive: true });
    for (const { name, log } of this.brokers) writeFileSync(join(directory, `${name}.log`), log);
  }

  /** All of NATS is there, and as new as it gets. */
  async natsIsBack(): Promise<void> {
    const start = async () => {
      for (const server of this.servers) server.start();
      await Promise.all(this.servers.map((server) => server.ready()));
    };
    await start().catch(async (error: Error) => {
      // Copies of 2.9 may have no leader any more: whoever runs it starts all of it again.
      console.warn(`${error.message}: all of NATS is started again`);
      await Promise.all(this.servers.map((server) => server.kill()));
      await start();
    });
  }
}

/** Waits until a broker has heard of these agents. */
async function knows({ daemon }: Broker, names: readonly string[]): Promise<void> {
  const manager = await daemon.manager();
  await vi.waitUntil(async () => {
    const rows: { spec: { id: string } }[] = await manager.ok('agents.list', {});
    return names.every((name) => rows.some(({ spec }) => spec.id === name));
  });
  manager.close();
}
