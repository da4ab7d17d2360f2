import { isObject, type JsonObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';
import { Fitting, jsonArray } from '../requests/fitting.ts';

/** What tells one row of a list from another. Where two brokers have it, the one counts that knows more. */
const KEYS: Readonly<Record<string, (row: JsonObject) => unknown>> = {
  'agents.list': ({ spec }) => (spec as JsonObject).id,
  'host.agents': ({ id }) => id,
  'host.approvals': ({ id }) => id,
  'agents.chat.sessions': ({ turn_id }) => turn_id,
  'inspect.turns': ({ turn_id }) => turn_id,
  'meeting.list': ({ meeting_id, id }) => meeting_id ?? id,
  'a2ui.surfaces': ({ surface_id, id }) => surface_id ?? id,
};

/** Several brokers' answers to one request for a list, as one: the caller's own first. */
export function mergedAnswer(method: string, results: readonly unknown[]): unknown {
  const [first, ...others] = results.map((result) => (result instanceof JsonText ? parseJson(result.text) : result));
  const fitting = new Fitting();
  const merge = (lists: readonly unknown[]) =>
    new JsonText(jsonArray(fitting.newestOf(mergedRows(method, lists as readonly JsonObject[][]))));
  if (Array.isArray(first)) return merge([first, ...others]);
  if (!isObject(first)) return first;
  let isTruncated = false;
  const members = Object.entries(first).map(([name, value]) => {
    if (!Array.isArray(value)) return [name, value] as const;
    return [name, merge([value, ...others.map((other) => (other as JsonObject)[name])].filter(Array.isArray))] as const;
  });
  isTruncated = fitting.isTruncated || [first, ...others].some((one) => (one as JsonObject).truncated === true);
  const texts = members
    .filter(([name]) => name !== 'truncated')
    .map(([name, value]) => `${writeJson(name)}:${value instanceof JsonText ? value.text : writeJson(value)}`);
  if (isTruncated) texts.push('"truncated":true');
  return new JsonText(`{${texts.join(',')}}`);
}

function mergedRows(method: string, lists: readonly (readonly JsonObject[])[]): JsonObject[] {
  const keyOf = KEYS[method];
  const rows = new Map<unknown, JsonObject>();
  let count = 0;
  for (const row of lists.flat()) {
    const key = keyOf?.(row) ?? count;
    count += 1;
    const known = rows.get(key);
    if (!known || (known.attached !== true && row.attached === true)) rows.set(key, row);
  }
  return [...rows.values()];
}
