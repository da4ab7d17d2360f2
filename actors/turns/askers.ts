import type { AnyActorRef } from 'xstate';
import type { RpcId } from '../../protocol/frame.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { type Answer, reply } from '../requests/reply.ts';

/** Who waits for the answer to an `agents.chat`. */
export interface Asker {
  readonly client: Client;
  /** Of its request; absent where that came as a notification. */
  readonly id: RpcId | undefined;
  /** Its chat was there already: see `Opening`. */
  readonly isRepeated: boolean;
}

/** Answers each of those that are there still, in the order in which they asked. */
export function answerAskers(
  kernel: Kernel,
  askers: readonly Asker[],
  answer: (asker: Asker) => Answer,
  source: AnyActorRef = kernel.ref,
): void {
  for (const asker of askers) if (asker.client.isOpen) reply(kernel, asker.client, asker.id, answer(asker), source);
}
