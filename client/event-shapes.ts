import { dropNulls, EVENT_OPTIONALS } from '../protocol/event-optionals.ts';
import type { ChatEvent } from '../protocol/events.ts';
import type { Issue } from '../protocol/wire-error.ts';
import { misfits, type Shape } from './shape.ts';

/** What the SDK itself reads of an event: the broker has checked the rest. Its `seq` old brokers leave out. */
const ENVELOPE: Shape<ChatEvent> = { kind: 'string', session_id: 'string', turn_id: 'string', seq: 'number?' };
const KINDS: Readonly<Record<string, Shape<Record<string, unknown>>>> = {
  done: { text: 'string?' },
  error: { error: 'string' },
};
/** Put together once: nearly every event is one. */
const TOKEN: Shape<Record<string, unknown>> = { ...ENVELOPE, delta: 'string' };

/** What of an event of the broker's cannot be read. */
export function strangeIn(event: Record<string, unknown>): Issue[] {
  const { kind } = event;
  return misfits(event, kind === 'token' ? TOKEN : { ...ENVELOPE, ...(typeof kind === 'string' && KINDS[kind]) });
}

/** Whether an event of the broker's can be read. Takes the nulls out of it that stand for what is not there. */
export function isReadable(event: Record<string, unknown>): event is ChatEvent & Record<string, unknown> {
  if (strangeIn(event).length > 0) return false;
  dropNulls(event, EVENT_OPTIONALS[event.kind as string]);
  return true;
}
