import { MAX_QUEUED, SWEEP_MS, TIMES, TOOL_MS } from './history-times.ts';
import { type Call, Line, type Said, type Turn } from './model-records.ts';
import { ModelTurns } from './model-turns.ts';

/**
 * The broker as a page of plain code: no actors, no frames, no charts. It says what each client must have been sent
 * when everything that is due has been done.
 */
export class HistoryModel extends ModelTurns {
  constructor() {
    super();
    this.#armSweep();
  }

  /* What hosts do. */

  chat(host: Line, request: number, session: string, agentId: string, busy: string, windowMs: number): void {
    const chat = { host, request, session, agentId, windowMs };
    const live = this.live.get(session);
    const waiting = this.waiting(session);
    if (!this.attached.has(agentId)) host.reply(request, -32011);
    else if (!live) this.open(chat);
    else if (busy === 'reject') host.reply(request, -32010);
    else if (live.host !== host) host.reply(request, -32015);
    else if (busy === 'replace') {
      waiting.unshift(chat);
      this.cancel(live, 'replaced', 0);
    } else if (waiting.length >= MAX_QUEUED) host.reply(request, -32020);
    else waiting.push(chat);
    this.bury();
  }

  cancelChat(host: Line, request: number, session: string, graceMs: number): void {
    const live = this.#own(host, request, session);
    if (live) this.cancel(live, 'host_cancelled', graceMs, { by: host, request });
    this.bury();
  }

  approve(host: Line, request: number, session: string, approvalId: string, decision: boolean): void {
    const live = this.#own(host, request, session);
    if (!live) return;
    const approval = live.approvals.get(approvalId);
    if (!approval || approval.taken) {
      const known = approval?.taken
        ? approval.taken.decision
          ? 'approve'
          : 'deny'
        : this.resolution(live, approvalId);
      host.reply(request, known === undefined ? -32016 : `-32016 ${known}`);
      return;
    }
    approval.answers += 1;
    const nth = approval.answers;
    live.agent.tell(`approve ${session} ${approvalId}`);
    live.agent.approves.push({ approval, nth });
    const timer = this.arm(TIMES.approveTimeoutMs, () => {
      approval.taken = undefined;
      host.reply(request, -32004);
      this.putBack(approval);
    });
    approval.taken = { by: host, request, nth, decision, timer };
  }

  subscribe(
    client: Line,
    request: number,
    session: string,
    how: { role: string; after: number; hasToken: boolean; claim: string | undefined; unlessTaken: boolean },
  ): void {
    const { role, after, hasToken, claim, unlessTaken } = how;
    const turn = this.live.get(session);
    const found = turn ?? this.ended(session);
    const log = found?.log;
    const isAdmitted = client.isBoss || (log && (hasToken || found.opener === client)) || turn?.host === client;
    if (found && !isAdmitted) client.reply(request, -32015);
    else if (!found || !log) client.reply(request, -32014);
    else if (after > log.length) client.reply(request, -32602);
    else if (role === 'controller' && unlessTaken && found.claim !== undefined && found.claim !== claim) {
      client.reply(request, '-32015 taken_over');
    } else if (client.isLagging) client.reply(request, -32020);
    else {
      if (turn && role === 'controller') this.takeOver(turn, client, claim);
      else if (turn && turn.host !== client) turn.observers.add(client);
      client.reply(request, `ok ${turn ? turn.status : found.ending} ${log.length}`);
      for (const event of log.slice(after)) client.hear(found, event);
    }
    this.bury();
  }

  unsubscribe(client: Line, request: number, session: string): void {
    client.reply(request, `ok ${this.live.get(session)?.observers.delete(client) ?? false}`);
  }

  answerTool(call: Call, answer: string): void {
    if (call.isOver) return;
    this.endCall(call, answer);
  }

  progress(call: Call): void {
    if (call.isOver) return;
    call.turn.agent.tell(`progress ${call.request}`);
    this.disarm(call.timer);
    call.timer = this.arm(Math.min(TOOL_MS, call.endsAt - this.now), () => this.expireCall(call));
  }

  /** `reason`: what its agents are told where their turns end with it. */
  leaveHost(host: Line, reason: string): void {
    host.isOpen = false;
    for (const [session, chats] of this.queues) {
      this.queues.set(
        session,
        chats.filter((chat) => chat.host !== host),
      );
    }
    for (const turn of [...host.turns]) this.loseHost(turn, reason);
    for (const turn of this.turns) turn.observers.delete(host);
    this.bury();
  }

  /* What agents do. */

  /** A new connection of an agent; one that there was is closed. */
  attach(id: string): Line {
    const line = new Line(id);
    const older = this.attached.get(id);
    this.attached.set(id, line);
    if (older) {
      this.loseServer(older, 'agent_replaced');
      older.isOpen = false;
    }
    this.bury();
    return line;
  }

  detach(id: string): void {
    const line = this.attached.get(id);
    if (!line) return;
    this.attached.delete(id);
    line.isOpen = false;
    this.loseServer(line, 'agent_disconnected');
    this.bury();
  }

  /** Its answer to the oldest `agent.chat` that it has not answered. */
  answerChat(turn: Turn, isAcceptance: boolean): void {
    if (turn.isAckLate && isAcceptance) turn.agent.tell(`cancel ${turn.number} ack_timeout`);
    turn.isAckLate = false;
    if (turn.status !== 'dispatching') return;
    if (isAcceptance) {
      this.accept(turn);
      this.release(turn);
    } else this.refuse(turn, -32012);
    this.bury();
  }

  /** `of`: the turn that it names, if it names one. */
  say(agent: Line, session: string, said: Said, of: 'any' | 'live' | 'another'): void {
    const turn = this.live.get(session);
    if (!turn || turn.agent !== agent || of === 'another') return;
    // Nothing of it was accepted yet: that is said of the turn before.
    if (of === 'any' && turn.isFollower && turn.status === 'dispatching') return;
    this.hear(turn, said);
    this.bury();
  }

  answerApprove({ approval, nth }: Line['approves'][number], answer: 'yes' | 'no' | 'error'): void {
    const { taken } = approval;
    if (taken?.nth !== nth) return;
    approval.taken = undefined;
    this.disarm(taken.timer);
    taken.by.reply(taken.request, answer === 'error' ? -32012 : `ok ${answer === 'yes'}`);
    if (answer === 'yes') this.settle(approval, taken.decision);
    else this.putBack(approval);
  }

  useTool(agent: Line, request: number, session: string, tool: string): void {
    const turn = this.live.get(session);
    // Somebody else's turn, which another agent answers, does not exist for it.
    if (turn?.agent !== agent) agent.reply(request, -32014);
    else if (!turn.host || tool !== 'clock') agent.reply(request, -32019);
    else this.call(turn, turn.host, request);
  }

  withdrawTool(call: Call): void {
    if (!call.isOver) this.cancelCall(call, 'agent_withdrew');
  }

  /* What there is to see. */

  get sessions(): string[] {
    return [...this.live.values()]
      .map(({ session, number, agent, host, status, seq }) => {
        return `${session} ${number} ${agent.name} ${host?.name ?? '-'} ${status} ${seq}`;
      })
      .sort();
  }

  #own(host: Line, request: number, session: string): Turn | undefined {
    const live = this.live.get(session);
    if (live && (live.host === host || host.isBoss)) return live;
    host.reply(request, live ? -32015 : -32014);
    return undefined;
  }

  #armSweep(): void {
    this.arm(SWEEP_MS, () => {
      this.#armSweep();
      for (const turn of [...this.live.values()]) {
        const { status, heardAt, calls, approvals } = turn;
        if (heardAt > this.now - TIMES.staleAfterMs || calls.size > 0) continue;
        if (status === 'streaming' || (status === 'detached' && approvals.size === 0)) {
          this.fail(turn, 'stale', 'stale');
        }
      }
    });
  }
}
