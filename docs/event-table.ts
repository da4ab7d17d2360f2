import { chatEventKinds, TERMINAL_KINDS } from '../protocol/events.ts';
import { voiceEventTypes } from '../protocol/voice.ts';
import { fieldsOf } from './field-types.ts';
import { code, markdownTable } from './markdown.ts';

/** What every event carries besides the fields of its kind. */
const ENVELOPE = ['session_id', 'turn_id', 'kind'];

/** The event kinds whose fields are checked. */
export function eventTable(): string {
  const rows = Object.entries(chatEventKinds).map(([kind, schema]) => {
    const fields = fieldsOf(schema, 'output')
      .filter(({ path }) => !ENVELOPE.includes(path))
      .map(({ path, type, required }) => `${code(required ? path : `${path}?`)} ${type}`);
    return [code(kind), fields.join('; '), TERMINAL_KINDS.has(kind) ? 'yes' : ''];
  });
  return markdownTable(['Kind', 'Fields', 'Ends the turn'], rows);
}

/** The types of `voice.event` whose fields are checked. */
export function voiceEventTable(): string {
  const rows = Object.entries(voiceEventTypes).map(([type, schema]) => {
    const fields = fieldsOf(schema, 'output').map(
      ({ path, type, required }) => `${code(required ? path : `${path}?`)} ${type}`,
    );
    return [code(type), fields.join('; '), type === 'ended' ? 'yes' : ''];
  });
  return markdownTable(['Type', 'Fields', 'Ends the stream'], rows);
}
