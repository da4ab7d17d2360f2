import { BROKER_KINDS, chatEventKinds, TERMINAL_KINDS } from '../protocol/events.ts';
import { voiceEventTypes } from '../protocol/voice.ts';
import { fieldsOf } from './field-types.ts';
import { code, markdownTable } from './markdown.ts';

/** What every event carries besides the fields of its kind. */
const ENVELOPE = ['session_id', 'turn_id', 'kind'];

/** The event kinds of an agent whose fields are checked. */
export function eventTable(): string {
  const kinds = Object.keys(chatEventKinds).filter((kind) => !BROKER_KINDS.has(kind));
  const rows = rowsOf(kinds).map((row, n) => [...row, TERMINAL_KINDS.has(kinds[n] ?? '') ? 'yes' : '']);
  return markdownTable(['Kind', 'Fields', 'Ends the turn'], rows);
}

/** The event kinds that nobody but the broker sends. */
export function brokerEventTable(): string {
  return markdownTable(['Kind', 'Fields'], rowsOf([...BROKER_KINDS]));
}

function rowsOf(kinds: readonly string[]): string[][] {
  const schemas = new Map(Object.entries(chatEventKinds));
  return kinds.map((kind) => {
    const schema = schemas.get(kind);
    if (!schema) throw new Error(`nothing is known of the event kind ${kind}`);
    const fields = fieldsOf(schema, 'output')
      .filter(({ path }) => !ENVELOPE.includes(path))
      .map(({ path, type, required }) => `${code(required ? path : `${path}?`)} ${type}`);
    return [code(kind), fields.join('; ')];
  });
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
