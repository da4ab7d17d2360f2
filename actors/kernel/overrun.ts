import type { AnyActorRef } from 'xstate';
import type { Client } from './client.ts';
import { tell } from './tell.ts';

/**
 * Closes a connection that cannot keep up (`wire.md` section 9).
 * @param source - the actor that says so; undefined: its link does
 */
export function closeOverrun(client: Client, source?: AnyActorRef): void {
  // Before anything else: leaving its state is the first that the chart does, and its turns then ask why.
  client.isOverrun = true;
  if (source) tell(source, client.ref, { type: 'link.overrun' });
  else client.ref.send({ type: 'link.overrun' });
}
