import { WireError } from '../../protocol/errors.ts';
import type { RequestMethod } from '../../protocol/methods.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { inSlices } from '../kernel/slices.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, type Handler, LATER } from '../requests/dispatcher.ts';
import { reply } from '../requests/reply.ts';
import { TURNS } from './turns.ts';

/** Requests that wait for what is not there yet, after a restart or on its way here: each is carried out when it is, in order. */
export class HeldCalls {
  readonly #held = new Set<() => void>();

  /**
   * Has a request wait. One that has waited for `recoveryWaitMs` gets `-32004`.
   * @throws {WireError} `-32020` where too much is held for its sender, or for all
   */
  hold<P>(call: Call<P>, method: string, handle: (call: Call<P>) => unknown): typeof LATER {
    const { kernel, from, id, params } = call;
    const letGo = kernel.held.hold(from, params);
    const end = () => {
      letGo();
      this.#held.delete(run);
      kernel.deadlines.disarm(deadline);
    };
    const run = () => {
      end();
      carryOut(call, method, handle);
    };
    const deadline = kernel.deadlines.arm(kernel.limits.recoveryWaitMs, () => {
      end();
      const error = WireError.deadlineExceeded(
        'a broker was started anew, and what this is about is not there yet; ask again',
      );
      if (from.isOpen) reply(kernel, from, id, { error });
    });
    this.#held.add(run);
    return LATER;
  }

  /** It is there. What comes while they are carried out waits behind them. @param done - none waits any more */
  release(kernel: Kernel, done: () => void): void {
    const each = (run: () => void) => {
      // It may have waited too long by now.
      if (this.#held.has(run)) run();
    };
    inSlices(kernel, 'a request that has waited', this.#held, each, done);
  }
}

/** What is known under the first of these names that anything is known under. */
export function firstOf<T>(known: ReadonlyMap<string, T>, names: readonly string[]): T | undefined {
  if (known.size === 0) return undefined;
  for (const name of names) {
    const found = known.get(name);
    if (found !== undefined) return found;
  }
  return undefined;
}

/** Carries out a request that has waited, where its sender is there still. Never throws. */
export function carryOut<P>(call: Call<P>, method: string, handle: (call: Call<P>) => unknown): void {
  const { kernel, from, id } = call;
  if (!from.isOpen) return;
  try {
    const result = handle(call);
    if (result !== LATER) reply(kernel, from, id, { result });
  } catch (error) {
    reply(kernel, from, id, { error: toWireError(kernel, method, error) });
  }
}

/**
 * The handler of a request that may be about a turn from before a restart, or one on its way here from another broker: until
 * that is there, and where it may be that one, it waits.
 * @param sessionKeys - under which names its session may be known; none: it waits in any case
 */
export function afterRecovery<K extends RequestMethod>(
  method: K,
  handle: Handler<K>,
  sessionKeys?: (call: Parameters<Handler<K>>[0]) => readonly string[],
): Handler<K> {
  const judge: Handler<K> = (call) => {
    const { recovery, claims, elsewhere, ended } = call.kernel.get(TURNS);
    const names = claims || elsewhere ? sessionKeys?.(call) : undefined;
    const pending = names && (ended?.finds.pending(names) ?? claims?.pending(names) ?? elsewhere?.pending(names));
    // Once that is answered there may be something else to wait for.
    if (pending) return pending.hold(call, method, judge);
    if (!recovery) return handle(call);
    const isMeant = sessionKeys === undefined || sessionKeys(call).some((key) => recovery.knows(key));
    return isMeant ? recovery.calls.hold(call, method, handle) : handle(call);
  };
  return judge;
}
