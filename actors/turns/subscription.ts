import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isGuest } from '../../protocol/link.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import {
  type ChatResult,
  type ChatSubscribeResult,
  type EndedStatus,
  isEnded,
  type ResumedStatus,
} from '../../protocol/resume.ts';
import type { Sealed } from '../../protocol/sealed.ts';
import { type TraceContext, traceId } from '../../protocol/trace.ts';
import type { Approval } from '../approvals/approval-record.ts';
import { gatePending } from '../approvals/gated-turn.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { reply } from '../requests/reply.ts';
import { Ahead } from './ahead.ts';
import type { Asker } from './askers.ts';
import { observe, turnsOf, unobserve } from './client-turns.ts';
import { RELIEVED } from './left-readers.ts';
import { admitReplay, type Replay, replayFrom } from './resume/replay.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { endCallbacks } from './turn-children.ts';
import type { Turn } from './turn-record.ts';
import { announceTo } from './turn-relay.ts';

/** What a pending approval's event is besides its details, where it is put together from its row. */
const APPROVAL_BYTES = 4096;

/**
 * The claim by which a broker of a cluster goes on reading for the connection that has opened a turn: nobody has taken it over.
 * Whoever else sends it has given no claim.
 */
export const SAME_HOST = '\u0000the same host';

/** An `agents.chat.subscribe` that was found to be in order. */
export interface Subscription {
  readonly client: Client;
  readonly id: RpcId | undefined;
  /** The last `seq` that the client has. */
  readonly after: number;
  /** What a controller calls itself, if it does. */
  readonly claim: string | undefined;
  /** What it belongs to. */
  readonly trace: TraceContext | undefined;
  /** It is an `agents.chat` that was sent again: what its answer has as a secret. */
  readonly opens?: Sealed<{ resume_token: string | undefined }>;
  /** The client has its answer. */
  isAnswered: boolean;
}

/** Makes this client the turn's host. One that there was hears nothing more of it. */
export function takeOver(kernel: Kernel, source: AnyActorRef, turn: Turn, subscription: Subscription): void {
  const { client, claim, opens } = subscription;
  const { host, log } = turn;
  // Whoever opens it again is whoever has opened it.
  if (opens) log?.key.takenBack();
  else if (claim !== SAME_HOST) log?.key.takenBy(claim);
  log?.kept?.note('claim', log.key.claim);
  unobserve(turn, client);
  turn.ahead?.delete(client);
  turn.awaitsHost = false;
  if (host === client) return;
  // Its tool calls first, while it still is the host: it is told that they are over.
  if (host) {
    endCallbacks(kernel, source, turn, 'host_replaced');
    releaseHost(turn);
    // Its own broker would go on looking for it.
    if (isGuest(host.link))
      tell(source, host.ref, { type: 'rpc.notify', method: RELIEVED, params: { turn_id: turn.id } });
  }
  turn.host = client;
  turnsOf(client).hosting.add(turn);
}

/** From now on the turn has no host. */
export function releaseHost(turn: Turn): void {
  if (turn.host) {
    turnsOf(turn.host).hosting.delete(turn);
    turn.ahead?.delete(turn.host);
  }
  turn.host = undefined;
}

/** Has this client watch. Whoever is the host hears everything already, and nothing twice. */
export function watch(turn: Turn, client: Client): void {
  if (turn.log && turn.host !== client) observe(turn, client);
}

/** How a chat is answered whose agent has just accepted it. */
export function acceptance({ epoch }: Kernel, { sessionId, id, agentId }: Turn, { isRepeated }: Asker): ChatResult {
  const result = { accepted: true as const, session_id: sessionId, turn_id: id };
  if (!isRepeated) return result;
  const where = { agent_id: agentId, epoch, status: 'streaming' as const, head: 0 };
  const now = { ...where, recovered: true, pending_approvals: [] };
  return { ...result, resumed: true, ...now };
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
  // Whoever only watches hears nothing of them: it is the host who is asked.
  const isHost = turn.host === subscription.client;
  const gates = isHost ? [...turn.gates].map((approval) => ({ ...gatePending(turn, approval) })) : [];
  answer(kernel, source, log, subscription, { status, pending_approvals: [...approvals, ...gates] });
  const { client, after } = subscription;
  if (after > log.head) {
    turn.ahead ??= new Ahead();
    turn.ahead.add(client, after);
    if (isHost) turn.claimed = Math.max(turn.claimed, after);
  } else turn.ahead?.delete(client);
  if (turn.speaker || !turn.agentDeadline) return;
  // When it went this reader was not there.
  const windowMs = Math.max(0, Math.round(turn.agentDeadline.at - kernel.clock.now()));
  announceTo(source, client, turn, { kind: 'agent_away', window_ms: windowMs });
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
  for (const { bytes } of turn?.gates ?? []) otherBytes += APPROVAL_BYTES + bytes;
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
  const { client, id, after, opens } = subscription;
  const late = isEnded(now.status) ? lateTerminal(log, after) : undefined;
  const head = late ? after + 1 : log.head;
  const { first, hasText } = replayOf(log, after, isEnded(now.status));
  const text = hasText ? log.text : undefined;
  const result: ChatSubscribeResult & Partial<ChatResult> = {
    ...(opens ? { accepted: true, resumed: true } : {}),
    session_id: log.sessionId,
    turn_id: log.turnId,
    agent_id: log.agentId,
    status: now.status,
    head,
    epoch: kernel.epoch,
    recovered: !hasText,
    ...(text === undefined ? {} : { text }),
    pending_approvals: now.pending_approvals,
  };
  subscription.isAnswered = true;
  const noted = { session: log.sessionId, agent: log.agentId, status: now.status, after };
  kernel.audit.by(client, 'turn.resume', 'ok', log.turnId, noted, traceId(subscription.trace));
  reply(kernel, client, id, opens ? { result, sealed: opens } : { result }, source);
  if (late) tell(source, client.ref, { type: 'chat.deliver', params: late });
  else for (const event of replayFrom(log, first)) tell(source, client.ref, event);
}

/**
 * The terminal that the broker has made of a turn from before a restart, for a host that had events which were lost: the next of
 * what it has. Undefined where there is none, or the host lacks what is there.
 */
export function lateTerminal(log: TurnLog, after: number): JsonObject | undefined {
  if (!log.isBehind || after < log.head || log.terminal === undefined) return undefined;
  const { params } = parseJson(log.terminal) as { params: JsonObject };
  return params.synthesized === true ? { ...params, seq: after + 1, truncated: true } : undefined;
}

/** The event that an approval was asked for with; where the log has dropped it, what its row knows. */
function pendingEvent(log: TurnLog, { spec, subject }: Approval): JsonObject {
  const seq = spec.chat?.seq ?? 0;
  const kept = log.at(seq);
  if (kept?.type === 'chat.frame') return (parseJson(kept.text) as { params: JsonObject }).params;
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

/**
 * A host may have had more than came here where the turn's agent will send that again.
 * @param mayFollow - whether it may
 * @throws {WireError} `-32602` where the client claims to have what there is not, and will not be
 */
export function checkAfter(log: TurnLog, after: number, mayFollow: boolean): void {
  if (after <= log.head || mayFollow) return;
  throw WireError.invalidParams([{ path: 'after', message: `is beyond the newest event, ${log.head}` }]);
}
