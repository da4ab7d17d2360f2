import { KEPT_APPROVALS, TIMES, TOOL_MS } from './history-times.ts';
import { ModelClock } from './model-clock.ts';
import { type Approval, type Call, type Chat, isTerminal, type Line, type Said, type Turn } from './model-records.ts';

/** Of the model, what happens to turns and to what they wait for. */
export class ModelTurns extends ModelClock {
  /** Every turn that was ever opened. */
  readonly turns: Turn[] = [];
  readonly live = new Map<string, Turn>();
  readonly #lastServedBy = new Map<string, Line>();
  readonly queues = new Map<string, Chat[]>();
  readonly attached = new Map<string, Line>();
  readonly approvals = new Set<Approval>();
  /** The last that ended, oldest first. */
  readonly #resolved: { approval: Approval; status: string }[] = [];
  #calls = 0;
  #ends = 0;
  #unburied: Turn[] = [];

  /** Pending ones, as they are listed. */
  get pending(): string[] {
    return [...this.approvals].map(({ turn, id }) => `${turn.number} ${id}`).sort();
  }

  protected waiting(session: string): Chat[] {
    const queue = this.queues.get(session) ?? [];
    this.queues.set(session, queue);
    return queue;
  }

  /** The last turn of a session that ended and can still be resumed. */
  ended(session: string): Turn | undefined {
    const logged = this.turns.filter((turn) => turn.session === session && turn.status === 'ended' && turn.log);
    const last = logged.sort((a, b) => a.endedOrder - b.endedOrder).at(-1);
    return last && last.endedAt + TIMES.resumeAfterEndMs > this.now ? last : undefined;
  }

  protected open({ host, request, session, agentId, windowMs }: Chat): void {
    const agent = this.attached.get(agentId);
    if (!agent) {
      host.reply(request, -32011);
      return;
    }
    const turn: Turn = {
      number: this.turns.length + 1,
      session,
      agent,
      host,
      opener: host,
      request,
      windowMs,
      status: 'dispatching',
      ending: '',
      endedAt: 0,
      endedOrder: 0,
      isFollower: this.#lastServedBy.get(session) === agent,
      held: [],
      isAckLate: false,
      seq: 0,
      log: undefined,
      observers: new Set(),
      claim: undefined,
      approvals: new Map(),
      calls: new Set(),
      heardAt: this.now,
      timer: undefined,
      graceEndsAt: Number.POSITIVE_INFINITY,
    };
    turn.timer = this.arm(TIMES.ackTimeoutMs, () => {
      turn.isAckLate = true;
      this.refuse(turn, -32013);
    });
    this.turns.push(turn);
    this.live.set(session, turn);
    host.turns.add(turn);
    agent.serving.add(turn);
    agent.chats.push(turn);
    agent.tell(`chat ${turn.number}`);
  }

  /** Of what has ended the sessions are free, and whoever waited for them has their turn. */
  protected override bury(): void {
    for (const turn of this.#unburied.splice(0)) {
      this.live.delete(turn.session);
      this.#lastServedBy.set(turn.session, turn.agent);
      turn.host?.turns.delete(turn);
      turn.agent.serving.delete(turn);
      turn.observers.clear();
      while (!this.live.has(turn.session)) {
        const next = this.waiting(turn.session).shift();
        if (!next) break;
        this.open(next);
      }
    }
  }

  protected accept(turn: Turn): void {
    this.disarm(turn.timer);
    turn.heardAt = this.now;
    if (turn.windowMs > 0) turn.log = [];
    turn.host?.reply(turn.request, 'ok');
  }

  /** What overtook the ack goes out. */
  protected release(turn: Turn, isCancelled = false): void {
    const held = turn.held.splice(0);
    const terminal = held.find((item): item is Said => !('turn' in item) && isTerminal(item));
    if (!isCancelled) turn.status = 'streaming';
    if (terminal) this.endChildren(turn, 'turn_ended');
    for (const item of held) {
      if ('turn' in item) {
        if (!item.isOver) this.startCall(item);
      } else if (item !== terminal) this.hear(turn, item, terminal !== undefined || isCancelled);
    }
    if (terminal) this.finish(turn, terminal);
  }

  protected refuse(turn: Turn, code: number): void {
    this.endChildren(turn, code === -32011 ? 'agent_disconnected' : 'turn_ended');
    turn.host?.reply(turn.request, code);
    this.end(turn, 'refused');
  }

  /** An event of the turn's agent. `isEnding`: no approval is raised. */
  protected hear(turn: Turn, said: Said, isEnding = turn.status === 'cancelling'): void {
    const { kind, detail } = said;
    if (turn.status === 'dispatching') {
      if (!turn.held.some((item) => !('turn' in item) && isTerminal(item))) turn.held.push(said);
      return;
    }
    if (isTerminal(said)) {
      if (turn.status !== 'cancelling') this.endChildren(turn, 'turn_ended');
      this.finish(turn, said);
      return;
    }
    turn.heardAt = this.now;
    this.send(turn, `${kind} ${detail}`);
    if (isEnding) return;
    if (kind === 'ask' && !turn.approvals.has(detail)) {
      const approval = { turn, id: detail, taken: undefined, isSettledMeanwhile: false, answers: 0 };
      turn.approvals.set(detail, approval);
      this.approvals.add(approval);
      if (turn.status === 'streaming') turn.status = 'parked';
    }
    const approval = turn.approvals.get(detail);
    if (kind !== 'settle' || !approval) return;
    turn.approvals.delete(detail);
    if (approval.taken) approval.isSettledMeanwhile = true;
    else this.#resolve(approval, 'approved');
    this.#unpark(turn);
  }

  /** Nobody but the broker says so: `3 done cancelled (broker)`. */
  protected synthesize(turn: Turn, what: string): void {
    this.send(turn, `${what} (broker)`);
  }

  protected send(turn: Turn, what: string): void {
    turn.seq += 1;
    const event = `${turn.seq} ${what}`;
    turn.log?.push(event);
    turn.host?.hear(turn, event);
    for (const observer of turn.observers) observer.hear(turn, event);
  }

  protected cancel(turn: Turn, reason: string, graceMs: number, confirm?: { by: Line; request: number }): void {
    const wasDispatching = turn.status === 'dispatching';
    const wasCancelling = turn.status === 'cancelling';
    if (wasDispatching) this.accept(turn);
    confirm?.by.reply(confirm.request, 'ok');
    if (!wasCancelling) {
      turn.agent.tell(`cancel ${turn.number} ${reason}`);
      this.endChildren(turn, 'turn_ended');
    }
    if (graceMs === 0) {
      this.synthesize(turn, 'done cancelled');
      this.end(turn, 'cancelled');
      return;
    }
    if (!wasCancelling) this.disarm(turn.timer);
    turn.status = 'cancelling';
    if (wasDispatching) this.release(turn, true);
    if (turn.ending !== '' || turn.graceEndsAt <= this.now + graceMs) return;
    turn.graceEndsAt = this.now + graceMs;
    this.disarm(turn.timer);
    turn.timer = this.arm(graceMs, () => {
      this.synthesize(turn, 'done cancelled');
      this.end(turn, 'cancelled');
    });
  }

  protected fail(turn: Turn, code: string, reason: string | undefined): void {
    const wasCancelling = turn.status === 'cancelling';
    this.endChildren(turn, code.startsWith('agent') ? 'agent_disconnected' : 'turn_ended');
    if (reason !== undefined && !wasCancelling) turn.agent.tell(`cancel ${turn.number} ${reason}`);
    this.synthesize(turn, `error ${code}`);
    this.end(turn, 'failed');
  }

  protected loseHost(turn: Turn, reason: string): void {
    const { status, log } = turn;
    if (status === 'cancelling' && log) this.#releaseHost(turn);
    else if (log) {
      for (const call of [...turn.calls]) this.cancelCall(call, 'host_disconnected');
      this.#releaseHost(turn);
      turn.status = 'detached';
      turn.timer = this.arm(turn.windowMs, () => this.#abandon(turn, 'host_disconnected'));
    } else this.#abandon(turn, reason);
  }

  /** The agent's connection is gone, or another has taken its place. */
  protected loseServer(agent: Line, code: 'agent_disconnected' | 'agent_replaced'): void {
    for (const turn of [...agent.serving]) {
      const reason = code === 'agent_replaced' ? code : undefined;
      if (turn.status === 'dispatching') {
        this.refuse(turn, -32011);
        if (reason) agent.tell(`cancel ${turn.number} ${reason}`);
      } else this.fail(turn, code, reason);
    }
    for (const approval of [...this.approvals]) if (approval.turn.agent === agent) this.#withdraw(approval);
  }

  protected takeOver(turn: Turn, client: Line, claim: string | undefined): void {
    turn.claim = claim ?? '(none)';
    turn.observers.delete(client);
    if (turn.host !== client) {
      if (turn.host) for (const call of [...turn.calls]) this.cancelCall(call, 'host_replaced');
      this.#releaseHost(turn);
      turn.host = client;
      client.turns.add(turn);
    }
    if (turn.status !== 'detached') return;
    this.disarm(turn.timer);
    turn.status = turn.approvals.size > 0 ? 'parked' : 'streaming';
  }

  /* Tool calls. */

  protected call(turn: Turn, host: Line, request: number): void {
    this.#calls += 1;
    const id = `cb-${this.#calls}`;
    const call: Call = { id, turn, host, request, isStarted: false, isOver: false, timer: undefined, endsAt: 0 };
    turn.agent.calls.push(call);
    if (turn.status === 'cancelling') {
      this.cancelCall(call, 'turn_ended');
      return;
    }
    turn.calls.add(call);
    if (turn.status === 'dispatching') turn.held.push(call);
    else this.startCall(call);
  }

  protected startCall(call: Call): void {
    call.isStarted = true;
    call.endsAt = this.now + 10 * TOOL_MS;
    call.timer = this.arm(TOOL_MS, () => this.expireCall(call));
    call.host.tools.push(call);
    call.host.tell(`tool ${call.id}`);
  }

  protected expireCall(call: Call): void {
    call.host.tell(`tools.cancel ${call.id} timeout`);
    this.endCall(call, '-32017');
  }

  protected cancelCall(call: Call, reason: string): void {
    if (call.isStarted) call.host.tell(`tools.cancel ${call.id} ${reason}`);
    this.endCall(call, '-32018');
  }

  protected endCall(call: Call, answer: string): void {
    const { turn, timer } = call;
    call.isOver = true;
    this.disarm(timer);
    turn.calls.delete(call);
    turn.agent.reply(call.request, answer);
    if (call.isStarted) turn.heardAt = this.now;
  }

  /* Approvals. */

  /** How the last one under this id ended, where it is remembered. */
  protected resolution(turn: Turn, id: string): string | undefined {
    return this.#resolved.findLast(({ approval }) => approval.turn === turn && approval.id === id)?.status;
  }

  #resolve(approval: Approval, status: string): void {
    if (!this.approvals.delete(approval)) return;
    this.#resolved.push({ approval, status });
    this.#resolved.splice(0, this.#resolved.length - KEPT_APPROVALS);
  }

  /** The agent has taken the answer. */
  protected settle(approval: Approval, decision: boolean): void {
    const { turn, id } = approval;
    this.#resolve(approval, decision ? 'approved' : 'denied');
    if (turn.approvals.get(id) !== approval) return;
    turn.approvals.delete(id);
    turn.heardAt = this.now;
    this.#unpark(turn);
  }

  /** The agent has not taken the answer: somebody may give another, unless the agent has settled it meanwhile. */
  protected putBack(approval: Approval): void {
    if (approval.isSettledMeanwhile) this.#resolve(approval, 'approved');
  }

  #withdraw(approval: Approval): void {
    const { taken } = approval;
    this.#resolve(approval, 'withdrawn');
    approval.taken = undefined;
    if (!taken) return;
    this.disarm(taken.timer);
    taken.by.reply(taken.request, '-32016 withdrawn');
  }

  #unpark(turn: Turn): void {
    if (turn.status === 'parked' && turn.approvals.size === 0) turn.status = 'streaming';
  }

  #releaseHost(turn: Turn): void {
    turn.host?.turns.delete(turn);
    turn.host = undefined;
  }

  #abandon(turn: Turn, reason: string): void {
    if (turn.status !== 'cancelling') turn.agent.tell(`cancel ${turn.number} ${reason}`);
    this.endChildren(turn, 'host_disconnected');
    if (turn.log) this.synthesize(turn, 'done cancelled');
    this.end(turn, 'abandoned');
  }

  protected endChildren(turn: Turn, reason: string): void {
    for (const call of [...turn.calls]) this.cancelCall(call, reason);
    for (const approval of [...turn.approvals.values()]) this.#withdraw(approval);
    turn.approvals.clear();
  }

  protected finish(turn: Turn, { kind, detail }: Said): void {
    this.send(turn, `${kind} ${detail}`);
    this.end(turn, kind === 'error' ? 'failed' : 'done');
  }

  protected end(turn: Turn, ending: string): void {
    this.disarm(turn.timer);
    this.#ends += 1;
    Object.assign(turn, { status: 'ended', ending, endedAt: this.now, endedOrder: this.#ends, held: [] });
    this.#unburied.push(turn);
  }
}
