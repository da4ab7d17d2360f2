import type { AnyActorRef } from 'xstate';
import { WireError } from '../protocol/errors.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { JsonObject } from '../protocol/json.ts';
import type { ChatSubscribeResult, ResumedStatus } from '../protocol/resume.ts';
import type { Approval } from './approval-record.ts';
import type { BrokerState } from './broker-state.ts';
import type { Client } from './client.ts';
import { observe, unobserve } from './observers.ts';
import { reply } from './reply.ts';
import { tell } from './tell.ts';
import { endCallbacks } from './turn-children.ts';
import type { TurnLog } from './turn-log.ts';
import type { Turn } from './turn-record.ts';

/** An `agents.chat.subscribe` that was found to be in order. */
export interface Subscription {
  readonly client: Client;
  readonly id: RpcId | undefined;
  /** The last `seq` that the client has. */
  readonly after: number;
  /** The client has its answer. */
  isAnswered: boolean;
}

/** Makes this client the turn's host. One that there was hears nothing more of it. */
export function takeOver(state: BrokerState, turn: Turn, client: Client): void {
  const { host, log } = turn;
  if (log) unobserve(log, client);
  if (host === client) return;
  // Its tool calls first, while it still is the host: it is told that they are over.
  if (host) {
    endCallbacks(state, turn, 'host_replaced');
    releaseHost(turn);
  }
  turn.host = client;
  client.turns.add(turn);
}

/** From now on the turn has no host. */
export function releaseHost(turn: Turn): void {
  turn.host?.turns.delete(turn);
  turn.host = undefined;
}

/** Has this client watch. Whoever is the host hears everything already, and nothing twice. */
export function watch(turn: Turn, client: Client): void {
  if (turn.log && turn.host !== client) observe(turn.log, client);
}

/** Answers for a live turn. The same step of its actor registers the client: no event falls between the two. */
export function answerLive(
  state: BrokerState,
  source: AnyActorRef,
  turn: Turn,
  subscription: Subscription,
  status: ResumedStatus,
): void {
  if (!turn.log) return;
  const { log } = turn;
  const approvals = [...turn.pendingApprovals].map(([, approval]) => pendingEvent(log, approval));
  answer(state, source, log, subscription, { status, pending_approvals: approvals });
}

/** Answers for a turn that has ended: there is nothing to register for. */
export function answerEnded(state: BrokerState, log: TurnLog, subscription: Subscription): void {
  answer(state, state.ref, log, subscription, { status: log.ending ?? 'failed', pending_approvals: [] });
}

/**
 * The reply, then the events that it promises. Where some are no longer kept, their text stands in the reply, and of
 * what is kept only the terminal follows.
 */
function answer(
  state: BrokerState,
  source: AnyActorRef,
  log: TurnLog,
  subscription: Subscription,
  now: Pick<ChatSubscribeResult, 'status' | 'pending_approvals'>,
): void {
  const { client, id, after } = subscription;
  const { head } = log;
  const recovered = log.reaches(after);
  const text = recovered ? undefined : log.text;
  const result: ChatSubscribeResult = {
    session_id: log.sessionId,
    turn_id: log.turnId,
    agent_id: log.agentId,
    status: now.status,
    head,
    recovered,
    ...(text === undefined ? {} : { text }),
    pending_approvals: now.pending_approvals,
  };
  subscription.isAnswered = true;
  reply(state, client, id, { result });
  const last = log.ending === undefined ? head : head - 1;
  for (let seq = recovered ? after + 1 : last + 1; seq <= head; seq += 1) {
    const event = log.at(seq);
    if (event) tell(source, client.ref, event);
  }
}

/** The event that an approval was asked for with; where the log has dropped it, what its row knows. */
function pendingEvent(log: TurnLog, { spec, subject }: Approval): JsonObject {
  const seq = spec.chat?.seq ?? 0;
  const kept = log.at(seq);
  if (kept?.type === 'chat.frame') return JSON.parse(kept.text).params;
  const { source: _source, ...fields } = subject.details;
  return {
    kind: 'approval_pending',
    action: subject.action,
    ...fields,
    ...subject.hidden,
    agent_id: log.agentId,
    seq,
  };
}

/** @throws {WireError} `-32602` where the client claims to have what there is not. */
export function checkAfter(log: TurnLog, after: number): void {
  if (after <= log.head) return;
  throw WireError.invalidParams([{ path: 'after', message: `is beyond the newest event, ${log.head}` }]);
}
