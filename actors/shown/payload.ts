import type { EventObject } from 'xstate';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import type { Link } from '../../protocol/link.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import type { Token } from '../../protocol/token.ts';
import { JsonText } from '../kernel/json-text.ts';
import { MASK } from '../kernel/preview.ts';
import type { Chart } from '../requests/family.ts';
import { type View, viewOf } from './view.ts';

/** How much is shown of one event, in bytes of JSON. */
const MAX_PAYLOAD_BYTES = 2048;

/** A frame is taken apart for watchers up to this length: of a longer one hardly anything would be shown. Characters. */
const MAX_FRAME_READ = 16_384;

const DONE = 'xstate.done.actor.';
const FAILED = 'xstate.error.actor.';
const AFTER = 'xstate.after.';

/** An event's type as the charts have it: XState's own names hold ids. */
export function eventName(type: string): string {
  if (!type.startsWith('xstate.')) return type;
  if (type.startsWith(DONE)) return 'child.done';
  if (type.startsWith(FAILED)) return 'child.failed';
  if (type.startsWith(AFTER)) return `after:${type.slice(AFTER.length).split('.', 1)[0]}`;
  return type;
}

/** Whether a child says that it has failed. */
export function isFailure(type: string): boolean {
  return type.startsWith(FAILED);
}

/**
 * What is shown of an event. `shown`: what its chart's family says of that, see `Chart`.
 * @param maxBytes - of JSON. @param maxText - characters of each text in it
 */
export function payloadOf(
  event: EventObject,
  shown: Chart['shown'],
  maxBytes = MAX_PAYLOAD_BYTES,
  maxText?: number,
): View {
  const show = shown && Object.hasOwn(shown, event.type) ? shown[event.type] : fieldsOf;
  return viewOf((show ?? fieldsOf)(event as EventObject & JsonObject), maxBytes, maxText);
}

function fieldsOf({ type: name, ...fields }: JsonObject): JsonObject {
  const type = String(name);
  switch (type) {
    case 'chat.token': {
      // Not its head: the same for each token of its turn.
      const { seq, seqFrom, delta } = fields.token as Token;
      return { seq, ...(seqFrom === seq ? {} : { seq_from: seqFrom }), delta };
    }
    case 'chat.frame':
      return frameOf(fields.text as string);
    case 'rpc.reply':
      if (fields.result instanceof JsonText) return { ...fields, result: resultOf(fields.result) };
      return isSnapshot(fields.result) ? { ...fields, result: MASKED_SNAPSHOT } : fields;
    case 'rpc.call':
    case 'rpc.notify':
      return fields.params instanceof JsonText ? { ...fields, params: resultOf(fields.params) } : fields;
    case 'link.opened':
      return { via: (fields.link as Link).kind };
    case 'rpc.request':
    case 'rpc.notification':
      return isCredentials(fields.method) ? { ...fields, params: credentials(fields.params) } : fields;
    default:
      if (type.startsWith(DONE)) return { id: type.slice(DONE.length) };
      if (type.startsWith(FAILED)) return { id: type.slice(FAILED.length), error: fields.error };
      return fields;
  }
}

/** What a frame says, as `chat.deliver` would. Of a long one only how long: a secret is known by its key, not in a text. */
function frameOf(text: string): JsonObject {
  return text.length > MAX_FRAME_READ
    ? { text: '…', length: text.length }
    : { params: (parseJson(text) as JsonObject).params };
}

/** The same of a result, or of parameters. */
function resultOf({ text, length, head }: JsonText): unknown {
  return length > MAX_FRAME_READ ? { ...head, text: '…', length } : parseJson(text);
}

/** The feed's own answer: everything in it has just been told. */
const MASKED_SNAPSHOT = { subscribed: true, actors: '…', machines: '…' };

function isSnapshot(result: unknown): boolean {
  return isObject(result) && result.subscribed === true && 'machines' in result && 'actors' in result;
}

const isCredentials = (method: unknown): boolean => method === 'session.auth' || method === 'session.refresh';

/** Of whatever was sent as credentials only who they are for: a secret under a wrong key is one all the same. */
function credentials(params: unknown): unknown {
  if (!isObject(params)) return MASK;
  return Object.fromEntries(Object.entries(params).map(([key, value]) => [key, key === 'agent_id' ? value : MASK]));
}
