import { WireError } from '../../protocol/errors.ts';
import type { RequestMethod } from '../../protocol/methods.ts';
import { traceId } from '../../protocol/trace.ts';
import type { Note } from '../kernel/audit.ts';
import { toWireError } from '../kernel/wire-errors.ts';
import { type Call, LATER } from './dispatcher.ts';
import { type Answer, reply } from './reply.ts';

/** What waits to be kept counts among what is pending. @throws {WireError} `-32020` */
export function checkPending({ kernel, from }: Call<unknown>): void {
  const limit = kernel.limits.maxPendingRequests;
  if (from.pendingRequests >= limit) throw WireError.limitExceeded('max_pending_requests', limit);
}

/**
 * Answers once a store has kept what was changed, at once where it has.
 * @param kept - what the store says: undefined where it has
 * @param note - what the audit has of it, where that has anything
 * @param after - what comes after the answer, where it was kept
 */
export function onceKept(
  call: Call<unknown>,
  method: RequestMethod,
  kept: Promise<void> | undefined,
  note: Note | undefined,
  answer: () => Answer,
  after: () => void = () => {},
): typeof LATER {
  const { kernel, from, id } = call;
  const done = (what: Answer) => {
    if (note) {
      const outcome = 'error' in what ? 'failed' : 'ok';
      kernel.audit.registry(from, method, outcome, note.on, note.data, traceId(call.trace));
    }
    reply(kernel, from, id, what);
    if ('result' in what) kernel.attempt(method, after);
  };
  if (!kept) {
    done(answer());
    return LATER;
  }
  from.pendingRequests += 1;
  void kept
    .then(answer)
    .catch((error: unknown): Answer => ({ error: toWireError(kernel, method, error) }))
    .then((what) => {
      from.pendingRequests -= 1;
      done(what);
    });
  return LATER;
}
