import type { AnyActorRef } from 'xstate';
import type { OutwardEvent } from '../../machines/connection.machine.ts';
import { type CheckedEvent, TERMINAL_KINDS } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { isPlainToken } from '../../protocol/token.ts';
import { chatFrame } from '../connection/encode.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { type SynthesizedTerminal, stamp } from './turn-messages.ts';
import type { Turn } from './turn-record.ts';

/** Counts an agent's event and sends it to whoever hears the turn: its host, and where it has a log, that and observers. */
export function relay(state: Kernel, source: AnyActorRef, turn: Turn, params: CheckedEvent): void {
  turn.lastFrameAt = state.clock.now();
  state.counters.event(params.kind);
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

/** Sends a terminal that the broker makes itself, marked as such. */
export function sendSynthesized(state: Kernel, source: AnyActorRef, turn: Turn, terminal: SynthesizedTerminal): void {
  turn.seq += 1;
  state.counters.event(terminal.kind);
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
