import type { AnyActorRef } from 'xstate';
import type { OutwardEvent } from '../../machines/connection.machine.ts';
import { type CheckedEvent, TERMINAL_KINDS } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isPlainToken } from '../../protocol/token.ts';
import { chatFrame } from '../connection/encode.ts';
import { bytesBeyond } from '../connection/write.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Ahead } from './ahead.ts';
import { type SynthesizedTerminal, stamp } from './turn-messages.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** A frame may grow so many times where it is written again: `1e20` does. */
const MOST_GROWTH = 5;
/** And by so much, where it is stamped. */
const STAMP_BYTES = 1_024;

/**
 * Counts an agent's event and sends it to whoever hears the turn: its host, and where it has a log, that and observers.
 * One that would be too large for them with the broker's stamp on it is dropped; a terminal is replaced.
 * @param bytes - how large it came, at most
 */
export function relay(kernel: Kernel, source: AnyActorRef, turn: Turn, params: CheckedEvent, bytes: number): void {
  const { maxMessageBytes } = kernel.limits;
  if (bytes * MOST_GROWTH + STAMP_BYTES > maxMessageBytes && isTooLarge(turn, params, maxMessageBytes)) {
    kernel.counters.drop('too_large');
    const { sessionId, agentId } = turn;
    kernel.log.warn(
      { session: sessionId, agent: agentId, kind: params.kind.slice(0, 128) },
      'dropped an event too large for its host',
    );
    turn.lastFrameAt = kernel.clock.now();
    if (TERMINAL_KINDS.has(params.kind)) sendSynthesized(kernel, source, turn, TOO_LARGE);
    // An agent that numbers its events has let go of it: nobody could say that it is missing.
    else if (turn.line && turn.ref) tell(source, turn.ref, { type: 'event.lost' });
    return;
  }
  turn.lastFrameAt = kernel.clock.now();
  if (turn.deltaAccounts) for (const account of turn.deltaAccounts) account.spend('deltas', turn.lastFrameAt, 1);
  kernel.counters.event(params.kind);
  turn.seq += 1;
  if (params.kind === 'token') {
    if (turn.line) turn.line.textLength += (params.delta as string).length;
    turn.tape?.token(params.delta as string, turn.lastFrameAt);
  }
  if (!isPlainToken(params)) {
    // Before the stamp, which takes it away.
    const aseq = aseqOf(turn, params);
    deliver(source, turn, stamp(turn, params), aseq);
    return;
  }
  const { log, host } = turn;
  const token = { head: turn.tokenHead, seq: turn.seq, seqFrom: turn.seq, delta: params.delta };
  if (log) {
    log.addToken(params.delta, aseqOf(turn, params));
    publish(source, turn, { type: 'chat.token', token });
  } else if (host) tell(source, host.ref, { type: 'chat.token', token });
}

/** The same of a broker that tells of spans: it counts for them what passes. */
export function relayTraced(
  kernel: Kernel,
  source: AnyActorRef,
  turn: Turn,
  params: CheckedEvent,
  bytes: number,
): void {
  const { spans } = turn;
  if (spans?.isRecording) spans.passed(params, bytes);
  relay(kernel, source, turn, params, bytes);
}

const TOO_LARGE: SynthesizedTerminal = {
  kind: 'error',
  error: "the agent's last event was too large to be passed on",
  code: 'too_large',
};

/** Measured without the stamp: that is short, and the event must not be stamped yet. */
function isTooLarge(turn: Turn, params: CheckedEvent, most: number): boolean {
  return bytesBeyond(chatFrame(params), most - STAMP_BYTES - turn.tokenHead.length);
}

/** Sends a terminal that the broker makes itself, marked as such. After whatever its host has had, and we have not. */
export function sendSynthesized(kernel: Kernel, source: AnyActorRef, turn: Turn, said: SynthesizedTerminal): void {
  const isTruncated = turn.claimed > turn.seq;
  turn.seq = Math.max(turn.seq, turn.claimed) + 1;
  kernel.counters.event(said.kind);
  turn.tape?.synthesized(said);
  const params = stamp(turn, { session_id: turn.sessionId, ...said });
  const terminal = { ...params, synthesized: true, ...(isTruncated ? { truncated: true } : {}) };
  const { journalWaits } = kernel.get(TURNS);
  const kept = turn.log?.kept;
  // Nobody makes it a second time: it is not told before it is certain to be known.
  const waitsForDisk = kept !== undefined && kept.journal.level === 'disk';
  const later = waitsForDisk ? (run: () => void) => journalWaits?.run(kept.position, run) : undefined;
  deliver(later ? kernel.ref : source, turn, terminal, turn.line?.received ?? 0, later);
  turn.isTerminated = true;
}

/** The number that the agent gave an event; 0 where it gives none. A terminal may have none, and is the next. */
function aseqOf({ line }: Turn, { aseq }: JsonObject): number {
  if (!line) return 0;
  return typeof aseq === 'number' ? aseq : line.received;
}

/**
 * One stamped event. With a log it is put together here, once for all who read it.
 * @param later - of a terminal: when it may be sent, where that is not now
 */
function deliver(
  source: AnyActorRef,
  turn: Turn,
  params: JsonObject,
  aseq: number,
  later?: (run: () => void) => void,
): void {
  turn.standingGoal?.heard(params);
  const { log, host } = turn;
  if (log) {
    const text = chatFrame(params);
    const delta = params.kind === 'token' ? (params.delta as string) : undefined;
    const isTerminal = TERMINAL_KINDS.has(String(params.kind));
    log.addFrame(text, delta, aseq, isTerminal ? turn.seq : undefined);
    const frame = { type: 'chat.frame', text, delta } as const;
    if (isTerminal && (later || turn.ahead)) publishEnd(source, turn, params, frame, later);
    else publish(source, turn, frame);
  } else if (host) tell(source, host.ref, { type: 'chat.deliver', params });
}

/** What the broker has to say of a turn beside its events: it is neither counted nor logged. */
export function announce(
  source: AnyActorRef,
  turn: Turn,
  fields: { kind: 'agent_away' | 'agent_back'; window_ms?: number },
): void {
  if (!turn.isAccepted || turn.isTerminated) return;
  for (const reader of readersOf(turn)) announceTo(source, reader, turn, fields);
}

/** The same to one of its readers. */
export function announceTo(
  source: AnyActorRef,
  reader: Client,
  { sessionId, id, agentId }: Pick<Turn, 'sessionId' | 'id' | 'agentId'>,
  fields: Parameters<typeof announce>[2],
): void {
  const params = { session_id: sessionId, turn_id: id, agent_id: agentId, ...fields, synthesized: true };
  tell(source, reader.ref, { type: 'chat.deliver', params });
}

/** Sends an event of the turn's, its newest, to whoever hears it. */
function publish(source: AnyActorRef, turn: Turn, event: OutwardEvent): void {
  const { host, observers, ahead } = turn;
  if (ahead) {
    publishTo(ahead, source, turn, event);
    return;
  }
  if (host) tell(source, host.ref, event);
  for (const observer of observers) tell(source, observer.ref, event);
}

/** The same where somebody has it already. */
function publishTo(ahead: Ahead, source: AnyActorRef, turn: Turn, event: OutwardEvent): void {
  for (const reader of readersOf(turn)) if (ahead.lacks(reader, turn.seq)) tell(source, reader.ref, event);
  if (ahead.isEmpty) turn.ahead = undefined;
}

/** A terminal, to each as the next of what it has: whoever claims to have that `seq` has not had this. */
function publishEnd(
  source: AnyActorRef,
  turn: Turn,
  params: JsonObject,
  frame: OutwardEvent,
  later: (run: () => void) => void = (run) => run(),
): void {
  const due = readersOf(turn).map((reader) => {
    const after = turn.ahead?.of(reader) ?? 0;
    const next = { ...params, seq: after + 1, truncated: true };
    return { reader, event: after < turn.seq ? frame : ({ type: 'chat.deliver', params: next } as const) };
  });
  later(() => {
    for (const { reader, event } of due) if (reader.isOpen) tell(source, reader.ref, event);
  });
}

const readersOf = ({ host, observers }: Turn): Client[] => (host ? [host, ...observers] : [...observers]);
