import { MAX_RESUMED_TURNS, type ResumedTurn } from '../../protocol/agent-resume.ts';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import { agentKey } from '../../protocol/principal.ts';
import type { TurnJournal } from '../../protocol/turn-journal.ts';
import { withdrawApproval } from '../approvals/approval.ts';
import type { Client } from '../kernel/client.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { inSlices } from '../kernel/slices.ts';
import { slot } from '../kernel/slots.ts';
import { tell } from '../kernel/tell.ts';
import { type Handler, LATER } from '../requests/dispatcher.ts';
import { reply } from '../requests/reply.ts';
import { noteArrival, noteOver } from './agent-acks.ts';
import { turnsOf } from './client-turns.ts';
import type { KeptFacts } from './kept-facts.ts';
import { rebuildTurn } from './moved-turn.ts';
import type { AgentLine } from './resume/agent-line.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';
import { releaseIfFree } from './waiting-chats.ts';

type Row = ParamsOf<'agent.resume'>['turns'][number];
type Found = ReadonlyMap<string, 'ended' | 'lost'>;

/** When an agent's connection has to have named the turns that it goes on with. */
const naming = slot(() => ({ deadline: undefined as Deadline | undefined }));

/** `agent.resume` (`docs/protocol.md`, section 8): an agent is back, and says which turns it goes on with. */
export const resumeAgent: Handler<'agent.resume'> = ({ kernel, from, id, params }) => {
  if (!from.resumes)
    throw WireError.invalidRequest('its session.auth did not say `resume`, or nothing waits for an agent here');
  const letGo = kernel.held.hold(from, params);
  const { elsewhere } = kernel.get(TURNS);
  const strange = elsewhere ? params.turns.filter((row) => !isKnown(kernel, row)) : [];
  const resume = (found: Found) => resumeAll(kernel, from, id, params.turns, found, letGo);
  if (!elsewhere || strange.length === 0) resume(new Map());
  else {
    // It has named them; how long they take to be found is not its fault.
    stopAwaiting(kernel, from);
    const wanted = strange.map((row) => ({ ...row, hasTicket: () => ticketOf(kernel, from, row) !== undefined }));
    void elsewhere.fetch(from, wanted).then(resume, (err: unknown) => {
      kernel.log.error({ err }, 'turns of other brokers could not be brought here');
      resume(new Map());
    });
  }
  return LATER;
};

function isKnown(kernel: Kernel, { turn_id, session_id }: Row): boolean {
  const { byId, logs } = kernel.get(TURNS);
  return byId.has(turn_id) || logs.find(session_id, turn_id, kernel.clock.now()) !== undefined;
}

/** @param found - those that have ended at other brokers, and those whose broker is gone */
function resumeAll(
  kernel: Kernel,
  from: Client,
  id: RpcId | undefined,
  rows: readonly Row[],
  found: Found,
  letGo: () => void,
): void {
  const turns: ResumedTurn[] = [];
  // As many as one request may name: there may be more.
  const isAll = rows.length < MAX_RESUMED_TURNS;
  const resume = (row: Row) => {
    const is = found.get(row.turn_id);
    if (is === 'lost') {
      if (isAll) endUnnamedIn(kernel, from, row.session_id, rows);
      const rebuilt = rebuild(kernel, from, row);
      if (rebuilt) turns.push(rebuilt);
    } else if (from.isOpen) {
      const resumed = resumeTurn(kernel, from, row);
      turns.push(resumed.status === 'unknown' && is === 'ended' ? { ...resumed, status: 'ended' } : resumed);
    }
  };
  // Of those that are put together the newest of a session has it: what was before that had ended where it was.
  const ordered = found.size === 0 ? rows : rows.toSorted((one, other) => (one.turn_id < other.turn_id ? 1 : -1));
  inSlices(kernel, 'a turn that its agent goes on with', ordered, resume, () => {
    letGo();
    if (!from.isOpen) return;
    if (isAll) endUnnamed(kernel, from);
    reply(kernel, from, id, { result: { turns } });
  });
}

/** The turn of a row with a ticket whose broker is gone: its agent is here, and has all of it. Undefined: the agent has gone. */
function rebuild(kernel: Kernel, from: Client, row: Row): ResumedTurn | undefined {
  let resumed: ResumedTurn | undefined;
  try {
    const facts = from.isOpen ? ticketOf(kernel, from, row) : undefined;
    if (facts) rebuildTurn(kernel, facts, row);
    // In the same step: nobody may read it before its text is there.
    if (from.isOpen) resumed = resumeTurn(kernel, from, row);
    return resumed;
  } finally {
    // It was claimed for this.
    releaseIfFree(kernel, row.session_id);
    kernel.get(TURNS).elsewhere?.rebuilt(from, row, resumed?.status === 'resumed');
  }
}

/** What the ticket of a row says, where that is this agent's, and this turn's, and the agent has all of the turn. */
function ticketOf(kernel: Kernel, from: Client, row: Row): KeptFacts | undefined {
  const { ticket, turn_id, session_id, kept_from, text, text_from } = row;
  const isWhole = kept_from === 1 || (text !== undefined && text_from === 0);
  const facts = ticket === undefined || !isWhole ? undefined : kernel.get(TURNS).tickets?.read(ticket, Date.now());
  const isIts = facts && agentKey(facts.owner.tenant, facts.agent_id) === from.agentKey;
  return isIts && facts.id === turn_id && facts.session_key === session_id ? facts : undefined;
}

function resumeTurn(kernel: Kernel, from: Client, row: Row): ResumedTurn {
  const { turn_id, session_id, kept_from, next = 1, text, text_from } = row;
  const nothing = { turn_id, after: next - 1, released: next - 1 };
  const { byId, logs, journal } = kernel.get(TURNS);
  const turn = byId.get(turn_id);
  // What is another's does not exist for it.
  const isIts = turn?.line && turn.agent.agentKey === from.agentKey && turn.sessionKey === session_id;
  if (!isIts || !turn.line || !turn.ref || turn.ref.getSnapshot().status !== 'active') {
    const log = logs.find(session_id, turn_id, kernel.clock.now());
    const isOver = log && log.agentId === from.agentId && log.owner.tenant === from.tenant;
    if (!isOver || log.kept?.isSettled !== false) return { ...nothing, status: isOver ? 'ended' : 'unknown' };
    // It has ended here, but that may be forgotten still: the agent keeps its part until it hears more.
    noteOver(kernel, from, turn_id, next - 1);
    return { ...nothing, status: 'resumed', released: 0 };
  }
  const { line, ref } = turn;
  if (turn.speaker === undefined) {
    const isWhole = kept_from <= line.received + 1;
    const known = line.textLength - text_from;
    const isTorn = !isWhole && tears(turn, line, kept_from);
    if (isTorn || (!isWhole && (text === undefined || known < 0 || text.length < known))) {
      giveUp(kernel, turn, 'agent_disconnected');
      return { ...nothing, status: 'unknown' };
    }
    const missed = isWhole || text === undefined ? undefined : { text: text.slice(known), before: kept_from };
    tell(kernel.ref, ref, { type: 'agent.back', client: from, missed });
  }
  // It may have broken at that, a fault of ours, or never have been accepted.
  if (turn.speaker !== from) return { ...nothing, status: 'unknown' };
  kernel.get(TURNS).elsewhere?.resumed(from, row);
  if (turn.isRestored && row.pending_approvals) settleUnlisted(kernel, turn, row.pending_approvals);
  if (isAllSettled(journal)) line.release(line.received);
  else noteArrival(kernel, from, turn, line, 0);
  const { toldReason, graceEndsAt } = turn;
  const graceMs = Math.max(0, (graceEndsAt ?? 0) - kernel.clock.now());
  const cancel = toldReason === undefined ? {} : { cancel: { reason: toldReason, grace_ms: graceMs } };
  return { turn_id, status: 'resumed', after: line.received, released: line.released, ...cancel };
}

/** Whether everything that was taken so far may be relied on. Where that takes no more than a write, it is written. */
function isAllSettled(journal: TurnJournal | undefined): boolean {
  if (!journal) return true;
  let isSettled = false;
  const takeBack = journal.whenSettled(journal.position, () => {
    isSettled = true;
  });
  takeBack();
  return isSettled;
}

/**
 * Whether somebody has a part of what the agent has let go of, and we have lost: of its text nobody could say then what that
 * reader lacks.
 */
function tears({ ahead, seq, isRestored }: Turn, line: AgentLine, keptFrom: number): boolean {
  return isRestored && ahead?.hasWithin(seq, seq + keptFrom - 1 - line.received) === true;
}

/** What of a turn's approvals from before a restart its agent waits for no more: how they ended it may say yet. */
function settleUnlisted(kernel: Kernel, turn: Turn, listed: readonly string[]): void {
  const pending = new Set(listed);
  for (const [id, approval] of [...turn.pendingApprovals]) if (!pending.has(id)) withdrawApproval(kernel, approval);
}

/**
 * An agent's connection is gone, or a newer one has taken its place: its turns end, or wait for it. Those that may wait are left
 * before this returns, since the next connection may name them at once.
 * @param done - it serves none any more
 */
export function leaveTurns(
  kernel: Kernel,
  client: Client,
  code: 'agent_disconnected' | 'agent_replaced',
  mayReturn: boolean,
  done?: () => void,
): void {
  const { serving } = turnsOf(client);
  const leave = (turn: Turn) => {
    if (turn.ref && serving.has(turn)) tell(kernel.ref, turn.ref, { type: 'agent.gone', code, mayReturn });
  };
  const ending: Turn[] = [];
  for (const turn of [...serving]) {
    if (mayReturn && turn.resumes) leave(turn);
    else ending.push(turn);
  }
  inSlices(kernel, 'a turn that its agent has left', ending, leave, done);
}

/** An agent has connected. What waits for one of before ends, now or where this one does not name it in time. */
export function awaitNames(kernel: Kernel, client: Client): void {
  if (!client.resumes) {
    endUnnamed(kernel, client);
    return;
  }
  // It may have connected while turns of before were taken up: only now it can name them.
  stopAwaiting(kernel, client);
  const run = () => endUnnamed(kernel, client);
  naming.of(client).deadline = kernel.deadlines.arm(kernel.limits.agentResumeMs, run);
}

/** The connection is gone: the next one names them. */
export function stopAwaiting(kernel: Kernel, client: Client): void {
  kernel.deadlines.disarm(naming.peek(client)?.deadline);
}

function endUnnamed(kernel: Kernel, client: Client): void {
  stopAwaiting(kernel, client);
  if (client.agentKey === undefined) return;
  endOrphans(kernel, client.agentKey, 'agent_replaced');
  kernel.get(TURNS).elsewhere?.unnamed(client);
}

/**
 * A turn that its agent had here before, went on with elsewhere, and has not named now has ended there: it is not to keep the session
 * from a later one.
 */
function endUnnamedIn(kernel: Kernel, { agentKey }: Client, sessionKey: string, rows: readonly Row[]): void {
  const { sessions, orphans } = kernel.get(TURNS);
  const live = sessions.live(sessionKey);
  if (!live || live.agent.agentKey !== agentKey || !orphans.has(live)) return;
  if (!rows.some(({ turn_id }) => turn_id === live.id)) giveUp(kernel, live, 'agent_replaced');
}

function giveUp(kernel: Kernel, { ref }: Turn, code: 'agent_disconnected' | 'agent_replaced'): void {
  if (ref) tell(kernel.ref, ref, { type: 'agent.gone', code, mayReturn: false });
}

/** Nobody goes on with what waits for this agent. @param isMeant - those that end; by default all */
export function endOrphans(
  kernel: Kernel,
  agentKey: string,
  code: 'agent_disconnected' | 'agent_replaced',
  isMeant: (turn: Turn) => boolean = () => true,
): void {
  const { orphans } = kernel.get(TURNS);
  inSlices(kernel, 'a turn that its agent has left', orphans.of(agentKey).filter(isMeant), (turn) => {
    // It may have been named meanwhile.
    if (orphans.has(turn)) giveUp(kernel, turn, code);
  });
}
