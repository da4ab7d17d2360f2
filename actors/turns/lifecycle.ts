import { WireError } from '../../protocol/errors.ts';
import { traceId } from '../../protocol/trace.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Ending } from '../kernel/counters.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { attachedFor } from '../kernel/sight.ts';
import { handedOn, metaOf, withoutBaggage } from '../kernel/telemetry.ts';
import { tell } from '../kernel/tell.ts';
import { createTurnId } from '../kernel/unique-ids.ts';
import { answerAskers } from './askers.ts';
import { turnsOf, unobserve } from './client-turns.ts';
import { turnEvent } from './find-turn.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { QueuedChat } from './sessions.ts';
import { STANDING_GOALS } from './standing-goal.ts';
import { forgetAnswers } from './tool-answers.ts';
import { turnLogic } from './turn.ts';
import { endChildren } from './turn-children.ts';
import { giveTicket, unkept } from './turn-keeping.ts';
import { callAgentParams } from './turn-messages.ts';
import { Turn } from './turn-record.ts';
import { sendSynthesized } from './turn-relay.ts';
import { TURNS } from './turns.ts';

/** What a turn is to the broker's actor. */
export const TURN = key<ChildKind<Turn>>('turn');

/** See {@link TURN}. `isFree`: what is to be done once a turn's session has none. */
export const turnKind = (kernel: Kernel, isFree: (sessionId: string) => void): ChildKind<Turn> => ({
  logic: turnLogic(kernel),
  ended: (turn, final) => {
    buryTurn(kernel, turn, final as Ending);
    isFree(turn.sessionKey);
  },
  failed: (turn) => {
    failTurn(kernel, turn);
    isFree(turn.sessionKey);
  },
  children: ({ callbacks }) => callbacks.values(),
});

/** What the frame of a request is besides its parameters. */
const FRAME_BYTES = 96;

/**
 * Opens the turn of a chat whose session is free: its actor asks the agent at once, and answers the host.
 * @throws {WireError} `-32011` where the agent is not attached (any more), `-32020` where it is behind, or the turn was to be kept
 *   and cannot be, `-32603` where it has to
 *   be audited and cannot be, `-32021` where a gate kept it until now and the broker is stopping meanwhile.
 */
export function openTurn(kernel: Kernel, chat: QueuedChat): void {
  const { from, askers, sessionId, sessionKey, params, opening, accounts, spans } = chat;
  const { journal, logs } = kernel.get(TURNS);
  if (kernel.isDraining) throw WireError.draining();
  kernel.audit.demand();
  const agent = attachedFor(kernel, from, params.agent_id);
  if (!agent) throw WireError.agentNotAttached(params.agent_id);
  const isKept = journal !== undefined && logs.windowOf({ resumeWindowMs: params.resume_window_ms }) > 0;
  // What may have to outlive this process is not promised where nothing can be kept.
  if (isKept && journal.state === 'degraded') throw unkept(journal);
  const now = kernel.clock.now();
  const standingGoal = params.goal ? undefined : kernel.get(STANDING_GOALS)(sessionKey);
  const turn = new Turn({
    id: createTurnId(),
    sessionId,
    sessionKey,
    params,
    host: from,
    accounts,
    agent,
    askers,
    opening,
    detached: logs.detached,
    callId: kernel.nextCallId(),
    createdAt: Date.now(),
    now,
    limits: kernel.limits,
    standingGoal,
    isFollower: kernel.get(TURNS).sessions.wasServedBy(sessionKey, agent),
    isKept,
  });
  const trace = handedOn(spans?.opened(turn), chat.trace);
  turn.trace = withoutBaggage(trace);
  turn.spans = spans;
  // Put together here, once: the host is still to be refused, and nothing of the chat is kept but what is shown.
  const asked = standingGoal ? { ...params, goal: standingGoal.goal } : params;
  const ask = writeJson({ ...callAgentParams(turn, asked, from), ...giveTicket(kernel, turn), ...metaOf(trace) });
  admitBytes(kernel, agent, Buffer.byteLength(ask) + FRAME_BYTES);
  turn.ask = new JsonText(ask, { session_id: sessionKey, turn_id: turn.id, prompt: turn.promptHead });
  kernel.counters.turns += 1;
  kernel.tenants.turnOpened(turn.owner.tenant);
  if (turn.front) kernel.counters.openedBy(turn.front);
  kernel.get(TURNS).byId.set(turn.id, turn);
  kernel.get(TURNS).sessions.start(turn);
  turnsOf(from).hosting.add(turn);
  turnsOf(agent).serving.add(turn);
  const noted = { session: sessionId, agent: turn.agentId, agent_conn: agent.id };
  kernel.audit.by(from, 'turn.open', 'ok', turn.id, noted, traceId(trace));
  kernel.children.start(kernel.get(TURN), turn.id, turn, { turn });
  kernel.events.emit({
    tenant: turn.owner.tenant,
    kind: 'chat.started',
    agentId: turn.agentId,
    ...turnEvent(turn, (session) => ({
      message: `chat ${session} started`,
      payload: {
        session_id: session,
        turn_id: turn.id,
        host_client_id: from.origin,
        ...(turn.front && { front: turn.front }),
      },
    })),
  });
  kernel.log.debug(
    { turn: turn.id, session: sessionId, tenant: from.tenant, agent: agent.agentId, host: from.id },
    'turn opened',
  );
}

/** Forgets a turn that has ended: nothing of it stays. `ending`: the final state that its actor reached. */
function buryTurn(kernel: Kernel, turn: Turn, ending: Ending): void {
  kernel.get(TURNS).byId.delete(turn.id);
  kernel.get(TURNS).sessions.end(turn);
  if (turn.host) turnsOf(turn.host).hosting.delete(turn);
  turnsOf(turn.agent).serving.delete(turn);
  turn.agent.calls.delete(turn.callId);
  kernel.deadlines.disarm(turn.deadline);
  kernel.deadlines.disarm(turn.agentDeadline);
  kernel.get(TURNS).orphans.delete(turn);
  forgetAnswers(turn);
  for (const observer of [...turn.observers]) unobserve(turn, observer);
  kernel.get(TURNS).logs.detached.delete(turn, turn.openerId);
  const { logs, ended } = kernel.get(TURNS);
  const isMoved = ending === 'moved';
  if (turn.log && !isMoved) {
    logs.end(turn.log, ending, kernel.clock.now());
    ended?.writes.keep(turn, turn.log);
  } else if (turn.log ?? turn.opened) logs.discard((turn.log ?? turn.opened?.log) as TurnLog);
  if (!isMoved) turn.standingGoal?.ended();
  kernel.counters.end(ending);
  turn.spans?.ended(ending);
  const noted = { session: turn.sessionId, agent: turn.agentId };
  kernel.audit.of(turn.owner, 'turn.end', ending, turn.id, noted, traceId(turn.trace));
  if (isMoved) return;
  kernel.events.emit({
    tenant: turn.owner.tenant,
    kind: 'chat.ended',
    agentId: turn.agentId,
    ...turnEvent(turn, (session) => ({
      message: `chat ${session} ended: ${ending}`,
      payload: { session_id: session, turn_id: turn.id, ending },
    })),
  });
  kernel.log.debug({ turn: turn.id, session: turn.sessionId, ending, seq: turn.seq }, 'turn ended');
}

/**
 * Ends a turn whose actor failed, a fault of ours (law 10): both sides are told as far as its own final could not, and
 * no other turn notices.
 */
function failTurn(kernel: Kernel, turn: Turn): void {
  const step = (run: () => void) => kernel.attempt('a broken turn', run);
  step(() => endChildren(kernel, kernel.ref, turn, 'turn_ended'));
  step(() => {
    if (!turn.isAccepted) answerAskers(kernel, turn.askers, () => ({ error: WireError.internal() }));
    else if (!turn.isTerminated) {
      sendSynthesized(kernel, kernel.ref, turn, { kind: 'error', error: 'internal error', code: 'internal' });
    }
  });
  // After the terminal, which its log and its observers get too.
  step(() => buryTurn(kernel, turn, turn.isAccepted ? 'failed' : 'refused'));
  step(() => {
    if (!turn.speaker) return;
    const params = { session_id: turn.sessionKey, turn_id: turn.id, reason: 'stale', ...metaOf(turn.trace) };
    tell(kernel.ref, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  });
}
