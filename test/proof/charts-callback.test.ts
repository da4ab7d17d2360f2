import { describe, expect, it } from 'vitest';
import { type CallbackEvent, callbackMachine } from '../../machines/callback.machine.ts';
import { type Message, settle } from '../support/linked.ts';
import { Coverage, type Play, playWalk, walksOf } from './support/chart-walks.ts';
import type { Listener } from './support/listener.ts';
import { Stage } from './support/stage.ts';

/* Every transition of a tool call's chart, at the end of the shortest walk to it, against the real broker. */

const TIMEOUT_MS = 5_000;
const GATE_MS = 60_000;

const events = {
  approve: { type: 'gate.opened' },
  deny: { type: 'gate.closed', reason: 'denied', approvalId: '' },
  'nobody says': { type: 'gate.closed', reason: 'timeout', approvalId: '' },
  result: { type: 'call.answered', id: '', answer: { result: {} } },
  error: { type: 'call.answered', id: '', answer: { error: {} } },
  progress: { type: 'callback.progress', params: { request_id: '' } },
  'too long': { type: 'callback.expired' },
  'agent withdraws': { type: 'callback.cancel', reason: 'agent_withdrew' },
  'agent goes': { type: 'callback.cancel', reason: 'agent_disconnected' },
  'host goes': { type: 'callback.cancel', reason: 'host_disconnected' },
  'turn ends': { type: 'callback.cancel', reason: 'turn_ended' },
} as const satisfies Record<string, CallbackEvent>;
/** How the host is told that what was parked is settled, where it was parked still. */
const SETTLED: ReadonlyMap<CallbackEvent, string> = new Map<CallbackEvent, string>([
  [events.approve, 'approve'],
  [events.deny, 'deny'],
  [events['nobody says'], 'timeout'],
  [events['agent withdraws'], 'withdrawn'],
  [events['agent goes'], 'withdrawn'],
  [events['turn ends'], 'withdrawn'],
]);
const names = Object.keys(events) as (keyof typeof events)[];

class CallbackPlay implements Play<CallbackEvent> {
  readonly #stage: Stage;
  readonly #manager: Listener;
  readonly #host: Listener;
  readonly #agent: Listener;
  readonly #call: number;
  readonly #isGated: boolean;
  #progress = 0;
  /** What the host of a gated call must have been told of the gate. */
  #gate: string[];

  private constructor(stage: Stage, manager: Listener, host: Listener, agent: Listener, isGated: boolean) {
    this.#isGated = isGated;
    this.#gate = isGated ? ['pending'] : [];
    this.#stage = stage;
    this.#manager = manager;
    this.#host = host;
    this.#agent = agent;
    const params = { session_id: 's', tool: 'clock', parameters: {}, timeout_ms: TIMEOUT_MS };
    this.#call = agent.post('tools.execute', params);
  }

  static async start(isGated: boolean, coverage: Coverage): Promise<CallbackPlay> {
    const approvals = { methods: isGated ? ['tools.execute:clock'] : [], timeoutMs: GATE_MS };
    const stage = await Stage.open({ approvals }, coverage);
    const host = await stage.host('host');
    await stage.ask(host, 'tools.register', [{ name: 'clock' }]);
    const agent = await stage.agent('echo');
    const chat = host.post('agents.chat', { agent_id: 'echo', prompt: 'hi', session_id: 's' });
    await settle();
    agent.client.answer(agent.client.lastChat(), { accepted: true });
    await settle();
    expect(host.replyTo(chat).result.accepted).toBe(true);
    const play = new CallbackPlay(stage, await stage.manager(), host, agent, isGated);
    await settle();
    return play;
  }

  async happen(event: CallbackEvent): Promise<void> {
    const { client: host } = this.#host;
    const { client: agent } = this.#agent;
    const asked = this.#asked.at(-1);
    const settled = SETTLED.get(event);
    if (this.#isGated && this.#gate.length === 1 && settled) this.#gate.push(settled);
    if (event === events.approve || event === events.deny) {
      const [row] = await this.#gates('pending');
      const resolution = event === events.approve ? 'approve' : 'deny';
      await this.#stage.ask(this.#manager, 'host.resolve_approval', { approval_id: row.id, resolution });
    } else if (event === events['nobody says']) await this.#stage.advance(GATE_MS + 20);
    else if (event === events.result) host.answer(asked, { now: 1 });
    else if (event === events.error) host.send({ jsonrpc: '2.0', id: asked.id, error: { code: 7, message: 'no' } });
    else if (event === events.progress) {
      await this.#stage.advance(TIMEOUT_MS - 1_000);
      host.notify('tools.progress', { request_id: asked.id, progress: 0.5 });
      this.#progress += 1;
    } else if (event === events['too long']) await this.#stage.advance(TIMEOUT_MS + 20);
    else if (event === events['agent withdraws']) agent.notify('tools.cancel', { id: this.#call });
    else if (event === events['agent goes']) agent.close();
    else if (event === events['host goes']) host.close();
    else agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
  }

  async check(state: string): Promise<void> {
    const pending = await this.#gates('pending');
    this.#stage.check();
    expect(pending).toHaveLength(state === 'parked' ? 1 : 0);
    const gate = this.#host.client.events('s').filter(({ kind }) => kind.startsWith('gate_'));
    expect(gate.map(({ resolution = 'pending' }) => resolution)).toEqual(this.#gate);
    const answer = this.#agent.replyTo(this.#call);
    const told = this.#host.client.received('tools.cancel').map(({ params }) => params.reason);
    const progress = this.#agent.client.received('tools.progress').map(({ params }) => params.request_id);
    expect(progress).toEqual(Array.from({ length: this.#progress }, () => this.#call));
    if (state === 'parked') expect(this.#asked).toEqual([]);
    if (state === 'pending') expect(this.#asked).toHaveLength(1);
    if (state === 'parked' || state === 'pending') {
      expect(answer).toBeUndefined();
      expect(told).toEqual([]);
    } else if (this.#agent.client.closed === undefined) {
      const due = { resolved: [undefined], rejected: [7, -32003], timedOut: [-32017], cancelled: [-32018] }[state];
      expect(due).toContain(answer.error?.code);
      if (state === 'resolved') expect(answer.result).toEqual({ now: 1 });
    }
    if (state === 'timedOut') expect(told).toEqual(['timeout']);
    // Who was never asked, or has gone, is not told.
    const { closed } = this.#host.client;
    if (state === 'cancelled') expect(told).toHaveLength(this.#asked.length > 0 && closed === undefined ? 1 : 0);
  }

  async finish(state: string): Promise<void> {
    const asked = this.#asked.at(-1);
    if (asked && state !== 'pending') {
      this.#host.client.answer(asked, { now: 'too late' });
      this.#host.client.notify('tools.progress', { request_id: asked.id });
      await settle();
      await this.check(state);
    }
    await this.#stage.end();
  }

  get #asked(): Message[] {
    return this.#host.client.received('tools.execute');
  }

  async #gates(status: string): Promise<Message[]> {
    const { approvals } = await this.#stage.ask(this.#manager, 'host.approvals');
    return approvals.filter((row: Message) => row.status === status);
  }
}

describe('the chart of a tool call', () => {
  const coverage = new Coverage();

  it.each([
    ['that runs at once', false],
    ['that waits at the gate', true],
  ])('holds on every walk of one %s', { timeout: 120_000 }, async (_what, isGated) => {
    const walks = walksOf<CallbackEvent>(callbackMachine, {
      input: { callback: { id: 'cb', isGated } },
      events: () => names.map((name) => events[name]),
      name: (event) => names.find((name) => events[name] === event) ?? '',
      facts: () => '',
    });
    for (const walk of walks) await playWalk(walk, () => CallbackPlay.start(isGated, coverage));
  });

  it('has no other transitions than those', () => {
    expect(coverage.missing(callbackMachine)).toEqual([]);
  });
});
