import { Fleet, type Placed } from '../load/fleet.ts';
import { deltasPerMessage, linkCounts } from '../load/link-counts.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Goal, type Outcome, pick, type Rounds, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Target } from '../targets/target.ts';
import { HUNDRED } from './flooding.ts';
import { flooding, type Way } from './ways.ts';

/** One of the two daemons of a pair. */
export interface Side {
  /** As the tables call it. */
  name: string;
  flags: readonly string[];
  /** Parameters of its chats, besides agent and prompt. */
  chatParams?: Record<string, unknown>;
  /** Of several brokers: where its hosts are. */
  placed?: Placed;
  /** How it is started, where that takes more than a daemon with these flags. */
  start?: (cores: Cores | undefined, name: string) => Promise<Target>;
}

/** The one that does more, and the one that does not. */
export type Sides = readonly [dearer: Side, plain: Side];
/** See {@link Sides}. */
export type Pair = readonly [dearer: Target, plain: Target];

/**
 * Something that goes on while a pair is measured.
 * @returns what ends it; it rejects where something went wrong meanwhile
 */
export type Beside = (pair: Pair) => Promise<() => Promise<void>>;

/** 100 turns as fast as they go. */
const HUNDRED_FAST = flooding(({ featureDeltas }) => makePlan({ ...HUNDRED, deltas: featureDeltas }));

/** Streams 100 turns through both of a pair, round after round, each round beginning with the other one. */
export async function measurePairs(
  { cores, sizes }: Setting,
  sides: Sides,
  beside?: Beside,
  way: Way = HUNDRED_FAST,
): Promise<Rounds<StreamResult>> {
  const plan = way.plan(sizes);
  const results = new Map<string, StreamResult[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < sizes.rounds; round += 1) {
    const order = round % 2 === 1 ? sides.toReversed() : sides;
    for (const [name, result] of await measurePair(cores, { plan, way }, sides, order, beside))
      results.get(name)?.push(result);
  }
  return results;
}

/**
 * One round, with daemons of its own: two processes of the same program differ by some percent for as long as they live,
 * by what was compiled when, and that is as much as is to be measured here.
 */
async function measurePair(
  cores: Cores | undefined,
  { plan, way }: { plan: Plan; way: Way },
  [dearer, plain]: Sides,
  order: readonly Side[],
  beside?: Beside,
): Promise<[name: string, result: StreamResult][]> {
  const pair = await Promise.all([startSide(dearer, cores), startSide(plain, cores)]);
  try {
    const end = await beside?.(pair);
    const results: [string, StreamResult][] = [];
    try {
      for (const { name, chatParams, placed } of order) {
        const target = name === dearer.name ? pair[0] : pair[1];
        const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts, placed);
        if (chatParams) fleet.chatParams = chatParams;
        await way.run(target, fleet, plan);
        const before = placed && (await linkCounts(target.url));
        const result = await way.run(target, fleet, plan);
        if (before) result.perMessage = deltasPerMessage(before, await linkCounts(target.url));
        results.push([name, result]);
        fleet.close();
      }
    } finally {
      // The daemons stay for as long as it lasts.
      await end?.();
    }
    return results;
  } finally {
    for (const target of pair) target.stop();
  }
}

/** Starts one of the two. */
export const startSide = ({ start, flags, name }: Side, cores: Cores | undefined): Promise<Target> =>
  start ? start(cores, name) : startDaemon(cores, flags, name);

/** What a pair's measurements come to. */
export function outcomeOfPair(results: Rounds<StreamResult>, title: string, goals: Goal[]): Outcome {
  const names = [...results.keys()];
  const isAcross = [...results.values()].flat().some((result) => result.perMessage !== undefined);
  const across = (name: string) =>
    pick(results, name, ({ perMessage = Number.NaN }) => perMessage).filter(Number.isFinite);
  return {
    tables: [
      {
        title,
        columns: ['', 'CPU µs/delta', 'deltas/s', ...(isAcross ? ['deltas a message'] : [])],
        rows: names.map((name) => [
          name,
          withSpread(pick(results, name, cpuPerDelta), 2),
          withSpread(pick(results, name, perSecond), 0),
          ...(isAcross ? [withSpread(across(name), 1)] : []),
        ]),
      },
    ],
    goals,
    waited: Math.max(...names.map((name) => median(pick(results, name, ({ waited }) => waited)))),
    raw: Object.fromEntries(results),
  };
}

export const cpuPerDelta = ({ cpuPerDeltaUs }: StreamResult): number => cpuPerDeltaUs;
export const perSecond = ({ perSecond: deltas }: StreamResult): number => deltas;

/** By how much one of them is more than the other: the goal is that it is so many times as much at most. */
export function ratioGoal(
  results: Rounds<StreamResult>,
  read: (result: StreamResult) => number,
  [one, other]: readonly [name: string, name: string],
  what: string,
  most: number,
): Goal {
  const ratio = median(pick(results, one, read)) / median(pick(results, other, read));
  return { what, wanted: `≤ ${most}`, measured: number(ratio, 3), met: ratio <= most };
}
