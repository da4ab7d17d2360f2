import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { ParamsOf } from '../../protocol/methods.ts';
import type { ToolCancelReason } from '../../protocol/tools.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import type { Call } from '../requests/dispatcher.ts';
import { reply } from '../requests/reply.ts';
import { toolsOf } from '../tools/client-tools.ts';
import type { Turn } from './turn-record.ts';

/** A tool call, as a rule one that was asked for again, while its turn had no host: it is asked when there is one. */
export interface WaitingCall {
  /** Its own connection is gone, or it is waited for no longer: nobody is answered. */
  drop(): void;
  /** There will be no host. `source`: who says so. */
  refuse(error: WireError, source: AnyActorRef): void;
  /** There is one. */
  ask(source: AnyActorRef): void;
}

/**
 * Whether a call waits for its turn's host to come back: one of an agent that asks again, after its own connection was lost, or
 * its host's, or the broker itself. What its host did the first time only that one can say (`docs/protocol.md`, section 8).
 * @param run asks the host
 * @throws {WireError} `-32020`
 */
export function waitsForHost(call: Call<ParamsOf<'tools.execute'>>, turn: Turn, run: () => unknown): boolean {
  const { kernel, from, id, params } = call;
  const isAgain = turn.line !== undefined && params.action_id !== '' && params.attempt > 1 && id !== undefined;
  // After a restart the agent may be back before its host, and know nothing of that.
  const isMeant = isAgain || (turn.awaitsHost && id !== undefined);
  if (!isMeant || turn.host || !turn.hasLog || turn.isEnding) return false;
  const limit = kernel.limits.maxPendingTools;
  if (turn.waitingCalls.size >= limit) throw WireError.limitExceeded('max_pending_tools', limit);
  const release = kernel.held.hold(from, params.parameters);
  const { awaiting } = toolsOf(from);
  const drop = () => {
    release();
    turn.waitingCalls.delete(waiting);
    if (awaiting.get(id) === withdraw) awaiting.delete(id);
  };
  const refuse = (error: WireError, source: AnyActorRef) => {
    drop();
    if (from.isOpen) reply(kernel, from, id, { error }, source);
  };
  const withdraw = () => refuse(WireError.toolCancelled('agent_withdrew'), kernel.ref);
  const waiting: WaitingCall = {
    drop,
    refuse,
    ask(source) {
      drop();
      try {
        run();
      } catch (error) {
        reply(kernel, from, id, { error: toWireError(kernel, 'tools.execute', error) }, source);
      }
    },
  };
  turn.waitingCalls.add(waiting);
  awaiting.set(id, withdraw);
  return true;
}

/** Its host is there: it is asked what waits for it, in the order in which that came. */
export function askWaiting(source: AnyActorRef, { waitingCalls }: Turn): void {
  for (const waiting of [...waitingCalls]) waiting.ask(source);
}

/** Its agent's connection is gone: whoever comes back asks once more. */
export function dropWaiting({ waitingCalls }: Turn): void {
  for (const waiting of [...waitingCalls]) waiting.drop();
}

/** The turn ends. */
export function refuseWaiting(source: AnyActorRef, { waitingCalls }: Turn, reason: ToolCancelReason): void {
  for (const waiting of [...waitingCalls]) waiting.refuse(WireError.toolCancelled(reason), source);
}
