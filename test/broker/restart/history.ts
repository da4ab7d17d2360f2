import { expect } from 'vitest';
import type { DurableLevel } from '../../../protocol/turn-journal.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';
import { MemoryDisk } from '../../support/memory-turn-journal.ts';
import { openKept, recovered, startLife } from './restart-scene.ts';

/** What happens to one turn, in order. `many`: of what it is about. */
export interface Step {
  what: (typeof STEPS)[number];
  many: number;
}

export const STEPS = [
  ...['agent says', 'agent says', 'agent says', 'host reads', 'host reads', 'agent reads', 'time passes'],
  ...['write', 'sync', 'kill', 'kill', 'power cut', 'agent is cut', 'host is cut', 'agent comes', 'host comes'],
  ...['disk is full', 'disk has room', 'observer comes'],
] as const;

/** What an agent says: a text is a token, `bad` is no event that can be read, `mood` is a kind of its own. */
export type Said = string | { kind: 'bad' } | { kind: 'mood' };

export interface History {
  level: DurableLevel;
  /** Ends with `done`, which is not among them. */
  says: Said[];
  steps: Step[];
  /** The agent dies for good after so many steps. */
  dies: number | undefined;
}

const AWAY = new Set(['agent_away', 'agent_back']);
const WINDOW_MS = 60_000;

/** Plays one history to its end, and checks that its host has what its agent has said: once, in order, and one end. */
export class HistoryPlay {
  readonly #history: History;
  readonly #disk = new MemoryDisk();
  readonly #events: Message[];
  #life: ReturnType<typeof startLife>;
  #turn: { id: string; token: string } | undefined;
  #agent: LinkedClient | undefined;
  #host: LinkedClient | undefined;
  /** How many of its frames each has read. */
  #agentRead = 0;
  #hostRead = 0;
  #isDead = false;
  /** The agent: the next event that it has never sent, what it has sent on this connection, and what it has let go of. */
  #next = 1;
  #sent = 0;
  #released = 0;
  /** The host. */
  #after = 0;
  readonly #got: Message[] = [];
  #end: Message | undefined;

  constructor(history: History) {
    this.#history = history;
    const said = history.says.map((said) => {
      if (typeof said === 'string') return { kind: 'token', delta: said };
      return said.kind === 'bad' ? { kind: 'token', delta: 7 } : { kind: 'mood', mood: 'fine' };
    });
    this.#events = [...said, { kind: 'done', finish_reason: 'stop' }];
    this.#life = this.#begin();
  }

  async run(): Promise<void> {
    const [host, agent] = [await this.#life.linked.host(), await this.#life.attach()];
    const opening = openKept(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 600_000 });
    await settle();
    await settle();
    this.#life.journal.flush();
    this.#life.journal.sync();
    const { turn_id, resume_token } = await opening;
    this.#turn = { id: turn_id, token: resume_token };
    [this.#host, this.#agent] = [host, agent];
    this.#agentRead = agent.frames.length;
    for (const [index, step] of this.#history.steps.entries()) {
      if (index === this.#history.dies) this.#die();
      await this.#step(step);
    }
    await this.#calm();
    this.#check();
  }

  #begin(): ReturnType<typeof startLife> {
    return startLife(this.#disk, { level: this.#history.level, isAuto: false, limits: { agentWindowMs: WINDOW_MS } });
  }

  async #step({ what, many }: Step): Promise<void> {
    const { journal, linked } = this.#life;
    switch (what) {
      case 'agent says':
        return this.#say(many);
      case 'host reads':
        return this.#hostReads(many);
      case 'agent reads':
        return this.#agentReads();
      case 'time passes':
        return linked.advance(60);
      case 'write':
        return journal.flush();
      case 'sync':
        return journal.sync();
      case 'kill':
        return this.#restart();
      case 'power cut':
        if (this.#history.level === 'disk') await this.#restart(true);
        return;
      case 'agent is cut':
        this.#agent?.cut();
        this.#agent = undefined;
        return settle();
      case 'host is cut':
        this.#host?.cut();
        this.#host = undefined;
        return settle();
      case 'agent comes':
        return this.#agentComes();
      case 'host comes':
        return this.#hostComes();
      case 'disk is full':
        this.#disk.isFull = true;
        return;
      case 'disk has room':
        journal.recover();
        return settle();
      case 'observer comes': {
        const manager = await linked.manager();
        await manager.call('agents.chat.subscribe', { session_id: 's', role: 'observer', after: many });
      }
    }
  }

  async #restart(losesPower = false): Promise<void> {
    this.#life.kill();
    if (losesPower) this.#disk.losePower();
    this.#agent = this.#host = undefined;
    this.#disk.isFull = false;
    this.#life = this.#begin();
    await recovered();
    this.#life.journal.flush();
  }

  #die(): void {
    this.#isDead = true;
    this.#agent?.cut();
    this.#agent = undefined;
  }

  async #agentComes(): Promise<void> {
    if (this.#isDead || this.#agent) return;
    const agent = await this.#life.attach();
    const turn = { turn_id: this.#turn?.id, session_id: 's', next: this.#next, kept_from: this.#released + 1 };
    const { turns } = await agent.ok('agent.resume', { turns: [turn] });
    const [{ status, after, released }] = turns;
    if (this.#released > after) throw new Error(`the agent let go of ${this.#released}, the broker has ${after}`);
    // One whose end was told already may be forgotten.
    if (status === 'unknown' && !this.#end) throw new Error('nobody knows the turn');
    if (status === 'resumed') this.#released = Math.max(this.#released, released);
    else this.#released = this.#next - 1;
    this.#sent = status === 'resumed' ? Math.max(after, released) : this.#events.length;
    this.#agent = agent;
    this.#agentRead = agent.frames.length;
  }

  async #hostComes(): Promise<void> {
    if (this.#host || this.#end) return;
    const host = await this.#life.linked.host();
    this.#hostRead = host.frames.length + 1;
    const params = { session_id: 's', resume_token: this.#turn?.token, after: this.#after };
    const asked = host.post('agents.chat.subscribe', params);
    await settle();
    // It waits where an end is not certain yet.
    if (!host.replyTo(asked)) this.#life.journal.flush();
    if (!host.replyTo(asked)) this.#life.journal.sync();
    await settle();
    const reply = host.replyTo(asked);
    if (!reply?.result) throw new Error(`the host is refused: ${JSON.stringify(reply)}`);
    expect(reply.result.recovered).toBe(true);
    this.#host = host;
  }

  async #say(many: number): Promise<void> {
    for (let n = 0; n < many && this.#agent && this.#sent < this.#events.length; n += 1) {
      this.#sent += 1;
      this.#next = Math.max(this.#next, this.#sent + 1);
      this.#agent.emit('s', { ...this.#events[this.#sent - 1], turn_id: this.#turn?.id, aseq: this.#sent });
    }
    await settle();
  }

  #agentReads(): void {
    const frames = this.#agent?.frames.slice(this.#agentRead) ?? [];
    this.#agentRead += frames.length;
    for (const { method, params } of frames) {
      if (method === 'agent.chat.rewind') throw new Error('nothing was left out, and it is asked for');
      if (method !== 'agent.chat.ack') continue;
      for (const [id, , released] of params.acks) {
        if (id === this.#turn?.id) this.#released = Math.max(this.#released, released);
      }
    }
  }

  #hostReads(many: number): void {
    for (let n = 0; n < many && this.#host && this.#hostRead < this.#host.frames.length; n += 1) {
      const frame = this.#host.frames[this.#hostRead];
      this.#hostRead += 1;
      if (frame.method !== 'agents.chat.event' || AWAY.has(frame.params.kind)) continue;
      const { params } = frame;
      if (this.#end) throw new Error(`${params.kind} after the end`);
      if (params.seq !== this.#after + 1) throw new Error(`${params.seq} after ${this.#after}`);
      this.#after = params.seq;
      if (params.kind === 'done' || params.kind === 'error') this.#end = params;
      else this.#got.push(params);
    }
  }

  /** Everybody comes back, and all is said and read. */
  async #calm(): Promise<void> {
    this.#life.journal.recover();
    for (let round = 0; round < 40; round += 1) {
      await this.#agentComes();
      await this.#hostComes();
      await this.#say(this.#events.length);
      this.#life.journal.flush();
      this.#life.journal.sync();
      await this.#life.linked.advance(60);
      await settle();
      this.#hostReads(10_000);
      this.#agentReads();
      if (this.#isDead && !this.#end) await this.#life.linked.advance(WINDOW_MS + 40);
      if (this.#end && (this.#isDead || this.#released === this.#events.length)) return;
    }
  }

  #check(): void {
    const said = this.#events.slice(0, -1).filter(({ delta }) => delta !== 7);
    const got = this.#got.map(({ kind, delta }) => delta ?? kind);
    const wanted = said.map(({ kind, delta }) => delta ?? kind);
    if (!this.#end) throw new Error('the host has no end');
    if (this.#end.synthesized) {
      if (!this.#isDead) throw new Error(`the broker has ended it: ${this.#end.code}`);
      expect(got).toEqual(wanted.slice(0, got.length));
      return;
    }
    expect(got).toEqual(wanted);
    if (!this.#isDead) expect(this.#released).toBe(this.#events.length);
  }
}
