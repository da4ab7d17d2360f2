import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { type ChatSubscribeResult, type EndedStatus, isEnded, type ResumedStatus } from '../../protocol/resume.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { reply } from '../requests/reply.ts';
import { observe, turnsOf, unobserve } from './client-turns.ts';
import { admitReplay, type Replay, replayFrom } from './resume/replay.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { endCallbacks } from './turn-children.ts';
import type { Turn } from './turn-record.ts';

/** What a pending approval's event is besides its details, where it is put together from its row. */
const APPROVAL_BYTES = 4096;

/** An `agents.chat.subscribe` that was found to be in order. */
export interface Subscription {
  readonly client: Client;
  readonly id: RpcId | undefined;
  /** The last `seq` that the client has. */
  readonly after: number;
  /** What a controller calls itself, if it does. */
  readonly claim: string | undefined;
  /** The client has its answer. */
  isAnswered: boolean;
}

/** Makes this client the turn's host. One that there was hears nothing more of it. */
export function takeOver(kernel: Kernel, source: AnyActorRef, turn: Turn, { client, claim }: Subscription): void {
  const { host, log } = turn;
  log?.key.takenBy(claim);
  unobserve(turn, client);
  if (host === client) return;
  // Its tool calls first, while it still is the host: it is told that they are over.
  if (host) {
    endCallbacks(kernel, source, turn, 'host_replaced');
    releaseHost(turn);
  }
  turn.host = client;
  turnsOf(client).hosting.add(turn);
}

/** From now on the turn has no host. */
export function releaseHost(turn: Turn): void {
  if (turn.host) turnsOf(turn.host).hosting.delete(turn);
  turn.host = undefined;
}

/** Has this client watch. Whoever is the host hears everything already, and nothing twice. */
export function watch(turn: Turn, client: Client): void {
  if (turn.log && turn.host !== client) observe(turn, client);
}

/** Answers for a live turn. The same step of its actor registers the client: no event falls between the two. */
export function answerLive(
  kernel: Kernel,
  source: AnyActorRef,
  turn: Turn,
  subscription: Subscription,
  status: ResumedStatus,
): void {
  if (!turn.log) return;
  const { log } = turn;
  const approvals = [...turn.pendingApprovals].map(([, approval]) => pendingEvent(log, approval));
  answer(kernel, source, log, subscription, { status, pending_approvals: approvals });
}

/** Answers for a turn that has ended: there is nothing to register for. */
export function answerEnded(kernel: Kernel, log: TurnLog, subscription: Subscription, status: EndedStatus): void {
  answer(kernel, kernel.ref, log, subscription, { status, pending_approvals: [] });
}

/** @throws {WireError} `-32020` where what it is to be answered with would be too much; then nothing has changed */
export function admitSubscription(
  kernel: Kernel,
  log: TurnLog,
  { client, after }: Subscription,
  turn: Turn | undefined,
): void {
  let otherBytes = 0;
  for (const [, { spec, bytes }] of turn?.pendingApprovals ?? []) {
    const kept = log.at(spec.chat?.seq ?? 0);
    otherBytes += kept?.type === 'chat.frame' ? Buffer.byteLength(kept.text) : APPROVAL_BYTES + bytes;
  }
  admitReplay(kernel, client, log, { ...replayOf(log, after, turn === undefined), otherBytes });
}

/** Where events are gone their text stands for all of them, but for the terminal of a turn that has ended. */
function replayOf(log: TurnLog, after: number, hasEnded: boolean): Pick<Replay, 'first' | 'hasText'> {
  if (log.reaches(after)) return { first: after + 1, hasText: false };
  return { first: hasEnded ? log.head : log.head + 1, hasText: true };
}

/**
 * The reply, then the events that it promises. Where some are no longer kept, their text stands in the reply, and of
 * what is kept only the terminal follows.
 */
function answer(
  kernel: Kernel,
  source: AnyActorRef,
  log: TurnLog,
  subscription: Subscription,
  now: Pick<ChatSubscribeResult, 'status' | 'pending_approvals'>,
): void {
  const { client, id, after } = subscription;
  const { head } = log;
  const { first, hasText } = replayOf(log, after, isEnded(now.status));
  const text = hasText ? log.text : undefined;
  const result: ChatSubscribeResult = {
    session_id: log.sessionId,
    turn_id: log.turnId,
    agent_id: log.agentId,
    status: now.status,
    head,
    recovered: !hasText,
    ...(text === undefined ? {} : { text }),
    pending_approvals: now.pending_approvals,
  };
  subscription.isAnswered = true;
  reply(kernel, client, id, { result }, source);
  for (const event of replayFrom(log, first)) tell(source, client.ref, event);
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
