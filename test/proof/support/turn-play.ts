import { expect } from 'vitest';
import type { TurnEvent } from '../../../machines/turn-events.ts';
import { type Message, settle } from '../../support/linked.ts';
import { pending, resolved } from '../../support/tool-scene.ts';
import type { Coverage, Play } from './chart-walks.ts';
import type { Listener } from './listener.ts';
import { Stage } from './stage.ts';

const ACK_MS = 5_000;
const GRACE_MS = 20_000;
const DRAIN_MS = 1_000;
/** Shorter than a grace. */
const AGENT_WINDOW_MS = 15_000;
const LOST = { kind: 'token', delta: 'early' };
const CHOSEN = 'chosen-by-the-host-and-by-nobody-else-at-all';
const FINALS: ReadonlySet<string> = new Set(['done', 'failed', 'cancelled', 'abandoned', 'refused']);
const isFinal = (state: string) => FINALS.has(state);

/** What a walk needs to be known of it before it starts. */
export interface TurnScript {
  isResumable: boolean;
  /** Its host has chosen the token, and opens the same chat again. */
  isChosen: boolean;
  /** Its agent numbers its events, and may come back. */
  isNumbered: boolean;
  /** The agent falls silent: its silence is over long before the window of the host's return. */
  isSilent: boolean;
}

/** One walk through the turn's chart, played by its host, its agent and the clock. */
export class TurnPlay implements Play<TurnEvent> {
  readonly #stage: Stage;
  readonly #manager: Listener;
  readonly #params: object;
  /** The requests that open it. */
  readonly #chats: { listener: Listener; id: number }[] = [];
  readonly #isResumable: boolean;
  #host: Listener | undefined;
  readonly #observers: Listener[] = [];
  /** Hosts that the turn was taken from, and what they had heard by then. */
  readonly #relieved: { listener: Listener; heard: number }[] = [];
  #agent: Listener;
  readonly #isNumbered: boolean;
  /** The `aseq` of the agent's last event. */
  #said = 0;
  #isAgentAway = false;
  /** The turn's id, once the agent had to name it. */
  #turn: string | undefined;
  #tool: number | undefined;

  private constructor(stage: Stage, manager: Listener, host: Listener, agent: Listener, script: TurnScript) {
    const { isResumable, isChosen } = script;
    this.#isNumbered = script.isNumbered;
    this.#stage = stage;
    this.#manager = manager;
    this.#host = host;
    this.#agent = agent;
    this.#isResumable = isResumable;
    const window = isResumable ? { resume_window_ms: 60_000 } : {};
    const chosen = isChosen ? { resume_token: CHOSEN } : {};
    this.#params = { agent_id: 'echo', prompt: 'hi', session_id: 's', ...window, ...chosen };
    this.#open(host);
  }

  static async start(script: TurnScript, coverage: Coverage): Promise<TurnPlay> {
    const limits = {
      maxPendingApprovals: 2,
      maxUnackedBytes: 2_000,
      drainTimeoutMs: DRAIN_MS,
      agentWindowMs: AGENT_WINDOW_MS,
      staleAfterMs: script.isSilent ? 10_000 : 600_000,
    };
    const stage = await Stage.open({ limits }, coverage);
    const host = await stage.host('host');
    await stage.ask(host, 'tools.register', [{ name: 'clock' }]);
    const agent = await stage.agent('echo', { resume: script.isNumbered });
    const play = new TurnPlay(stage, await stage.manager(), host, agent, script);
    await settle();
    return play;
  }

  /** Has an event of the chart come about, on the wire or by the clock. */
  async happen(event: TurnEvent): Promise<void> {
    await this.#cause(event);
    await settle();
  }

  async #cause(event: TurnEvent): Promise<unknown> {
    const controller = this.#host ?? this.#manager;
    switch (event.type) {
      case 'call.answered':
        return this.#answerChat('result' in event.answer ? event.answer.result : undefined);
      case 'chat.event':
      case 'turn.terminal':
      case 'approval.pending':
      case 'approval.resolved':
        return this.#emit(event.params);
      case 'ack.expired':
        return this.#stage.advance(ACK_MS + 20);
      case 'turn.cancel': {
        controller.post('agents.chat.cancel', { session_id: 's', grace_ms: event.graceMs });
        return undefined;
      }
      case 'grace.expired':
        return this.#stage.advance(GRACE_MS + 20);
      case 'turn.stale':
        return this.#stage.advance(15_000);
      case 'host.gone':
        this.#host?.client.close();
        this.#host = undefined;
        return undefined;
      case 'host.joined':
        return this.#takeUp();
      case 'observer.joined': {
        const observer = await this.#stage.host('observer');
        this.#observers.push(observer);
        await this.#stage.ask(observer, 'agents.chat.subscribe', { ...this.#claim(), role: 'observer' });
        return undefined;
      }
      case 'window.expired':
        return this.#stage.advance(60_020);
      case 'agent.gone':
        this.#isAgentAway = this.#isNumbered && event.mayReturn;
        if (event.code === 'agent_disconnected') this.#agent.client.cut();
        else await this.#stage.agent('echo');
        return undefined;
      case 'agent.back':
        return this.#comeBack();
      case 'agent.window.expired':
        return this.#stage.advance(AGENT_WINDOW_MS + 20);
      case 'event.lost':
        // The one before it is missing, and is not there when it is sent again.
        for (let time = 0; time < 2; time += 1) this.#agent.client.emit('s', { ...LOST, aseq: this.#said + 2 });
        return undefined;
      case 'turn.drain':
        this.#stage.broker.root.send({ type: 'broker.drain' });
        return this.#stage.advance(DRAIN_MS + 20);
      case 'tool.requested':
        this.#tool = this.#agent.post('tools.execute', { session_id: 's', tool: 'clock', parameters: {} });
        return undefined;
      case 'child.done':
        // Of a host that has gone, the call has ended with it.
        return this.#host && this.#answerTool(this.#host);
      case 'approval.settled': {
        const { approvalId } = event;
        controller.post('agents.chat.approve', { session_id: 's', approval_id: approvalId, decision: true });
        await settle();
        this.#agent.client.answer(this.#agent.client.received('agent.chat.approve').at(-1), { resolved: true });
        return undefined;
      }
      default:
        throw new Error(`nobody can bring about ${event.type}`);
    }
  }

  /** What must hold in this state of the chart. */
  async check(state: string): Promise<void> {
    const live = this.#manager.client.closed === undefined ? await this.#row() : undefined;
    this.#stage.check();
    expect(live?.status).toBe(isFinal(state) ? undefined : state);
    for (const { listener, id } of this.#chats) {
      const reply = listener.replyTo(id);
      if (state === 'dispatching') expect(reply).toBeUndefined();
      // A host that went before the ack is told nothing.
      else if (listener.client.closed !== undefined) continue;
      else if (state === 'refused') expect(reply.error.code).toBeLessThan(0);
      else expect(reply.result.accepted).toBe(true);
    }
    if (live && state !== 'dispatching') expect(live.host_client_id === null).toBe(this.#host === undefined);
    const accepted = this.#ack !== undefined;
    for (const listener of [...(this.#host ? [this.#host] : []), ...this.#observers]) {
      expect(listener.watch.open, `${listener.name} in ${state}`).toHaveLength(accepted && !isFinal(state) ? 1 : 0);
    }
    for (const { listener, heard } of this.#relieved) expect(listener.client.events()).toHaveLength(heard);
    if (this.#tool !== undefined && isFinal(state) && this.#agent.client.closed === undefined) {
      expect(this.#agent.replyTo(this.#tool)).toBeDefined();
    }
  }

  /** The walk is over: a turn that has not ended is ended by its agent, and everybody concerned hears of it. */
  async finish(state: string): Promise<void> {
    if (isFinal(state)) await this.#outlive(state);
    else if (state !== 'dispatching') {
      if (this.#isAgentAway) await this.#comeBack();
      this.#emit({ kind: 'token', delta: 'b' });
      this.#emit({ kind: 'done', finish_reason: 'stop' });
      await settle();
      await this.check('done');
      await this.#outlive('done');
    }
    await this.#stage.end();
  }

  /** A turn that has ended is not touched by what comes too late; whoever may, reads how it went. */
  async #outlive(state: string): Promise<void> {
    await this.#answerChat({ accepted: true });
    for (const kind of ['token', 'done']) this.#emit({ kind, delta: 'late', finish_reason: 'late' });
    await settle();
    await this.check(state);
    if (this.#isResumable && this.#ack !== undefined && this.#manager.client.closed === undefined) {
      const late = await this.#stage.ask(this.#manager, 'agents.chat.subscribe', { session_id: 's' });
      expect(late.status).toBe(state);
      this.#manager.read();
      expect(this.#manager.watch.open).toEqual([]);
    }
  }

  async #row(): Promise<Message> {
    const { sessions } = await this.#stage.ask(this.#manager, 'agents.chat.sessions');
    expect(sessions.length).toBeLessThan(2);
    return sessions[0];
  }

  async #takeUp(): Promise<void> {
    const before = this.#host;
    const next = await this.#stage.host('next host');
    await this.#stage.ask(next, 'tools.register', [{ name: 'clock' }]);
    const isDispatching = (await this.#row()).status === 'dispatching';
    if (before) this.#relieved.push({ listener: before, heard: before.client.events().length });
    this.#host = next;
    if (isDispatching) {
      this.#open(next);
      return;
    }
    const { status } = await this.#stage.ask(next, 'agents.chat.subscribe', this.#claim());
    expect(status).toBe((await this.#row()).status);
  }

  #emit(event: object): void {
    this.#said += 1;
    this.#agent.client.emit('s', this.#isNumbered ? { ...event, aseq: this.#said } : event);
  }

  /** The agent is there again, and goes on with the turn. */
  async #comeBack(): Promise<void> {
    const turn_id = this.#turn ?? this.#agent.client.lastChat().params.turn_id;
    this.#agent = await this.#stage.agent('echo', { resume: true });
    const { turns } = await this.#stage.ask(this.#agent, 'agent.resume', { turns: [{ turn_id, session_id: 's' }] });
    expect(turns).toEqual([expect.objectContaining({ turn_id, status: 'resumed', after: this.#said })]);
    this.#isAgentAway = false;
    this.#turn = turn_id;
  }

  #claim() {
    return { session_id: 's', resume_token: this.#ack?.resume_token };
  }

  #open(listener: Listener): number {
    const id = listener.post('agents.chat', this.#params);
    this.#chats.push({ listener, id });
    return id;
  }

  /** What whoever opened it was answered first. */
  get #ack(): Message | undefined {
    return this.#chats.map(({ listener, id }) => listener.replyTo(id)?.result).find((result) => result !== undefined);
  }

  async #answerChat(result: unknown): Promise<void> {
    const { client } = this.#agent;
    const request = client.lastChat();
    // Another connection was asked.
    if (request === undefined) return;
    if (result === undefined) client.send({ jsonrpc: '2.0', id: request.id, error: { code: 1, message: 'no' } });
    else client.answer(request, result);
    await settle();
  }

  async #answerTool({ client }: Listener): Promise<void> {
    client.answer(client.received('tools.execute').at(-1), { now: 1 });
    await settle();
  }
}

/** The agent's events as the chart hears them; their size is reckoned on the stage's limits. */
export const turnEvents = {
  ack: { type: 'call.answered', id: '', answer: { result: { accepted: true } } },
  reject: { type: 'call.answered', id: '', answer: { result: { accepted: false } } },
  break: { type: 'call.answered', id: '', answer: { error: {} } },
  token: agentEvent('chat.event', { kind: 'token', delta: 'a' }),
  mood: agentEvent('chat.event', { kind: 'mood' }),
  flood: agentEvent('chat.event', { kind: 'token', delta: 'a'.repeat(4_000) }, 5_000),
  'flood of an end': agentEvent('turn.terminal', { kind: 'error', error: 'a'.repeat(4_000) }, 5_000),
  'flood of a question': agentEvent('approval.pending', pending('a', { x: 'a'.repeat(4_000) }), 5_000),
  'flood of an answer': agentEvent('approval.resolved', { ...resolved('a'), x: 'a'.repeat(4_000) }, 5_000),
  done: agentEvent('turn.terminal', { kind: 'done', finish_reason: 'stop' }),
  error: agentEvent('turn.terminal', { kind: 'error', error: 'oh' }),
  'auth required': agentEvent('turn.terminal', { kind: 'auth_required', reason: 'r', message: 'm' }),
  'ask a': agentEvent('approval.pending', pending('a')),
  'ask b': agentEvent('approval.pending', pending('b')),
  'ask c': agentEvent('approval.pending', pending('c')),
  'settle a': agentEvent('approval.resolved', resolved('a')),
  'settle b': agentEvent('approval.resolved', resolved('b', 'deny')),
  'answer a': { type: 'approval.settled', approvalId: 'a' },
  'answer b': { type: 'approval.settled', approvalId: 'b' },
  'no ack': { type: 'ack.expired' },
  cancel: { type: 'turn.cancel', reason: 'host_cancelled', graceMs: 0 },
  'cancel gently': { type: 'turn.cancel', reason: 'host_cancelled', graceMs: GRACE_MS },
  'grace over': { type: 'grace.expired' },
  silence: { type: 'turn.stale' },
  'host goes': { type: 'host.gone' },
  'host comes': { type: 'host.joined', subscription: {} },
  'observer comes': { type: 'observer.joined', subscription: {} },
  'window over': { type: 'window.expired' },
  'agent goes': { type: 'agent.gone', code: 'agent_disconnected', mayReturn: true },
  'agent replaced': { type: 'agent.gone', code: 'agent_replaced', mayReturn: false },
  'agent back': { type: 'agent.back', client: {}, missed: undefined },
  'agent window over': { type: 'agent.window.expired' },
  'lost event': { type: 'event.lost' },
  drain: { type: 'turn.drain' },
  'tool call': { type: 'tool.requested', callback: { id: 'cb', isGated: false } },
  'tool ends': { type: 'child.done', id: 'cb' },
} as const satisfies Record<string, TurnEvent>;

function agentEvent<T extends string>(type: T, fields: { kind: string; [field: string]: unknown }, bytes = 100) {
  return { type, params: { session_id: 's', ...fields }, bytes } as const;
}
