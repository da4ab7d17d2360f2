import { WireError } from '../../protocol/errors.ts';
import { admitBytes } from '../kernel/backlog.ts';
import type { ChildKind } from '../kernel/children.ts';
import type { Ending } from '../kernel/counters.ts';
import { JsonText } from '../kernel/json-text.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { key } from '../kernel/key.ts';
import { tell } from '../kernel/tell.ts';
import { createTurnId } from '../kernel/unique-ids.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { reply } from '../requests/reply.ts';
import { turnsOf, unobserve } from './client-turns.ts';
import type { QueuedChat } from './sessions.ts';
import { turnLogic } from './turn.ts';
import { endChildren } from './turn-children.ts';
import { callAgentParams } from './turn-messages.ts';
import { Turn } from './turn-record.ts';
import { sendSynthesized } from './turn-relay.ts';
import { TURNS } from './turns.ts';

/** What a turn is to the broker's actor. */
export const TURN = key<ChildKind<Turn>>('turn');

/** See {@link TURN}. */
export const turnKind = (state: Kernel): ChildKind<Turn> => ({
  logic: turnLogic(state),
  ended: (turn, final) => {
    buryTurn(state, turn, final as Ending);
    startNext(state, turn.sessionId);
  },
  failed: (turn) => {
    failTurn(state, turn);
    startNext(state, turn.sessionId);
  },
  children: ({ callbacks }) => callbacks.values(),
});

/** What the frame of a request is besides its parameters. */
const FRAME_BYTES = 96;

/**
 * Opens the turn of a chat whose session is free: its actor asks the agent at once, and answers the host.
 * @throws {WireError} `-32011` where the agent is not attached (any more), `-32020` where it is behind, `-32021` where a gate kept it until now and
 *   the broker is stopping meanwhile.
 */
export function openTurn(state: Kernel, { from, id, sessionId, params }: QueuedChat): void {
  if (state.isDraining) throw WireError.draining();
  const agent = state.attached.get(params.agent_id);
  if (!agent) throw WireError.agentNotAttached(params.agent_id);
  const now = state.clock.now();
  const turn = new Turn({
    id: createTurnId(),
    sessionId,
    params,
    host: from,
    agent,
    requestId: id,
    callId: state.nextCallId(),
    createdAt: Date.now(),
    now,
    limits: state.limits,
  });
  // Put together here, once: the host is still to be refused, and nothing of the chat is kept but what is shown.
  const ask = JSON.stringify(callAgentParams(turn, params, from));
  admitBytes(state, agent, Buffer.byteLength(ask) + FRAME_BYTES);
  turn.ask = new JsonText(ask, { session_id: sessionId, turn_id: turn.id, prompt: turn.promptHead });
  state.counters.turns += 1;
  state.get(TURNS).byId.set(turn.id, turn);
  state.get(TURNS).sessions.start(turn);
  turnsOf(from).hosting.add(turn);
  turnsOf(agent).serving.add(turn);
  state.children.start(state.get(TURN), turn.id, turn, { turn });
  state.events.emit({
    kind: 'chat.started',
    agentId: turn.agentId,
    message: `chat ${sessionId} started`,
    payload: { session_id: sessionId, turn_id: turn.id, host_client_id: from.id },
  });
  state.log.debug({ turn: turn.id, session: sessionId, agent: agent.agentId, host: from.id }, 'turn opened');
}

/** Starts what waited for this session. One that cannot start any more is told so, and the next has its turn. */
function startNext(state: Kernel, sessionId: string): void {
  const { sessions } = state.get(TURNS);
  while (!sessions.live(sessionId)) {
    const next = sessions.dequeue(sessionId);
    if (!next) return;
    try {
      openTurn(state, next);
    } catch (error) {
      reply(state, next.from, next.id, { error: toWireError(state, 'agents.chat', error) });
    }
  }
}

/** Forgets a turn that has ended: nothing of it stays. `ending`: the final state that its actor reached. */
function buryTurn(state: Kernel, turn: Turn, ending: Ending): void {
  state.get(TURNS).byId.delete(turn.id);
  state.get(TURNS).sessions.end(turn);
  if (turn.host) turnsOf(turn.host).hosting.delete(turn);
  turnsOf(turn.agent).serving.delete(turn);
  turn.agent.calls.delete(turn.callId);
  state.deadlines.disarm(turn.deadline);
  for (const observer of [...turn.observers]) unobserve(turn, observer);
  if (turn.log) {
    state.get(TURNS).logs.detached.delete(turn, turn.log.key.openerId);
    state.get(TURNS).logs.end(turn.log, ending, state.clock.now());
  }
  state.counters.end(ending);
  state.events.emit({
    kind: 'chat.ended',
    agentId: turn.agentId,
    message: `chat ${turn.sessionId} ended: ${ending}`,
    payload: { session_id: turn.sessionId, turn_id: turn.id, ending },
  });
  state.log.debug({ turn: turn.id, session: turn.sessionId, ending, seq: turn.seq }, 'turn ended');
}

/**
 * Ends a turn whose actor failed, a fault of ours (law 10): both sides are told as far as its own final could not, and
 * no other turn notices.
 */
function failTurn(state: Kernel, turn: Turn): void {
  const step = (run: () => void) => state.attempt('a broken turn', run);
  step(() => endChildren(state, state.ref, turn, 'turn_ended'));
  step(() => {
    if (!turn.isAccepted && turn.host) reply(state, turn.host, turn.requestId, { error: WireError.internal() });
    else if (turn.isAccepted && !turn.isTerminated) {
      sendSynthesized(state, state.ref, turn, { kind: 'error', error: 'internal error', code: 'internal' });
    }
  });
  // After the terminal, which its log and its observers get too.
  step(() => buryTurn(state, turn, turn.isAccepted ? 'failed' : 'refused'));
  step(() => {
    const params = { session_id: turn.sessionId, turn_id: turn.id, reason: 'stale' };
    tell(state.ref, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  });
}
