import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import { agentKey } from '../../protocol/principal.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { attachedFor, mayUse, sees } from '../kernel/sight.ts';
import { tell } from '../kernel/tell.ts';
import { createTurnId } from '../kernel/unique-ids.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { reply } from '../requests/reply.ts';
import { answerAskers } from './askers.ts';
import { openTurn } from './lifecycle.ts';
import type { QueuedChat } from './sessions.ts';
import { TURNS } from './turns.ts';

/** Whether an agent is there for this client, or may be back in a moment. */
export function isThere(kernel: Kernel, from: Client, agentId: string): boolean {
  if (attachedFor(kernel, from, agentId)) return true;
  if (kernel.isDraining || !mayUse(from, agentId)) return false;
  return kernel.get(TURNS).waits.isExpected(agentKey(from.tenant, agentId), kernel.clock.now());
}

/** The chat that a client means by a session's id which waits for its agent, and exists for it: see `liveTurn`. */
export function waitingChat(kernel: Kernel, from: Client, sessionId: string): QueuedChat | undefined {
  const { sessions } = kernel.get(TURNS);
  const own = sessions.next(agentSessionId(from.principal, sessionId));
  if (own) return own;
  const other = sessions.next(sessionId);
  return other && sees(from, other.from.principal, other.params.agent_id) ? other : undefined;
}

/** Starts what waits in this session. One that cannot start (any more) is told so, and the next has its turn. */
export function startNext(kernel: Kernel, sessionKey: string): void {
  const { sessions } = kernel.get(TURNS);
  while (!sessions.live(sessionKey)) {
    const next = sessions.next(sessionKey);
    if (!next) releaseIfFree(kernel, sessionKey);
    if (!next || isPassedOn(kernel, next) || waitsForAgent(kernel, next)) return;
    sessions.remove(next);
    try {
      openTurn(kernel, next);
    } catch (error) {
      const refusal = toWireError(kernel, 'agents.chat', error);
      next.spans?.refused(refusal);
      answerAskers(kernel, next.askers, () => ({ error: refusal }));
    }
  }
}

/** Whether the first of its session has to wait for its agent, which has gone a moment ago. Then it does, once. */
function waitsForAgent(kernel: Kernel, chat: QueuedChat): boolean {
  const { waits } = kernel.get(TURNS);
  const { agent_id: agentId } = chat.params;
  if (attachedFor(kernel, chat.from, agentId)) return false;
  if (waits.isWaiting(chat)) return true;
  if (!isThere(kernel, chat.from, agentId)) return false;
  const stop = waits.add(chat);
  const deadline = kernel.deadlines.arm(kernel.limits.agentWaitMs, () => giveUp(kernel, chat));
  const { release } = chat;
  chat.release = () => {
    release?.();
    stop();
    kernel.deadlines.disarm(deadline);
  };
  return true;
}

/** Its agent did not come back, or another chat takes its place: it is refused, and the next has its turn. */
function giveUp(kernel: Kernel, chat: QueuedChat): void {
  refuse(kernel, chat);
  startNext(kernel, chat.sessionKey);
}

function refuse(kernel: Kernel, chat: QueuedChat): void {
  kernel.get(TURNS).sessions.remove(chat);
  const error = WireError.agentNotAttached(chat.params.agent_id);
  chat.spans?.refused(error);
  answerAskers(kernel, chat.askers, () => ({ error }));
}

/** An agent is there, here or at another broker: what waits for it starts, or is asked for there, in order. */
export function startWaiting(kernel: Kernel, agent: string): void {
  for (const { sessionKey } of kernel.get(TURNS).waits.settle(agent)) startNext(kernel, sessionKey);
}

/** Lets go of a session in which nothing is left, nor found by its host's token: another broker may have it. */
export function releaseIfFree(kernel: Kernel, sessionKey: string): void {
  const { sessions, claims, logs } = kernel.get(TURNS);
  if (!claims || sessions.live(sessionKey) || sessions.next(sessionKey)) return;
  if (claims.elsewhere.has(sessionKey) || logs.openedIn(sessionKey, kernel.clock.now()).length > 0) return;
  claims.release(sessionKey);
}

/** At which other broker a chat's agent is attached, where it is not here and exists for whoever asks. */
export function brokerFor(kernel: Kernel, { from, params }: Pick<QueuedChat, 'from' | 'params'>): string | undefined {
  const { agent_id: agentId } = params;
  if (!mayUse(from, agentId) || attachedFor(kernel, from, agentId)) return undefined;
  return kernel.get(TURNS).chatsElsewhere?.brokerOf(agentKey(from.tenant, agentId));
}

/**
 * Where the agent of the next chat is attached to another broker: all that waits in this session goes there, in order, and so
 * does the session.
 */
function isPassedOn(kernel: Kernel, next: QueuedChat): boolean {
  const broker = brokerFor(kernel, next);
  const { sessions, chatsElsewhere } = kernel.get(TURNS);
  if (broker === undefined || !chatsElsewhere) return false;
  const chats = [...sessions.waiting(next.sessionKey)];
  for (const chat of chats) {
    sessions.remove(chat);
    chat.spans?.ended('dropped');
  }
  releaseIfFree(kernel, next.sessionKey);
  for (const chat of chats) chatsElsewhere.passOn(chat, broker);
  return true;
}

/** An agent was removed: nobody waits for it any more. */
export function agentIsRemoved(kernel: Kernel, agent: string): void {
  for (const chat of kernel.get(TURNS).waits.removed(agent, kernel.attached.get(agent))) giveUp(kernel, chat);
}

/** Puts a chat in the place of one that waits for its agent and has no turn yet. That one is refused. */
export function replaceWaiting(kernel: Kernel, old: QueuedChat, chat: QueuedChat): void {
  refuse(kernel, old);
  kernel.get(TURNS).sessions.enqueue(chat, 'front');
  startNext(kernel, chat.sessionKey);
}

/**
 * Cancels a chat that waits for its agent. As before an ack, its host is told that it was accepted, and then its end; the
 * agent never hears of it.
 */
export function cancelWaiting(kernel: Kernel, chat: QueuedChat, confirm: { to: Client; id: RpcId | undefined }): void {
  kernel.get(TURNS).sessions.remove(chat);
  chat.spans?.ended('cancelled');
  const turn = { session_id: chat.sessionId, turn_id: createTurnId() };
  answerAskers(kernel, chat.askers, () => ({ result: { accepted: true, ...turn } }));
  reply(kernel, confirm.to, confirm.id, { result: { cancelled: true, session_id: chat.sessionId } });
  const stamp = { ...turn, agent_id: chat.params.agent_id, seq: 1, synthesized: true };
  kernel.counters.event('done');
  tell(kernel.ref, chat.from.ref, {
    type: 'chat.deliver',
    params: { ...stamp, kind: 'done', finish_reason: 'cancelled' },
  });
  startNext(kernel, chat.sessionKey);
}
