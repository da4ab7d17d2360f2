import type { RecordedTurn } from '../../protocol/recording.ts';
import { lasted, rateOf } from './fields.ts';

/** A way to sort the table by: a column, from its greatest or its least. */
export interface Sort {
  by: SortKey;
  isDown: boolean;
}

type Value = string | number | undefined;

/** What each column is sorted by. */
const VALUES = {
  time: ({ started_at }) => started_at,
  agent: ({ agent_id }) => agent_id,
  host: ({ principal, host }) => principal ?? host,
  broker: ({ broker }) => broker,
  prompt: ({ prompt }) => prompt,
  state: ({ state }) => state,
  dur: lasted,
  first: ({ first_token_ms }) => first_token_ms,
  rate: rateOf,
  tools: ({ tools }) => tools,
  waited: ({ waited_ms, approvals }) => (approvals > 0 ? waited_ms : undefined),
  error: ({ error }) => error?.message,
} satisfies Record<string, (turn: RecordedTurn, now: number) => Value>;

export type SortKey = keyof typeof VALUES;

/** The newest first, as the daemon lists them. */
export const NEWEST: Sort = { by: 'time', isDown: true };

/** Reads `-dur` (the longest first) or `agent`; what is none of them is {@link NEWEST}. */
export function sortOf(text: string): Sort {
  const isDown = text.startsWith('-');
  const by = isDown ? text.slice(1) : text;
  return Object.hasOwn(VALUES, by) ? { by: by as SortKey, isDown } : NEWEST;
}

/** The same as the address has it: empty for {@link NEWEST}. */
export function sortText({ by, isDown }: Sort): string {
  return by === NEWEST.by && isDown ? '' : `${isDown ? '-' : ''}${by}`;
}

/** The turns in that order; those without a value are last either way, and equal ones stay the newest first. */
export function sorted(turns: readonly RecordedTurn[], { by, isDown }: Sort, now: number): RecordedTurn[] {
  const of: (turn: RecordedTurn, now: number) => Value = VALUES[by];
  const rows = turns.map((turn) => ({ turn, value: of(turn, now) }));
  const sign = isDown ? -1 : 1;
  rows.sort((one, other) => {
    if (one.value === undefined || other.value === undefined)
      return Number(one.value === undefined) - Number(other.value === undefined);
    const order = one.value < other.value ? -1 : one.value > other.value ? 1 : 0;
    return order * sign || other.turn.started_at - one.turn.started_at;
  });
  return rows.map(({ turn }) => turn);
}
