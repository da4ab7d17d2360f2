import { Fleet, type Placed } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Goal, type Outcome, pick, type Rounds, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Target } from '../targets/target.ts';
import { flood, HUNDRED } from './flooding.ts';

/** One of the two daemons of a pair. */
export interface Side {
  /** As the tables call it. */
  name: string;
  flags: readonly string[];
  /** Parameters of its chats, besides agent and prompt. */
  chatParams?: Record<string, unknown>;
  /** Of several brokers: where its hosts are. */
  placed?: Placed;
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

/** Streams 100 turns through both of a pair, round after round, each round beginning with the other one. */
export async function measurePairs(
  { cores, sizes }: Setting,
  sides: Sides,
  beside?: Beside,
): Promise<Rounds<StreamResult>> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, StreamResult[]>(sides.map(({ name }) => [name, []]));
  for (let round = 0; round < sizes.rounds; round += 1) {
    const order = round % 2 === 1 ? sides.toReversed() : sides;
    for (const [name, result] of await measurePair(cores, plan, sides, order, beside)) results.get(name)?.push(result);
  }
  return results;
}

/**
 * One round, with daemons of its own: two processes of the same program differ by some percent for as long as they live,
 * by what was compiled when, and that is as much as is to be measured here.
 */
async function measurePair(
  cores: Cores | undefined,
  plan: Plan,
  [dearer, plain]: Sides,
  order: readonly Side[],
  beside?: Beside,
): Promise<[name: string, result: StreamResult][]> {
  const pair = await Promise.all([
    startDaemon(cores, dearer.flags, dearer.name),
    startDaemon(cores, plain.flags, plain.name),
  ]);
  try {
    const end = await beside?.(pair);
    const results: [string, StreamResult][] = [];
    try {
      for (const { name, chatParams, placed } of order) {
        const target = name === dearer.name ? pair[0] : pair[1];
        const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts, placed);
        if (chatParams) fleet.chatParams = chatParams;
        await flood(target, fleet, plan);
        results.push([name, await flood(target, fleet, plan)]);
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

/** What a pair's measurements come to. */
export function outcomeOfPair(results: Rounds<StreamResult>, title: string, goals: Goal[]): Outcome {
  const names = [...results.keys()];
  return {
    tables: [
      {
        title,
        columns: ['', 'CPU µs/delta', 'deltas/s'],
        rows: names.map((name) => [
          name,
          withSpread(pick(results, name, cpuPerDelta), 2),
          withSpread(pick(results, name, perSecond), 0),
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
