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
export const turnKind = (kernel: Kernel): ChildKind<Turn> => ({
  logic: turnLogic(kernel),
  ended: (turn, final) => {
    buryTurn(kernel, turn, final as Ending);
    startNext(kernel, turn.sessionId);
  },
  failed: (turn) => {
    failTurn(kernel, turn);
    startNext(kernel, turn.sessionId);
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
export function openTurn(kernel: Kernel, { from, id, sessionId, params }: QueuedChat): void {
  if (kernel.isDraining) throw WireError.draining();
  const agent = kernel.attached.get(params.agent_id);
  if (!agent) throw WireError.agentNotAttached(params.agent_id);
  const now = kernel.clock.now();
  const turn = new Turn({
    id: createTurnId(),
    sessionId,
    params,
    host: from,
    agent,
    requestId: id,
    callId: kernel.nextCallId(),
    createdAt: Date.now(),
    now,
    limits: kernel.limits,
  });
  // Put together here, once: the host is still to be refused, and nothing of the chat is kept but what is shown.
  const ask = JSON.stringify(callAgentParams(turn, params, from));
  admitBytes(kernel, agent, Buffer.byteLength(ask) + FRAME_BYTES);
  turn.ask = new JsonText(ask, { session_id: sessionId, turn_id: turn.id, prompt: turn.promptHead });
  kernel.counters.turns += 1;
  kernel.get(TURNS).byId.set(turn.id, turn);
  kernel.get(TURNS).sessions.start(turn);
  turnsOf(from).hosting.add(turn);
  turnsOf(agent).serving.add(turn);
  kernel.children.start(kernel.get(TURN), turn.id, turn, { turn });
  kernel.events.emit({
    kind: 'chat.started',
    agentId: turn.agentId,
    message: `chat ${sessionId} started`,
    payload: { session_id: sessionId, turn_id: turn.id, host_client_id: from.id },
  });
  kernel.log.debug({ turn: turn.id, session: sessionId, agent: agent.agentId, host: from.id }, 'turn opened');
}

/** Starts what waited for this session. One that cannot start any more is told so, and the next has its turn. */
function startNext(kernel: Kernel, sessionId: string): void {
  const { sessions } = kernel.get(TURNS);
  while (!sessions.live(sessionId)) {
    const next = sessions.dequeue(sessionId);
    if (!next) return;
    try {
      openTurn(kernel, next);
    } catch (error) {
      reply(kernel, next.from, next.id, { error: toWireError(kernel, 'agents.chat', error) });
    }
  }
}

/** Forgets a turn that has ended: nothing of it stays. `ending`: the final state that its actor reached. */
function buryTurn(kernel: Kernel, turn: Turn, ending: Ending): void {
  kernel.get(TURNS).byId.delete(turn.id);
  kernel.get(TURNS).sessions.end(turn);
  if (turn.host) turnsOf(turn.host).hosting.delete(turn);
  turnsOf(turn.agent).serving.delete(turn);
  turn.agent.calls.delete(turn.callId);
  kernel.deadlines.disarm(turn.deadline);
  for (const observer of [...turn.observers]) unobserve(turn, observer);
  if (turn.log) {
    kernel.get(TURNS).logs.detached.delete(turn, turn.log.key.openerId);
    kernel.get(TURNS).logs.end(turn.log, ending, kernel.clock.now());
  }
  kernel.counters.end(ending);
  kernel.events.emit({
    kind: 'chat.ended',
    agentId: turn.agentId,
    message: `chat ${turn.sessionId} ended: ${ending}`,
    payload: { session_id: turn.sessionId, turn_id: turn.id, ending },
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
    if (!turn.isAccepted && turn.host) reply(kernel, turn.host, turn.requestId, { error: WireError.internal() });
    else if (turn.isAccepted && !turn.isTerminated) {
      sendSynthesized(kernel, kernel.ref, turn, { kind: 'error', error: 'internal error', code: 'internal' });
    }
  });
  // After the terminal, which its log and its observers get too.
  step(() => buryTurn(kernel, turn, turn.isAccepted ? 'failed' : 'refused'));
  step(() => {
    const params = { session_id: turn.sessionId, turn_id: turn.id, reason: 'stale' };
    tell(kernel.ref, turn.agent.ref, { type: 'rpc.notify', method: 'agent.chat.cancel', params });
  });
}
