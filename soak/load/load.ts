import { Agent } from './agent.ts';
import { Client, type Fields, type Reply } from './client.ts';
import { Heard } from './heard.ts';
import { Host } from './host.ts';
import type { Ledger } from './ledger.ts';
import type { LoadPlan } from './messages.ts';
import { Random } from './random.ts';
import type { Script } from './script.ts';
import { Subscriber } from './subscriber.ts';

/** Connections that hear every `host.event`, of each process. */
const SUBSCRIBERS = 2;
/** Connections that are being opened at once. */
const OPENING = 25;
/** Answers to a chat whose agent was replaced, or was kept waiting by this machine, before it had acknowledged. */
const UNLUCKY = new Set([-32011, -32012, -32013]);
/** Endings that the broker gives to turns of an agent that is replaced. */
const CODES: ReadonlySet<string> = new Set(['agent_replaced', 'agent_disconnected']);

/** One turn that was opened: what the host hears, and what it was told. */
export interface Opened {
  heard: Heard;
  /** `agents.chat`'s result. */
  ack: { session_id: string; turn_id: string; resume_token?: string };
}

/** What is special about a turn that is to be opened. */
export interface Opening {
  /** Of `agents.chat`, besides what each has. */
  params?: { session_id?: string; on_busy?: string; resume_window_ms?: number };
  /** Whether it will be cancelled. */
  isCancelled?: boolean;
  /** Hears of each of its events, the first ones too, which come with the acknowledgement. */
  onEvent?: (event: Fields) => void;
}

/** All the clients of this process. */
export class Load {
  readonly plan: LoadPlan;
  readonly ledger: Ledger;
  readonly random: Random;
  readonly agents: Agent[] = [];
  readonly hosts: Host[] = [];
  readonly subscribers: Subscriber[] = [];
  manager!: Client;
  /** No new things are begun. */
  isFinishing = false;
  #idle: Host[] = [];
  #turns = 0;

  constructor(plan: LoadPlan, ledger: Ledger) {
    this.plan = plan;
    this.ledger = ledger;
    this.random = new Random(plan.seed + plan.index);
  }

  /** Opens every connection. */
  async connect(): Promise<void> {
    const { url, tokens, index, agents, connections } = this.plan;
    this.manager = await Client.connect(url, `manager-${index}`, this.ledger, { host_token: tokens.host });
    for (let a = 0; a < agents; a += 1) {
      const id = agentId(index, a);
      const { result } = await this.manager.call('agents.upsert', { id, rotate_token: true });
      this.agents.push(new Agent(url, { agent_id: id, token: result.token }, this.ledger));
    }
    for (let s = 0; s < SUBSCRIBERS; s += 1) {
      this.subscribers.push(new Subscriber(`subscriber-${index}-${s}`, this.plan, this.ledger, index + s === 0));
    }
    const hosts = connections - agents - SUBSCRIBERS - 1;
    for (let h = 0; h < hosts; h += 1) {
      this.hosts.push(new Host(`host-${index}-${h}`, url, tokens.daemon, this.ledger));
    }
    await Promise.all(this.agents.map((agent) => agent.attach()));
    await Promise.all(this.subscribers.map((subscriber) => subscriber.connect()));
    for (let from = 0; from < hosts; from += OPENING) {
      await Promise.all(this.hosts.slice(from, from + OPENING).map((host) => host.connect()));
    }
    this.#idle = [...this.hosts];
  }

  /** A host that does nothing; whoever takes one gives it back. Undefined: all are busy. */
  take(): Host | undefined {
    const [host] = this.#idle.splice(this.random.between(0, this.#idle.length - 1), 1);
    return host;
  }

  give(host: Host): void {
    host.forget();
    this.#idle.push(host);
  }

  /** A name for a turn that no other has. */
  newNonce(): string {
    this.#turns += 1;
    return `${this.plan.index}-${this.#turns}`;
  }

  /** Some agent, of whichever process. */
  someAgent(): string {
    const { processes, agents } = this.plan;
    return agentId(this.random.between(0, processes - 1), this.random.between(0, agents - 1));
  }

  /** Opens a turn. Undefined: the agent was just being replaced. */
  async open(
    host: Host,
    script: Script,
    { params, isCancelled = false, onEvent }: Opening = {},
  ): Promise<Opened | undefined> {
    const chat = {
      agent_id: this.someAgent(),
      session_id: `s-${script.nonce}`,
      prompt: JSON.stringify(script),
      ...params,
    };
    const heard = new Heard(script.nonce, chat.session_id, { cancelled: isCancelled, codes: CODES }, this.ledger);
    if (onEvent) heard.onEvent = onEvent;
    const reply = await host.chat(chat, heard);
    if (reply.code === 0) {
      this.ledger.count('turns');
      return { heard, ack: reply.result };
    }
    this.expect(reply, 'agents.chat', UNLUCKY);
    return undefined;
  }

  /** Counts an answer that is none of a success; one that has no reason is a breach. */
  expect({ code, error }: Reply, method: string, codes: ReadonlySet<number>): void {
    if (codes.has(code)) this.ledger.count(`${method} refused: ${code}`);
    else this.ledger.breach(`${method} came to ${code} ${JSON.stringify(error)}`);
  }

  /** Closes every connection, the one that sees whether anything is left last. */
  async close(): Promise<void> {
    for (let from = 0; from < this.hosts.length; from += OPENING) {
      await Promise.all(this.hosts.slice(from, from + OPENING).map((host) => host.client.close()));
    }
    await Promise.all([...this.agents, ...this.subscribers].map((client) => client.close()));
    await this.manager.close();
  }
}

function agentId(process: number, index: number): string {
  return `soak-${process}-${index}`;
}
