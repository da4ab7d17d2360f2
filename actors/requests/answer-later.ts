import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import { CallLife } from '../connection/call-life.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { isWritable, toWireError } from '../kernel/wire-errors.ts';
import type { Call } from './dispatcher.ts';
import { reply } from './reply.ts';

/**
 * Answers a request with what `work` gives: it may take its time, but not for ever (`-32004`), and not in any number at
 * once. `work` is not called from inside this call; it is given how long anybody waits. `source`: the actor
 * that answers. Resolves once it is answered.
 * @throws {WireError} `-32020`
 */
export function answerLater(
  { kernel, from, id }: Pick<Call<unknown>, 'kernel' | 'from' | 'id'>,
  method: string,
  timeoutMs: number,
  work: (life: CallLife) => unknown,
  source: AnyActorRef = kernel.ref,
): Promise<void> {
  const limit = kernel.limits.maxPendingRequests;
  if (from.pendingRequests >= limit) throw WireError.limitExceeded('max_pending_requests', limit);
  from.pendingRequests += 1;
  const life = new CallLife(from);
  // Work whose answer was given up still goes on: it counts until it has really ended.
  const done = () => {
    from.pendingRequests -= 1;
    life.over();
  };
  const late = (error: WireError) => life.giveUp(error);
  return inTime(kernel, method, timeoutMs, () => work(life), done, late).then(
    (result) => reply(kernel, from, id, { result }, source),
    (error: unknown) => reply(kernel, from, id, { error: toWireError(kernel, method, error) }, source),
  );
}

/**
 * What `work` gives, as JSON; null where it gives nothing. `done` is called when it has really ended, `late` when it is
 * waited for no longer.
 * @throws {WireError} `-32004` where it takes too long.
 */
export function inTime(
  kernel: Kernel,
  what: string,
  timeoutMs: number,
  work: () => unknown,
  done: () => void = () => {},
  late: (error: WireError) => void = () => {},
): Promise<unknown> {
  return new Promise((resolve, reject) => {
    let isGivenUp = false;
    const deadline = kernel.deadlines.arm(timeoutMs, () => {
      isGivenUp = true;
      const error = WireError.deadlineExceeded(what);
      reject(error);
      late(error);
    });
    Promise.resolve()
      .then(work)
      .then((result = null) => {
        if (!isWritable(result)) throw new TypeError('the result of a method is no JSON value, or nested too deeply');
        resolve(result);
      })
      .catch((error: unknown) => {
        // Nobody waits for it any more, but a fault of ours is still to be heard of.
        if (isGivenUp) toWireError(kernel, what, error);
        else reject(error);
      })
      .finally(() => {
        kernel.deadlines.disarm(deadline);
        done();
      });
  });
}
