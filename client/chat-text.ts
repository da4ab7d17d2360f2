import type { ChatEvent } from '../protocol/events.ts';
import { type TerminalEvent, TurnError } from './errors.ts';

/** The whole answer of a turn that is read from its beginning. See `Chat.text`. @throws {TurnError} */
export async function textOf(events: AsyncIterable<ChatEvent>): Promise<string> {
  let text = '';
  let last: TerminalEvent | undefined;
  for await (const event of events) {
    if (event.kind === 'token') text += event.delta;
    if (event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required') last = event;
  }
  if (last && (last.kind !== 'done' || last.finish_reason === 'cancelled')) throw new TurnError(last);
  return last?.text ?? text;
}
