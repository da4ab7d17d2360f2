import { statSync } from 'node:fs';
import { join } from 'node:path';
import { vi } from 'vitest';
import { temporaryDirectory } from '../../../e2e/support/cleanup.ts';
import { Program } from '../../../e2e/support/program.ts';
import type { Line } from './lines.ts';
import { type Unread, unreadIn } from './unread.ts';
import { openLines } from './write-lines.js';

/** What was begun is read within that, where all is well. Milliseconds. */
const LAST_READ_MS = 30_000;
/** All goes on again within that, where it does. Milliseconds. */
const GOES_ON_MS = 20_000;
const script = (name: string) => join(import.meta.dirname, name);

/** An agent or a host: a process that is killed, and comes back as another life of the same. */
export interface Party {
  name: string;
  life: number;
  program: Program;
  /** Of all its lives. */
  paths: string[];
}

/** Where agents and hosts connect to, and what they are to do besides chatting. */
export interface Terms {
  /** URLs. */
  agents: string;
  hosts: string;
  token: string;
  /** How many chats each host has at a time. */
  chats: number;
  /** They write down what the broker tells of others, too, and have sessions that several hosts want. */
  watches?: boolean;
  /** Between two words of an agent's. Milliseconds; default: 3. */
  pauseMs?: number;
  /** How long everything may take to go on. Milliseconds; default: {@link GOES_ON_MS}, and {@link LAST_READ_MS} for what was begun. */
  patienceMs?: number;
}

/** Agents and hosts in processes of their own, and what they and the schedule write down. */
export class Parties {
  readonly lines = temporaryDirectory();
  readonly agents: Party[] = [];
  readonly hosts: Party[] = [];
  readonly #terms: Terms;
  readonly #tokens = new Map<string, string>();
  readonly #turns = new Map<string, Promise<void>>();
  readonly #note: (type: Line['type'], op: Line['op'], facts: Partial<Line>) => void;

  protected constructor(terms: Terms) {
    this.#terms = terms;
    this.#note = openLines(join(this.lines, 'schedule.jsonl'), 'schedule');
  }

  /** Writes down what is about to be done to whom. */
  note(fault: string): void {
    this.#note('info', 'fault', { fault });
  }

  /** @param token of that agent */
  protected async addAgent(name: string, token: string): Promise<void> {
    this.#tokens.set(name, token);
    this.agents.push(await this.#agent(name, 1, []));
  }

  protected async addHost(name: string): Promise<void> {
    this.hosts.push(await this.#host(name, 1, []));
  }

  killAgent(index: number): Promise<void> {
    return this.#inTurn(`agent ${index}`, async () => {
      const { name, life, program, paths } = this.agents[index] as Party;
      await this.#kill(name, program);
      this.agents[index] = await this.#agent(name, life + 1, paths);
    });
  }

  /** Its next life comes while this one is there, which is to be told so, and go. @throws where it is still there after so long */
  succeedAgent(index: number, withinMs: number): Promise<void> {
    return this.#inTurn(`agent ${index}`, async () => {
      const { name, life, program, paths } = this.agents[index] as Party;
      // For what it was in the middle of, the same as if it were killed.
      this.note(`kill ${name}`);
      this.agents[index] = await this.#agent(name, life + 1, paths);
      await vi.waitUntil(() => program.child.exitCode !== null || program.child.signalCode !== null, {
        timeout: withinMs,
      });
      this.note(`kill ${name}`);
    });
  }

  /** Its next life goes on with what it had, as far as it had written that down. */
  killHost(index: number): Promise<void> {
    return this.#inTurn(`host ${index}`, async () => {
      const { name, life, program, paths } = this.hosts[index] as Party;
      await this.#kill(name, program);
      this.hosts[index] = await this.#host(name, life + 1, paths);
    });
  }

  /** What the hosts are in the middle of. */
  unread(): Unread[] {
    return this.hosts.flatMap(({ paths }) => unreadIn(paths));
  }

  /** Reads chats from their beginning to their end, as another host of a daemon on another home. */
  async readAt(url: string, token: string, who: string, unread: Unread[]): Promise<void> {
    const chats = unread.map(({ prompt, handle }) => ({
      prompt,
      handle: { ...handle, seq: 0, text_length: 0 },
    }));
    const path = join(this.lines, `${who}.jsonl`);
    const order = { url, token, path, who, agents: [], chats: 0, op: 'copied' };
    const { code } = await new Program([script('host.js'), JSON.stringify({ ...order, unread: chats })]).exit;
    if (code !== 0) throw new Error(`${who} ended with ${code}`);
  }

  /** Waits until every host hears something: all is going on again. */
  async goesOn(): Promise<void> {
    const size = ({ paths }: Party) => statSync(paths.at(-1) as string, { throwIfNoEntry: false })?.size ?? 0;
    const before = this.hosts.map(size);
    const timeout = this.#terms.patienceMs ?? GOES_ON_MS;
    const isGoing = () => {
      for (const { name, program } of this.hosts)
        if (program.child.exitCode !== null) throw new Error(`host ${name} is gone: ${program.err}`);
      return this.hosts.every((host, n) => size(host) > (before[n] as number) + 2_000);
    };
    await vi.waitUntil(isGoing, { interval: 5, timeout });
  }

  /** The hosts read what they have begun, and all go. Those that wait for an end that does not come are killed: the checker tells of it. */
  async end(): Promise<void> {
    for (const { program } of this.hosts) program.child.stdin?.end();
    const late = setTimeout(() => {
      for (const { program } of this.hosts) void program.kill('SIGKILL');
    }, this.#terms.patienceMs ?? LAST_READ_MS);
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

  /** Of what is done to one at the same time, one thing after the other. */
  #inTurn(who: string, step: () => Promise<void>): Promise<void> {
    const turn = (this.#turns.get(who) ?? Promise.resolve()).then(step);
    this.#turns.set(who, turn);
    return turn;
  }

  /** Written down before and after: what it does in between may be its last. */
  async #kill(name: string, program: Program): Promise<void> {
    this.note(`kill ${name}`);
    await program.kill('SIGKILL');
    this.note(`kill ${name}`);
  }

  #agent(name: string, life: number, paths: string[]): Promise<Party> {
    const { agents: url, pauseMs } = this.#terms;
    const order = { url, agentId: name, token: this.#tokens.get(name), pauseMs };
    return this.#party('agent.js', name, life, paths, order);
  }

  #host(name: string, life: number, paths: string[]): Promise<Party> {
    const { hosts: url, token, chats } = this.#terms;
    const order = { url, token, agents: [...this.#tokens.keys()], chats, unread: unreadIn(paths) };
    return this.#party('host.js', name, life, paths, order);
  }

  async #party(file: string, name: string, life: number, before: string[], its: object): Promise<Party> {
    const path = join(this.lines, `${name}-${life}.jsonl`);
    const order = { ...its, path, who: `${name}/${life}`, watches: this.#terms.watches === true };
    const program = new Program([script(file), JSON.stringify(order)]);
    await program.shows('ready');
    return { name, life, program, paths: [...before, path] };
  }
}
