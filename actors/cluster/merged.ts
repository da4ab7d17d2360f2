import type { ApprovalRow } from '../../protocol/approvals.ts';
import type { HostAgent } from '../../protocol/host.ts';
import { isObject, type JsonObject } from '../../protocol/json.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonText } from '../kernel/json-text.ts';
import { Fitting, jsonArray } from '../requests/fitting.ts';
import { agentsOfAll, approvalsOfAll, rowsOf } from '../requests/rows-of-all.ts';

type Row = JsonObject;

/** How the rows of a list that is every broker's become one. */
interface Merging {
  /** Under which name the rows stand in an object; undefined: they are the answer. */
  as?: string;
  /** What tells one row from another. Undefined: no two brokers have the same. */
  keyOf?(row: Row): string;
  /** Two rows of one thing as one, the first being that of the broker that was asked first. */
  both?(row: Row, other: Row): Row;
  /** What a list's rows stand in the order of, the smallest first. Undefined: as they came. */
  orderOf?(row: Row): number;
  /** A row without what it can do without: see {@link Fitting.newestOf}. */
  toHead?(row: Row): Row;
}

const MERGINGS: Readonly<Record<string, Merging>> = {
  'agents.list': {
    keyOf: ({ spec }) => String((spec as Row).id),
    // Every broker knows it, and one has it.
    both: (row, other) => (row.attached === true ? row : other.attached === true ? other : row),
    toHead: (row) => ({ ...row, spec: { ...(row.spec as Row), metadata: {} } }),
  },
  'host.agents': {
    toHead: ({ display: _, ...row }) => ({ ...row, metadata: {} }),
  },
  'keys.list': {
    keyOf: ({ tenant, name }) => `${String(tenant)}/${String(name)}`,
    // Each counts its own connections, and has seen it used by those.
    both: (row, other) => ({
      ...row,
      connections: Number(row.connections) + Number(other.connections),
      ...latest(row.last_used_at, other.last_used_at),
    }),
  },
  'agents.chat.sessions': { as: 'sessions', orderOf: ({ created_at: at }) => Number(at) },
  'voice.sessions.list': { orderOf: ({ created_at: at }) => Number(at) },
  'voice.tts_stream.list': { as: 'streams', orderOf: ({ created_at: at }) => Date.parse(String(at)) },
  // An agent is attached to one of them. What is within a broker is for its own clients, and first.
  'voice.providers.list': {
    keyOf: ({ id, kind }) => `${String(kind)} ${String(id)}`,
    both: (row) => row,
  },
  'meeting.list': {
    as: 'meetings',
    orderOf: ({ started_at: at }) => Number(at),
    keyOf: ({ id, started_at: at }) => `${String(at)} ${String(id)}`,
    // It runs at one of them, and the home broker has a part of it.
    both: (row, other) => (row.ended_at === null ? row : other),
  },
};

/**
 * Several brokers' answers to one request for a list, as one: as large as one broker's may be.
 * @param results - the caller's own first
 * @param params - what was asked
 */
export function mergedAnswer(method: string, results: readonly unknown[], params: unknown): JsonText {
  const answers = results.map((result) => (result instanceof JsonText ? parseJson(result.text) : result));
  if (method === 'inspect.turns') return mergedTurns(answers as Row[], params as { limit: number });
  if (method === 'host.approvals') return mergedApprovals(answers as Row[]);
  const merging = MERGINGS[method];
  if (!merging) throw new Error(`nobody knows how lists of ${method} become one`);
  const { as, orderOf, toHead } = merging;
  const rows = together(
    merging,
    method,
    answers.flatMap((answer) => rowsOf<Row>(answer, as)),
  );
  if (orderOf) rows.sort((one, other) => orderOf(one) - orderOf(other));
  const fitting = new Fitting();
  const array = jsonArray(fitting.newestOf(rows, toHead));
  if (as === undefined) return new JsonText(array);
  return new JsonText(`{"${as}":${array}${markOf(fitting, answers)}}`);
}

const markOf = (fitting: Fitting, answers: readonly unknown[]): string =>
  fitting.isTruncated || answers.some((answer) => isObject(answer) && answer.truncated === true)
    ? ',"truncated":true'
    : '';

function together({ keyOf, both }: Merging, method: string, all: readonly Row[]): Row[] {
  if (method === 'host.agents') return agentsOfAll(all as unknown as HostAgent[]) as unknown as Row[];
  if (!keyOf) return [...all];
  const rows = new Map<string, Row>();
  for (const row of all) {
    const key = keyOf(row);
    const known = rows.get(key);
    rows.set(key, known && both ? both(known, row) : row);
  }
  return [...rows.values()];
}

function latest(one: unknown, other: unknown): { last_used_at?: string } {
  const moments = [one, other].filter((moment) => typeof moment === 'string').sort();
  const at = moments.at(-1);
  return at === undefined ? {} : { last_used_at: at };
}

function mergedApprovals(answers: readonly Row[]): JsonText {
  const fitting = new Fitting();
  const { resolved, pending } = approvalsOfAll(answers.flatMap((answer) => rowsOf<ApprovalRow>(answer, 'approvals')));
  // What waits for somebody's word first.
  const waiting = fitting.first(pending).reverse();
  const [over = []] = fitting.newest(resolved.values());
  return new JsonText(`{"approvals":${jsonArray([...over, ...waiting])}${markOf(fitting, answers)}}`);
}

/** The newest first, no more than were asked for; where one broker's have ended and it has older ones, nothing older counts. */
function mergedTurns(answers: readonly Row[], { limit }: { limit: number }): JsonText {
  const turns = (answer: Row) => rowsOf<Row>(answer, 'turns');
  const idOf = ({ turn_id: id }: Row) => String(id);
  const ends = answers.flatMap((answer) => (answer.cursor === undefined ? [] : [String(answer.cursor)]));
  const oldest = ends.sort().at(-1) ?? '';
  const all = answers.flatMap(turns).sort((one, other) => (idOf(one) < idOf(other) ? 1 : -1));
  const shown = all.filter((row) => idOf(row) >= oldest).slice(0, limit);
  const fitting = new Fitting();
  const texts = fitting.first(shown);
  const last = shown[texts.length - 1];
  const cursor = last && (texts.length < all.length || ends.length > 0) ? `,"cursor":${writeJson(last.turn_id)}` : '';
  return new JsonText(
    `{"turns":${jsonArray(texts)},"kept":${writeJson(keptBy(answers))}${cursor}${markOf(fitting, answers)}}`,
  );
}

function keptBy(answers: readonly Row[]): Row {
  const each = answers.flatMap(({ kept }) => (isObject(kept) ? [kept] : []));
  const sum = (name: string) => each.reduce((total, kept) => total + Number(kept[name] ?? 0), 0);
  return {
    turns: sum('turns'),
    bytes: sum('bytes'),
    dropped: sum('dropped'),
    on_disk: each.every((kept) => kept.on_disk === true),
  };
}
