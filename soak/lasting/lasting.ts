import { setTimeout as pause } from 'node:timers/promises';
import type { Agent } from '../../client/node.ts';
import { Client } from '../load/client.ts';
import type { Ledger } from '../load/ledger.ts';
import type { LoadPlan } from '../load/messages.ts';
import { Random } from '../load/random.ts';
import { someScript } from '../load/script.ts';
import { Cutter } from './cutter.ts';
import { Deaths } from './deaths.ts';
import { connectLastingAgent } from './lasting-agent.ts';
import { LastingHost } from './lasting-host.ts';

/** How often it is looked whether turns are missing. Milliseconds. */
const TICK = 20;
/** Between two cuts of an agent's connection, and of a host's. Milliseconds. */
const CUT_AGENT_MS = 2_000;
const CUT_HOST_MS = 500;
/** Of so many turns one uses a tool, and one asks a person. */
const TOOL_EVERY = 0.3;
const ASK_EVERY = 0.15;

/** What lasts: clients of the SDK whose connections are cut all the time, and whose chats go on over that, each to its end. */
export class Lasting {
  readonly deaths = new Deaths();
  /** No new chats. */
  isFinishing = false;
  /** Chats that go on. */
  live = 0;
  readonly #plan: LoadPlan;
  readonly #ledger: Ledger;
  readonly #random: Random;
  readonly #agents: { agent: Agent; cutter: Cutter }[] = [];
  readonly #hosts: LastingHost[] = [];
  #hostCutter: Cutter | undefined;
  readonly #running = new Set<Promise<void>>();
  #chats = 0;

  constructor(plan: LoadPlan, ledger: Ledger) {
    this.#plan = plan;
    this.#ledger = ledger;
    this.#random = new Random(plan.seed + plan.index + 1_000);
  }

  async connect(): Promise<void> {
    const { url, home, tokens, index, lasting } = this.#plan;
    const manager = await Client.connect(url, `lasting-manager-${index}`, this.#ledger, { host_token: tokens.host });
    for (let a = 0; a < lasting.agents; a += 1) {
      const agentId = `lasting-${index}-${a}`;
      const { result } = await manager.call('agents.upsert', { id: agentId, rotate_token: true });
      const cutter = await Cutter.to(url);
      const place = { url: cutter.url, agentId, token: result.token };
      this.#agents.push({ agent: await connectLastingAgent(place, this.#ledger, this.deaths), cutter });
    }
    await manager.close();
    this.#hostCutter = await Cutter.to(url);
    for (let h = 0; h < lasting.hosts; h += 1) {
      const place = { url: this.#hostCutter.url, home };
      this.#hosts.push(await LastingHost.connect(place, this.#ledger, this.deaths, this.#random));
    }
  }

  /** Keeps as many chats going as should, and cuts, until it is finishing. @param warm is called once when there are as many */
  async keep(warm: () => void): Promise<void> {
    let isWarm = false;
    const cutting = [this.#cut(CUT_AGENT_MS, 'agent'), this.#cut(CUT_HOST_MS, 'host')];
    while (!this.isFinishing) {
      while (this.live < this.#plan.lasting.turns && this.#begin());
      if (!isWarm) warm();
      isWarm = true;
      await pause(TICK);
    }
    await Promise.all([...cutting, ...this.#running]);
  }

  async close(): Promise<void> {
    await Promise.all([...this.#hosts.map((host) => host.close()), ...this.#agents.map(({ agent }) => agent.close())]);
    for (const { cutter } of this.#agents) cutter.close();
    this.#hostCutter?.close();
  }

  /** @returns false where no host is there */
  #begin(): boolean {
    const random = this.#random;
    const hosts = this.#hosts.filter(({ isThere }) => isThere);
    if (hosts.length === 0) return false;
    this.#chats += 1;
    const script = someScript(random, `lasting-${this.#plan.index}-${this.#chats}`, {
      ...(random.chance(TOOL_EVERY) ? { tool: 'answer' as const } : {}),
      asks: random.chance(ASK_EVERY),
    });
    this.live += 1;
    const running = random
      .pick(hosts)
      .chat(random.pick(this.#agents).agent.agentId, script)
      .catch((error: Error) => this.#ledger.breach(`the load itself failed: ${error.stack}`))
      .finally(() => {
        this.live -= 1;
        this.#running.delete(running);
      });
    this.#running.add(running);
    return true;
  }

  async #cut(everyMs: number, whose: 'agent' | 'host'): Promise<void> {
    while (!this.isFinishing) {
      await pause(this.#random.between(everyMs / 2, everyMs * 1.5));
      const cutter = whose === 'agent' ? this.#random.pick(this.#agents).cutter : this.#hostCutter;
      if (cutter?.cutOne(this.#random)) this.#ledger.count(`cuts of ${whose}s that last`);
    }
  }
}
