import { statSync } from 'node:fs';
import { join } from 'node:path';
import { CutProxy } from '../../../client/cut-proxy.ts';
import { temporaryDirectory } from '../../../e2e/support/cleanup.ts';
import { type Daemon, startDaemon } from '../../../e2e/support/daemon.ts';
import { Program } from '../../../e2e/support/program.ts';
import { untilSo } from '../death-scene.ts';
import { type Place, startAgain } from '../restarts.ts';
import { SmallDisk } from './journal-faults.ts';
import type { Line } from './lines.ts';
import { type Unread, unreadIn } from './unread.ts';
import { openLines } from './write-lines.js';

const ENV = { SWITCHBOARD_AUTH_TOKEN: 'a-token-that-stays-the-same' };
/** What was begun is read within that, where all is well. Milliseconds. */
const LAST_READ_MS = 30_000;
const script = (name: string) => join(import.meta.dirname, name);

/** An agent or a host: a process that is killed, and comes back as another life of the same. */
interface Party {
  name: string;
  life: number;
  program: Program;
  /** Of all its lives. */
  paths: string[];
}

/** A daemon whose journal is on a small disk, and agents and hosts in processes of their own, each with a wire that can be cut. */
export class Stage {
  readonly lines = temporaryDirectory();
  readonly home: string;
  readonly disk: SmallDisk;
  readonly agents: Party[] = [];
  readonly hosts: Party[] = [];
  daemon: Daemon;
  readonly #place: Place;
  readonly #wires: { agents: CutProxy; hosts: CutProxy };
  readonly #tokens = new Map<string, string>();
  readonly #chats: number;
  readonly #note: (type: Line['type'], op: Line['op'], facts: Partial<Line>) => void;

  private constructor(daemon: Daemon, disk: SmallDisk, wires: { agents: CutProxy; hosts: CutProxy }, chats: number) {
    this.daemon = daemon;
    this.disk = disk;
    this.home = daemon.home;
    this.#place = { home: daemon.home, port: Number(new URL(daemon.url).port), env: ENV };
    this.#wires = wires;
    this.#chats = chats;
    this.#note = openLines(join(this.lines, 'schedule.jsonl'), 'schedule');
  }

  /** @param cast names, and how many chats each host has at a time. @param flags of the daemon's first life */
  static async start(cast: { agents: string[]; hosts: string[]; chats: number }, flags: string[] = []): Promise<Stage> {
    const home = temporaryDirectory();
    const disk = SmallDisk.under(home);
    const daemon = await startDaemon({ home, env: ENV, mayFail: true, flags });
    const wires = { agents: await CutProxy.to(daemon.url), hosts: await CutProxy.to(daemon.url) };
    const stage = new Stage(daemon, disk, wires, cast.chats);
    for (const name of cast.agents) {
      stage.#tokens.set(name, await daemon.register(name));
      stage.agents.push(await stage.#agent(name, 1, []));
    }
    for (const name of cast.hosts) stage.hosts.push(await stage.#host(name, 1, []));
    return stage;
  }

  /** Writes down what is about to be done to whom. */
  note(fault: string): void {
    this.#note('info', 'fault', { fault });
  }

  /** Kills the daemon, and starts it again. @param between what is done when it is dead. */
  async restart(between: () => Promise<unknown> = async () => {}): Promise<void> {
    await this.daemon.program.kill('SIGKILL');
    await between();
    this.daemon = await startAgain(this.#place);
  }

  /** Cuts, or stalls, all wires of one side. */
  wire(side: 'agents' | 'hosts'): CutProxy {
    return this.#wires[side];
  }

  async killAgent(index: number): Promise<void> {
    const { name, life, program, paths } = this.agents[index] as Party;
    await this.#kill(name, program);
    this.agents[index] = await this.#agent(name, life + 1, paths);
  }

  /** Its next life goes on with what it had, as far as it had written that down. */
  async killHost(index: number): Promise<void> {
    const { name, life, program, paths } = this.hosts[index] as Party;
    await this.#kill(name, program);
    this.hosts[index] = await this.#host(name, life + 1, paths);
  }

  /** What the hosts are in the middle of. */
  unread(): Unread[] {
    return this.hosts.flatMap(({ paths }) => unreadIn(paths));
  }

  /** Reads chats from their beginning to their end, from a daemon on another home. */
  async readIn(other: Daemon, who: string, unread: Unread[]): Promise<void> {
    const chats = unread.map(({ prompt, handle }) => ({
      prompt,
      handle: { ...handle, seq: 0, text_length: 0 },
    }));
    const path = join(this.lines, `${who}.jsonl`);
    const order = { url: other.url, token: other.tokens.daemon, path, who, agents: [], chats: 0, op: 'copied' };
    const { code } = await new Program([script('host.js'), JSON.stringify({ ...order, unread: chats })]).exit;
    if (code !== 0) throw new Error(`${who} ended with ${code}`);
  }

  /** Waits until every host hears something: all is going on again. */
  async goesOn(): Promise<void> {
    const size = ({ paths }: Party) => statSync(paths.at(-1) as string, { throwIfNoEntry: false })?.size ?? 0;
    const before = this.hosts.map(size);
    await untilSo(() => {
      for (const { name, program } of this.hosts)
        if (program.child.exitCode !== null) throw new Error(`host ${name} is gone: ${program.err}`);
      return this.hosts.every((host, n) => size(host) > (before[n] as number) + 2_000);
    });
  }

  /** The hosts read what they have begun, and all go. Those that wait for an end that does not come are killed: the checker tells of it. */
  async end(): Promise<void> {
    for (const { program } of this.hosts) program.child.stdin?.end();
    const late = setTimeout(() => {
      for (const { program } of this.hosts) void program.kill('SIGKILL');
    }, LAST_READ_MS);
    for (const { name, program } of this.hosts) {
      const { code, signal } = await program.exit;
      if (code !== 0 && signal === null) throw new Error(`host ${name} ended with ${code}: ${program.err}`);
    }
    clearTimeout(late);
    for (const { program } of this.agents) {
      program.child.stdin?.end();
      await program.exit;
    }
  }

  /** Written down before and after: what it does in between may be its last. */
  async #kill(name: string, program: Program): Promise<void> {
    this.note(`kill ${name}`);
    await program.kill('SIGKILL');
    this.note(`kill ${name}`);
  }

  #agent(name: string, life: number, paths: string[]): Promise<Party> {
    const order = { url: this.#wires.agents.url, agentId: name, token: this.#tokens.get(name) };
    return this.#party('agent.js', name, life, paths, order);
  }

  #host(name: string, life: number, paths: string[]): Promise<Party> {
    const unread = unreadIn(paths);
    const agents = [...this.#tokens.keys()];
    const order = { url: this.#wires.hosts.url, token: this.daemon.tokens.daemon, agents, chats: this.#chats, unread };
    return this.#party('host.js', name, life, paths, order);
  }

  async #party(file: string, name: string, life: number, before: string[], order: object): Promise<Party> {
    const path = join(this.lines, `${name}-${life}.jsonl`);
    const program = new Program([script(file), JSON.stringify({ ...order, path, who: `${name}/${life}` })]);
    await program.shows('ready');
    return { name, life, program, paths: [...before, path] };
  }
}

/** What the daemon's journal says of itself. */
export async function isDegraded(daemon: Daemon): Promise<boolean> {
  return /^switchboard_journal_degraded 1$/m.test((await daemon.get('/metrics')).body);
}
