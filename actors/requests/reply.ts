import type { AnyActorRef } from 'xstate';
import { WireError } from '../../protocol/errors.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Sealed } from '../../protocol/sealed.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';

/** An answer to a client's request. `sealed`: what of the result is a secret, see {@link Sealed}. */
export type Answer = { result: unknown; sealed?: Sealed<object> } | { error: WireError };

/** What somebody else has answered, as it came, or why there is nothing. */
export type RelayedAnswer = { result: unknown } | { error: WireError | JsonObject };

/**
 * Answers a request with what somebody else has answered: a tool's host, or another broker. An error goes on to the letter
 * (`wire.md` section 7), also to what a broker has asked within itself.
 */
export function relayAnswer(
  kernel: Kernel,
  to: Client,
  id: RpcId | undefined,
  answer: RelayedAnswer,
  source: AnyActorRef = kernel.ref,
): void {
  if ('result' in answer) reply(kernel, to, id, answer, source);
  else if (answer.error instanceof WireError) reply(kernel, to, id, { error: answer.error }, source);
  else if (id !== undefined && !to.captured.has(id))
    tell(source, to.ref, { type: 'rpc.relay', id, answer: { error: answer.error } });
  else {
    const { code, message, data } = answer.error as { code: number; message: string; data?: unknown };
    reply(kernel, to, id, { error: new WireError(code, message, data) }, source);
  }
}

/**
 * Answers a request. What came as a notification gets nothing; that it failed is counted and logged
 * (`wire.md` section 2).
 * @param source the actor that answers: whoever watches sees it as the sender. By default the broker.
 */
export function reply(
  kernel: Kernel,
  to: Client,
  id: RpcId | undefined,
  answer: Answer,
  source: AnyActorRef = kernel.ref,
): void {
  if (id === undefined) {
    if ('error' in answer) {
      kernel.counters.drop('failed_notification');
      kernel.log.debug({ client: to.id, code: answer.error.code }, 'a notification failed');
    }
    return;
  }
  const captured = to.captured.get(id);
  if (captured) {
    to.captured.delete(id);
    captured(answer);
    return;
  }
  if ('error' in answer) tell(source, to.ref, { type: 'rpc.fail', id, error: answer.error });
  else tell(source, to.ref, { type: 'rpc.reply', id, ...answer });
}
