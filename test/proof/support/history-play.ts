import { isDeepStrictEqual } from 'node:util';
import { expect } from 'vitest';
import { AGENTS } from '../../../actors/connection/agent-registry.ts';
import { startInternals } from '../../support/internals.ts';
import { type LinkedClient, type Message, settle } from '../../support/linked.ts';
import { heldBy, watchActors } from './actors-left.ts';
import { HistoryModel } from './history-model.ts';
import { KEPT_APPROVALS, MAX_QUEUED, TIMES, TOOL_MS, WINDOW_MS } from './history-times.ts';
import { type LaggingLink, laggingPair } from './lagging-link.ts';
import { Ledger } from './ledger.ts';
import { Listener } from './listener.ts';
import { Line, type Said } from './model-records.ts';
import { eventOf } from './said-event.ts';

/** `boss`: with the host role. */
export type HostName = 'ann' | 'bob' | 'cyd' | 'boss';
export type AgentName = 'north' | 'south';
export type Session = 's' | 't';

/** How a host subscribes. `known`: the part of the log that it has already. */
interface SubscribeHow {
  role?: 'controller' | 'observer';
  known?: number;
  token?: boolean;
  claim?: string | undefined;
  unlessTaken?: boolean;
}

/** A client of the broker, and the model of it. */
interface Party {
  listener: Listener;
  line: Line;
  ledger: Ledger;
  link: LaggingLink;
  /** Of a host: what the broker calls its connection. */
  clientId: string | undefined;
}

/**
 * A broker and its model, which live through the same history. What cannot be done (a host that has gone says nothing)
 * is not done. After each step both must agree on everything that there is to see.
 */
export class HistoryPlay {
  readonly #broker = startInternals({
    // Who waits for an agent is in test/broker/turns/agent-wait.test.ts; the model refuses at once.
    limits: { ...TIMES, agentWaitMs: 0, maxQueuedPerSession: MAX_QUEUED, keptApprovals: KEPT_APPROVALS },
  });
  readonly #actorsLeft = watchActors(this.#broker);
  readonly #model = new HistoryModel();
  readonly #hosts = new Map<HostName, Party>();
  readonly #agents = new Map<AgentName, Party>();
  /** Everybody whose frames are compared. */
  #parties: Party[] = [];
  readonly #turnNumbers = new Map<string, number>();
  readonly #tokens = new Map<number, string>();
  #manager: Listener | undefined;

  static async start(): Promise<HistoryPlay> {
    const play = new HistoryPlay();
    play.#manager = new Listener('manager', await play.#broker.manager());
    for (const name of ['north', 'south'] as const) await play.agentComes(name);
    for (const name of ['ann', 'bob'] as const) await play.hostComes(name);
    return play;
  }

  /* Hosts. */

  async hostComes(name: HostName): Promise<void> {
    if (this.#hosts.has(name)) return;
    const { client, link } = laggingPair(this.#broker.open);
    const { daemon, host } = this.#broker.tokens;
    await client.ok('session.auth', name === 'boss' ? { host_token: host } : { token: daemon });
    const { session_id } = await client.ok('session.init', { tools: [{ name: 'clock' }] });
    this.#hosts.set(name, this.#join(client, link, new Line(name, name === 'boss'), session_id));
  }

  /** `isSlow`: it cannot keep up, and the broker closes it. */
  async hostGoes(name: HostName, isSlow = false): Promise<void> {
    const host = this.#hosts.get(name);
    if (!host) return;
    if (isSlow) host.link.overrun();
    else host.listener.client.close();
    this.#hosts.delete(name);
    this.#model.leaveHost(host.line, isSlow ? 'slow_consumer' : 'host_disconnected');
    await this.#agree();
  }

  async chat(
    name: HostName,
    session: Session,
    agent: AgentName,
    how: { busy?: 'reject' | 'replace' | 'queue'; resumable?: boolean } = {},
  ): Promise<void> {
    const { busy = 'reject', resumable = false } = how;
    const window = resumable ? WINDOW_MS : 0;
    const params = { agent_id: agent, prompt: 'hi', session_id: session, on_busy: busy, resume_window_ms: window };
    await this.#ask(name, 'agents.chat', params, (line, id) => {
      this.#model.chat(line, id, session, agent, busy, window);
    });
  }

  async cancel(name: HostName, session: Session, graceMs: number): Promise<void> {
    await this.#ask(name, 'agents.chat.cancel', { session_id: session, grace_ms: graceMs }, (line, id) => {
      this.#model.cancelChat(line, id, session, graceMs);
    });
  }

  async approve(name: HostName, session: Session, approval: string, decision: boolean): Promise<void> {
    const params = { session_id: session, approval_id: approval, decision };
    await this.#ask(name, 'agents.chat.approve', params, (line, id) => {
      this.#model.approve(line, id, session, approval, decision);
    });
  }

  /** `known`: the part of what there is that the client has already; more than 1 is more than there is. */
  async subscribe(name: HostName, session: Session, how: SubscribeHow = {}): Promise<void> {
    const { role = 'controller', known = 0, token = true, claim, unlessTaken = false } = how;
    const turn = this.#model.live.get(session) ?? this.#model.ended(session);
    const resumeToken = token && turn && this.#tokens.get(turn.number);
    const after = Math.ceil((turn?.log?.length ?? 0) * known);
    const params = {
      ...{ session_id: session, role, after, claim, unless_taken: unlessTaken },
      ...(resumeToken ? { resume_token: resumeToken } : {}),
    };
    await this.#ask(name, 'agents.chat.subscribe', params, (line, id) => {
      this.#model.subscribe(line, id, session, { role, after, hasToken: Boolean(resumeToken), claim, unlessTaken });
    });
  }

  async unsubscribe(name: HostName, session: Session): Promise<void> {
    await this.#ask(name, 'agents.chat.unsubscribe', { session_id: session }, (line, id) => {
      this.#model.unsubscribe(line, id, session);
    });
  }

  /** So much waits for it that it may ask for no more, or no longer. */
  async hostLags(name: HostName, isLagging: boolean): Promise<void> {
    const host = this.#hosts.get(name);
    if (!host) return;
    host.link.waitingBytes = isLagging ? this.#broker.state.limits.hardLimitBytes + 1 : 0;
    host.line.isLagging = isLagging;
  }

  /** Its answer to the oldest `tools.execute` that it has not answered. */
  async hostAnswersTool(name: HostName, isError = false): Promise<void> {
    const host = this.#hosts.get(name);
    const call = host?.line.tools.shift();
    if (!host || !call) return;
    const { client } = host.listener;
    if (isError) client.send({ jsonrpc: '2.0', id: call.id, error: { code: 7, message: 'no' } });
    else client.send({ jsonrpc: '2.0', id: call.id, result: {} });
    this.#model.answerTool(call, isError ? '7' : 'ok');
    await this.#agree();
  }

  async hostReportsProgress(name: HostName): Promise<void> {
    const host = this.#hosts.get(name);
    const call = host?.line.tools[0];
    if (!host || !call) return;
    host.listener.client.notify('tools.progress', { request_id: call.id });
    this.#model.progress(call);
    await this.#agree();
  }

  /* Agents. */

  /** One that is there already is replaced by a newer connection of it. */
  async agentComes(name: AgentName): Promise<void> {
    const { token = '' } = this.#broker.state.get(AGENTS).upsert({ id: name, rotate_token: true });
    const { client, link } = laggingPair(this.#broker.open);
    await client.ok('session.auth', { agent_id: name, token });
    this.#agents.set(name, this.#join(client, link, this.#model.attach(name)));
    await this.#agree();
  }

  async agentGoes(name: AgentName): Promise<void> {
    const agent = this.#agents.get(name);
    if (!agent) return;
    agent.listener.client.close();
    this.#agents.delete(name);
    this.#model.detach(name);
    await this.#agree();
  }

  /** Its answer to the oldest `agent.chat` that it has not answered, however late that is. */
  async agentAnswers(name: AgentName, how: 'accepts' | 'refuses' | 'fails' = 'accepts'): Promise<void> {
    const agent = this.#agents.get(name);
    const turn = agent?.line.chats.shift();
    if (!agent || !turn) return;
    const { client } = agent.listener;
    const request = client.received('agent.chat').find(({ params }) => this.#numberOf(params.turn_id) === turn.number);
    if (how === 'fails') client.send({ jsonrpc: '2.0', id: request.id, error: { code: 7, message: 'no' } });
    else client.answer(request, { accepted: how === 'accepts' });
    this.#model.answerChat(turn, how === 'accepts');
    await this.#agree();
  }

  /** `of`: the turn that it names; another one is not heard. */
  async agentSays(
    name: AgentName,
    session: Session,
    kind: Said['kind'],
    detail: string,
    of: 'any' | 'live' | 'another' = 'any',
  ): Promise<void> {
    const agent = this.#agents.get(name);
    if (!agent) return;
    const live = this.#model.live.get(session);
    const [liveId] = [...this.#turnNumbers].find(([, number]) => number === live?.number) ?? [];
    const turnId = of === 'any' ? undefined : of === 'live' ? liveId : 'turn-of-yore';
    agent.listener.client.emit(session, { ...eventOf(kind, detail), ...(turnId ? { turn_id: turnId } : {}) });
    this.#model.say(agent.line, session, { kind, detail }, of);
    await this.#agree();
  }

  /** Its answer to the oldest `agent.chat.approve` that it has not answered. */
  async agentAnswersApprove(name: AgentName, answer: 'yes' | 'no' | 'error'): Promise<void> {
    const agent = this.#agents.get(name);
    const asked = agent?.line.approves.shift();
    if (!agent || !asked) return;
    const { client } = agent.listener;
    const requests = client.received('agent.chat.approve');
    const request = requests[requests.length - 1 - agent.line.approves.length];
    if (answer === 'error') client.send({ jsonrpc: '2.0', id: request.id, error: { code: 7, message: 'no' } });
    else client.answer(request, { resolved: answer === 'yes' });
    this.#model.answerApprove(asked, answer);
    await this.#agree();
  }

  async agentUsesTool(name: AgentName, session: Session, tool: 'clock' | 'unknown' = 'clock'): Promise<void> {
    const agent = this.#agents.get(name);
    if (!agent) return;
    const params = { session_id: session, tool, parameters: {}, timeout_ms: TOOL_MS };
    const id = agent.listener.post('tools.execute', params);
    this.#model.useTool(agent.line, id, session, tool);
    await this.#agree();
  }

  /** Takes back the newest tool call that it asked for. */
  async agentWithdrawsTool(name: AgentName): Promise<void> {
    const agent = this.#agents.get(name);
    const call = agent?.line.calls.pop();
    if (!agent || !call) return;
    agent.listener.client.notify('tools.cancel', { id: call.request });
    this.#model.withdrawTool(call);
    await this.#agree();
  }

  /* Time, and the end. */

  async wait(ms: number): Promise<void> {
    const until = this.#model.now + ms;
    while (this.#model.now < until) {
      const next = Math.min(until, this.#model.nextDue);
      this.#broker.clock.increment(next - this.#model.now);
      this.#model.passTo(next);
      await settle();
    }
    await this.#agree();
  }

  /** Everybody goes: each turn has had its end, which can be read as long as it can be resumed; then nothing is left. */
  async end(): Promise<void> {
    for (const name of [...this.#hosts.keys()]) await this.hostGoes(name);
    for (const name of [...this.#agents.keys()]) await this.agentGoes(name);
    await this.wait(WINDOW_MS);
    const manager = this.#manager as Listener;
    const { live } = this.#model;
    expect([...live.keys()]).toEqual([]);
    for (const session of ['s', 't']) manager.post('agents.chat.subscribe', { session_id: session });
    await settle();
    manager.read();
    expect(manager.watch.open).toEqual([]);
    manager.client.close();
    await this.wait(TIMES.resumeAfterEndMs + TIMES.staleAfterMs);
    expect(heldBy(this.#broker)).toEqual({});
    expect(this.#actorsLeft()).toEqual([]);
  }

  #join(client: LinkedClient, link: LaggingLink, line: Line, clientId?: string): Party {
    // What an agent is asked at once comes with the answer to its `session.auth`.
    const ledger = new Ledger((turnId) => this.#numberOf(turnId));
    const party = { listener: new Listener(line.name, client, clientId ? 2 : 1), line, ledger, link, clientId };
    this.#parties.push(party);
    return party;
  }

  async #ask(name: HostName, method: string, params: object, inModel: (line: Line, id: number) => void): Promise<void> {
    const host = this.#hosts.get(name);
    if (!host) return;
    inModel(host.line, host.listener.post(method, params));
    await this.#agree();
  }

  #numberOf(turnId: string): number {
    return this.#turnNumbers.get(turnId) ?? 0;
  }

  /** Gives the turns that an agent was asked for their numbers: of the session's those that have none yet, in order. */
  #number({ line }: Party, frames: Message[]): void {
    for (const { method, params } of frames) {
      if (method !== 'agent.chat' || this.#turnNumbers.has(params.turn_id)) continue;
      const known = new Set(this.#turnNumbers.values());
      const turn = this.#model.turns.find(({ number, session, agent }) => {
        return agent === line && session === params.session_id && !known.has(number);
      });
      if (turn) this.#turnNumbers.set(params.turn_id, turn.number);
    }
  }

  /** Broker and model must have come to the same. */
  async #agree(): Promise<void> {
    const manager = this.#manager;
    const sessions = manager?.client.closed === undefined ? manager?.post('agents.chat.sessions') : undefined;
    const approvals = sessions === undefined ? undefined : manager?.post('host.approvals');
    await settle();
    const fresh = this.#parties.map((party) => ({ party, frames: party.listener.read() }));
    for (const { party, frames } of fresh) this.#number(party, frames);
    for (const { party, frames } of fresh) {
      for (const frame of frames) {
        const { turn_id, resume_token } = frame.result ?? {};
        if (resume_token) this.#tokens.set(this.#numberOf(turn_id), resume_token);
        party.ledger.enter(frame);
      }
    }
    for (const { line, ledger } of this.#parties) {
      const [page, due] = [ledger.page(), Ledger.pageOf(line)];
      // By far the faster comparison; the other one explains.
      if (!isDeepStrictEqual(page, due)) expect(page).toEqual(due);
    }
    // Whoever has gone was compared once more, and hears nothing now.
    this.#parties = this.#parties.filter(({ line }) => line.isOpen);
    if (!manager || sessions === undefined || approvals === undefined) return;
    manager.read();
    const names = new Map(this.#parties.map(({ line, clientId }) => [clientId, line.name]));
    const rows: Message[] = manager.replyTo(sessions).result.sessions;
    const seen = rows.map(({ session_id, turn_id, agent_id, host_client_id, status, seq }) => {
      const host = host_client_id === null ? '-' : (names.get(host_client_id) ?? '+');
      return `${session_id} ${this.#numberOf(turn_id)} ${agent_id} ${host} ${status} ${seq}`;
    });
    expect(seen.sort()).toEqual(this.#model.sessions);
    const pendingRows: Message[] = manager.replyTo(approvals).result.approvals;
    const waiting = pendingRows
      .filter(({ status }) => status === 'pending')
      .map(({ details }) => `${this.#numberOf(details.turn_id)} ${details.approval_id}`);
    expect(waiting.sort()).toEqual(this.#model.pending);
  }
}
