import { inspectTurnResult, type RecordedTurnLog } from '../../protocol/recording.ts';

/** What says of a file that it is a turn's, and in which form. */
export const FORMAT = 'switchboard.turn/1';
/** What is nested deeper is nothing that a daemon writes. */
const MAX_DEPTH = 200;
/** No date is later. Unix milliseconds. */
const LAST_MS = 8_640_000_000_000_000;

/** A turn as a file. */
export function writeTurnFile(log: RecordedTurnLog): string {
  const { turn, machines, actors, records, next } = log;
  return JSON.stringify({ format: FORMAT, turn, machines, actors, records, next });
}

/**
 * Reads a turn's file: one that this page has written, or what `inspect.turn` answers. Whoever wrote it may mean ill, so
 * that everything which the page relies on is looked at here.
 */
export function readTurnFile(text: string): { log: RecordedTurnLog } | { problem: string } {
  let read: unknown;
  try {
    read = JSON.parse(text);
  } catch {
    return { problem: 'This is no JSON.' };
  }
  if (isDeep(read)) return { problem: `This is nested more than ${MAX_DEPTH} deep, which no turn is.` };
  const { format } = Object(read) as { format?: unknown };
  if (format !== undefined && format !== FORMAT)
    return {
      problem:
        typeof format === 'string' && format.startsWith('switchboard.turn/')
          ? 'Another version of Switchboard has written this file, in another form.'
          : 'This is not the file of a turn.',
    };
  const checked = inspectTurnResult.safeParse(
    Object.hasOwn(Object(read), 'next') ? read : { ...Object(read), next: 0 },
  );
  if (!checked.success) return { problem: `This is not the file of a turn: ${said(checked.error)}.` };
  const problem = faultOf(checked.data);
  return problem === undefined ? { log: checked.data } : { problem: `This is not the file of a turn: ${problem}.` };
}

/** The first thing that is wrong, and how many others are. */
function said({ issues }: { issues: readonly { path: readonly PropertyKey[]; message: string }[] }): string {
  const [first] = issues;
  const path = first?.path.map(String).join('.').slice(0, 80);
  const more = issues.length > 1 ? `, and ${issues.length - 1} more` : '';
  return `${path ? `${path}: ` : ''}${first?.message ?? 'it is not as it should be'}${more}`;
}

/** What no schema says: each actor has a chart and an end to its ancestors, and the records are in their order. */
function faultOf({ turn, machines, actors, records }: RecordedTurnLog): string | undefined {
  const parents = new Map<string, string | null>();
  const started = records.flatMap((record) => (record.type === 'started' ? [record.actor] : []));
  for (const actor of [...actors, ...started]) {
    if (!Object.hasOwn(machines, actor.machine)) return `it has no chart “${actor.machine.slice(0, 80)}”`;
    parents.set(actor.id, actor.parent);
  }
  if (hasCircle(parents)) return 'an actor is its own ancestor';
  const times = [turn.started_at, turn.ended_at ?? 0, ...records.map(({ at }) => at)];
  if (!times.every((at) => at >= 0 && at <= LAST_MS)) return 'it has a time that is none';
  let last = Number.NEGATIVE_INFINITY;
  for (const { sequence } of records) {
    if (!(sequence > last)) return 'its records are in no order';
    last = sequence;
  }
  return undefined;
}

function hasCircle(parents: ReadonlyMap<string, string | null>): boolean {
  const safe = new Set<string>();
  for (const id of parents.keys()) {
    const way = new Set<string>();
    let at: string | null | undefined = id;
    while (typeof at === 'string' && !safe.has(at)) {
      if (way.has(at)) return true;
      way.add(at);
      at = parents.get(at);
    }
    for (const one of way) safe.add(one);
  }
  return false;
}

/** Level by level, so that no nesting is too deep for looking at it. */
function isDeep(value: unknown): boolean {
  let level: object[] = typeof value === 'object' && value !== null ? [value] : [];
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > MAX_DEPTH) return true;
    const next: object[] = [];
    for (const one of level)
      for (const inner of Object.values(one)) if (typeof inner === 'object' && inner !== null) next.push(inner);
    level = next;
  }
  return false;
}
