import { useRef } from 'preact/hooks';
import type { Host } from '../../client/browser.ts';
import { LIVE_STATES } from '../../protocol/recorded-states.ts';
import type { RecordedTurn, RecordedTurns } from '../../protocol/recording.ts';
import { brokerNow } from '../broker-clock.ts';
import { ofSession } from '../sign-out.ts';
import { usePoll } from '../use-poll.ts';
import { askTurns, type Params, type Trouble, troubleOf } from './ask.ts';
import { isLive } from './fields.ts';
import { type Term, turnQuery } from './query.ts';

const POLL_MS = 1_500;
/** The whole list is asked for anew no more often than this: of a long one only the newest and the live change. */
const WHOLE_MS = 15_000;
/** So soon after one that ended out of sight. */
const SOON_MS = 3_000;
/** The most that the daemon answers at once. */
const PAGE = 1_000;
/** How many of the newest are asked for in between. */
const NEWEST = 100;
/** Turns that the page holds. */
export const MAX_ROWS = 10_000;

/** What the daemon has told of its turns, for one query. */
export interface Runs {
  /** What was asked. */
  key: string;
  /** The newest first, those that the daemon found. */
  turns: readonly RecordedTurn[];
  kept: RecordedTurns['kept'];
  /** There are more than the page holds. */
  isCut: boolean;
  /** When the whole list was asked for. Unix ms, here. */
  wholeAt: number;
}

/** The turns, once they are there. */
export const runs = ofSession<Runs | undefined>(undefined);
/** Why they are not there. `off`: this daemon does not record. */
export const trouble = ofSession<Trouble | undefined>(undefined);

/** Keeps {@link runs} up to date while a component is there. */
export function useRuns(terms: readonly Term[]): void {
  const key = JSON.stringify(terms);
  const wanted = useRef(key);
  wanted.current = key;
  usePoll(
    POLL_MS,
    async (host) => {
      const known = runs.peek();
      try {
        const { params } = turnQuery(terms, brokerNow());
        const told = await ask(host, params, key, known?.key === key ? known : undefined);
        if (wanted.current !== key) return;
        runs.value = told;
        trouble.value = undefined;
      } catch (error) {
        if (wanted.current === key) trouble.value = troubleOf(error);
      }
    },
    [key],
  );
}

async function ask(host: Host, params: Params, key: string, known: Runs | undefined): Promise<Runs> {
  if (!known || Date.now() - known.wholeAt > WHOLE_MS) return askWhole(host, params, key);
  const page = await askTurns(host, { ...params, limit: NEWEST });
  // A busy daemon: between what came now and what is known there are others.
  const reaches = page.cursor === undefined || page.turns.some(({ turn_id }) => turn_id === known.turns[0]?.turn_id);
  if (!reaches) return askWhole(host, params, key);
  const oldest = page.turns.at(-1)?.started_at ?? 0;
  const isOlder = ({ started_at }: RecordedTurn) => page.cursor !== undefined && started_at <= oldest;
  const told = new Map(page.turns.map((turn) => [turn.turn_id, turn]));
  const older = known.turns.filter((turn) => isOlder(turn) && !told.has(turn.turn_id));
  const isWhole = !older.some(isLive) || (await refresh(host, params, older));
  const wholeAt = isWhole ? known.wholeAt : Math.min(known.wholeAt, Date.now() - WHOLE_MS + SOON_MS);
  return { ...known, turns: [...page.turns, ...older].slice(0, MAX_ROWS), kept: page.kept, wholeAt };
}

/** Those of before that were live, as they are now. @returns whether all are yet: how one has ended, the whole list says. */
async function refresh(host: Host, params: Params, older: RecordedTurn[]): Promise<boolean> {
  const state = LIVE_STATES.filter((one) => params.state?.includes(one) ?? true);
  const page = await askTurns(host, { ...params, state, limit: PAGE });
  const told = new Map(page.turns.map((turn) => [turn.turn_id, turn]));
  let isWhole = true;
  for (const [at, turn] of older.entries()) {
    if (!isLive(turn)) continue;
    const now = told.get(turn.turn_id);
    if (now) older[at] = now;
    else isWhole = false;
  }
  return isWhole;
}

async function askWhole(host: Host, params: Params, key: string): Promise<Runs> {
  const wholeAt = Date.now();
  const turns: RecordedTurn[] = [];
  let page = await askTurns(host, { ...params, limit: PAGE });
  turns.push(...page.turns);
  while (page.cursor !== undefined && page.turns.length > 0 && turns.length < MAX_ROWS) {
    page = await askTurns(host, { ...params, limit: PAGE, cursor: page.cursor });
    turns.push(...page.turns);
  }
  const isCut = page.cursor !== undefined;
  return { key, turns: turns.slice(0, MAX_ROWS), kept: page.kept, isCut, wholeAt };
}
