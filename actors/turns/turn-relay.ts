import type { AnyActorRef } from 'xstate';
import type { OutwardEvent } from '../../machines/connection.machine.ts';
import { type CheckedEvent, TERMINAL_KINDS } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isPlainToken } from '../../protocol/token.ts';
import { chatFrame } from '../connection/encode.ts';
import { bytesBeyond } from '../connection/write.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { type SynthesizedTerminal, stamp } from './turn-messages.ts';
import type { Turn } from './turn-record.ts';

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
    return;
  }
  turn.lastFrameAt = kernel.clock.now();
  kernel.counters.event(params.kind);
  turn.seq += 1;
  if (!isPlainToken(params)) {
    deliver(source, turn, stamp(turn, params));
    return;
  }
  const { log, host } = turn;
  const token = { head: turn.tokenHead, seq: turn.seq, seqFrom: turn.seq, delta: params.delta };
  if (log) {
    log.addToken(params.delta);
    publish(source, turn, { type: 'chat.token', token });
  } else if (host) tell(source, host.ref, { type: 'chat.token', token });
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

/** Sends a terminal that the broker makes itself, marked as such. */
export function sendSynthesized(kernel: Kernel, source: AnyActorRef, turn: Turn, terminal: SynthesizedTerminal): void {
  turn.seq += 1;
  kernel.counters.event(terminal.kind);
  deliver(source, turn, { ...stamp(turn, { session_id: turn.sessionId, ...terminal }), synthesized: true });
  turn.isTerminated = true;
}

/** One stamped event. With a log it is put together here, once for all who read it. */
function deliver(source: AnyActorRef, turn: Turn, params: JsonObject): void {
  const { log, host } = turn;
  if (log) {
    const text = chatFrame(params);
    const delta = params.kind === 'token' ? (params.delta as string) : undefined;
    log.addFrame(text, delta, TERMINAL_KINDS.has(String(params.kind)));
    publish(source, turn, { type: 'chat.frame', text, delta });
  } else if (host) tell(source, host.ref, { type: 'chat.deliver', params });
}

function publish(source: AnyActorRef, { host, observers }: Turn, event: OutwardEvent): void {
  if (host) tell(source, host.ref, event);
  for (const observer of observers) tell(source, observer.ref, event);
}
