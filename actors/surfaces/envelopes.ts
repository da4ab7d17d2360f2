import { isObject, isThere, type JsonObject } from '../../protocol/json.ts';
import { ENVELOPE_KINDS, type EnvelopeKind } from '../../protocol/surfaces.ts';

/** An envelope, and where it was found. */
export interface FoundEnvelope {
  readonly envelope: JsonObject;
  /** Dotted; empty for a request's own. */
  readonly path: string;
}

/**
 * Where envelopes may stand in what A2A agents send, in the order in which they apply: answers and updates, tasks and
 * messages, their parts, a part's data. A task's `history` is the past and not looked into.
 */
const PLACES = [
  'result',
  'task',
  'message',
  'msg',
  'artifactUpdate',
  'statusUpdate',
  'artifacts',
  'artifact',
  'status',
  'parts',
  'part',
  'root',
  'data',
  'content',
  'value',
  'messages',
  'envelope',
  'envelopes',
  'a2ui',
] as const;

/** Members of what an envelope says that may be left out, and whose null says nothing. That of a value is a value. */
const OPTIONALS: Readonly<Record<EnvelopeKind, readonly string[]>> = {
  createSurface: ['theme', 'sendDataModel'],
  updateComponents: [],
  updateDataModel: ['path'],
  deleteSurface: [],
};

/** An envelope without the nulls that stand for what it has not: other kinds, and members that may be left out. */
export function withoutAbsent(envelope: JsonObject): JsonObject {
  const isNull = (object: JsonObject, names: readonly string[]) => names.some((name) => object[name] === null);
  const without = (object: JsonObject, names: readonly string[]) => {
    if (!isNull(object, names)) return object;
    return Object.fromEntries(
      Object.entries(object).filter(([name, value]) => value !== null || !names.includes(name)),
    );
  };
  const known = without(envelope, ENVELOPE_KINDS);
  const kind = ENVELOPE_KINDS.find((one) => isObject(known[one]));
  if (!kind) return known;
  const body = known[kind] as JsonObject;
  return isNull(body, OPTIONALS[kind]) ? { ...known, [kind]: without(body, OPTIONALS[kind]) } : known;
}

/** Whether it claims to be an envelope; whether it is a good one is for the schema to say. */
export function isEnvelope(value: JsonObject): boolean {
  return ENVELOPE_KINDS.some((kind) => isThere(value[kind]));
}

/** The envelopes inside an A2A task, message, artifact, update or part, in order; one more than `most` at most. */
export function findEnvelopes(payload: unknown, most: number, path = 'payload'): FoundEnvelope[] {
  const found: FoundEnvelope[] = [];
  look(payload, path);
  return found;

  // As deep as what was checked to be no deeper than JSON may be here.
  function look(value: unknown, at: string): void {
    if (found.length > most) return;
    if (Array.isArray(value)) {
      for (const [index, item] of value.entries()) look(item, `${at}.${index}`);
      return;
    }
    if (!isObject(value)) return;
    if (isEnvelope(value)) {
      found.push({ envelope: withoutAbsent(value), path: at });
      return;
    }
    for (const place of PLACES) if (Object.hasOwn(value, place)) look(value[place], `${at}.${place}`);
  }
}
