import type { AnyActorRef } from 'xstate';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { cancelCallback } from '../tools/callback.ts';
import { turnsOf } from './client-turns.ts';
import { dropWaiting } from './tool-waits.ts';
import type { Turn } from './turn-record.ts';
import { announce, relay } from './turn-relay.ts';

/** The turn's agent has lost its connection. What it has asked for goes on, but for what dies with a connection. */
export function releaseAgent(kernel: Kernel, source: AnyActorRef, turn: Turn): void {
  turnsOf(turn.agent).serving.delete(turn);
  turn.speaker = undefined;
  dropWaiting(turn);
  for (const callback of [...turn.callbacks.values()]) {
    // Its row at the gate is withdrawn with its caller.
    if (callback.approval?.status === 'pending') cancelCallback(kernel, callback, 'agent_disconnected', source);
  }
}

/** It goes on, on this connection. `missed`: text that it let go of before that had arrived, and the number after it. */
export function admitAgent(
  kernel: Kernel,
  source: AnyActorRef,
  turn: Turn,
  client: Client,
  missed: { text: string; before: number } | undefined,
): void {
  // Before its connection is another's: it is kept by the key of the last one.
  turn.agent = client;
  turn.speaker = client;
  turnsOf(client).serving.add(turn);
  turn.lastFrameAt = kernel.clock.now();
  announce(source, turn, { kind: 'agent_back' });
  const { line, log } = turn;
  const lost = missed && line ? missed.before - 1 - line.received : 0;
  line?.restart(missed && missed.before - 1);
  // Its host may have had them: they keep their numbers, and what stands for them is the text alone.
  if (log) log.isBehind = false;
  const isTorn = turn.isRestored && log !== undefined && lost > 0;
  if (isTorn) {
    turn.seq += lost - 1;
    log.foldTo(turn.seq + 1);
  }
  if (missed && (isTorn || missed.text !== '')) {
    const { sessionKey: session_id } = turn;
    relay(kernel, source, turn, { session_id, kind: 'token', delta: missed.text, recovered: true }, missed.text.length);
  }
  if (isTorn) log.foldTo(turn.seq + 1);
}
