import { Fleet, openWire } from '../load/fleet.ts';
import { Greedy } from '../load/greedy.ts';
import { Pace } from '../load/pace.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import { runStream, type StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { median, quantile } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Target } from '../targets/target.ts';
import { flood } from './flooding.ts';

/** The daemon's own person by two windows, and an agent. */
const INNOCENT = { agents: 1, hosts: 2, turns: 4 };
const PER_SECOND = 2_000;
/** How many connections somebody opens who wants more than others have. */
const GREEDY_CONNECTIONS = 50;
const LIMIT = 'identity.bytes=20000';
/** So much later than alone they may be. */
const MOST = 1.2;

interface Round {
  alone: Measured;
  beside: Measured;
  /** Requests of the greedy one's that were answered in a second. */
  answered: number;
}
interface Measured extends StreamResult {
  p50Ms: number;
  p99Ms: number;
}

/** What one person who asks by many connections costs another. */
export const fairnessScenario: Scenario = {
  name: 'fairness',
  does: 'the p99 of one person beside another who floods by 50 connections: with a limit, and without',
  run,
};

async function run({ sizes, cores }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...INNOCENT, deltas: Math.round((PER_SECOND * sizes.pacedSeconds) / INNOCENT.turns) });
  const names = [`--limit ${LIMIT}`, 'no limit'];
  const results = new Map<string, Round[]>();
  for (const [name, flags] of [
    [names[0] as string, ['--limit', LIMIT]],
    [names[1] as string, []],
  ] as const) {
    const target = await startDaemon(cores, flags, name);
    try {
      results.set(name, await measure(target, plan, sizes.rounds));
    } finally {
      target.stop();
    }
  }
  const pick = (name: string, read: (round: Round) => number) => (results.get(name) ?? []).map(read);
  const ratio = (name: string) => median(pick(name, ({ alone, beside }) => beside.p99Ms / alone.p99Ms));
  const waited = Math.max(...names.map((name) => median(pick(name, ({ beside }) => beside.waited))));
  const limited = ratio(names[0] as string);
  return {
    tables: [
      {
        title: `One person and an agent, ${number(PER_SECOND, 0)} deltas a second, beside ${GREEDY_CONNECTIONS} connections of another`,
        columns: [
          '',
          'p50 ms alone',
          'p50 ms beside',
          'p99 ms alone',
          'p99 ms beside',
          'p99 beside : alone',
          'asked/s',
          'waited %',
        ],
        rows: names.map((name) => [
          name,
          withSpread(
            pick(name, ({ alone }) => alone.p50Ms),
            3,
          ),
          withSpread(
            pick(name, ({ beside }) => beside.p50Ms),
            3,
          ),
          withSpread(
            pick(name, ({ alone }) => alone.p99Ms),
            3,
          ),
          withSpread(
            pick(name, ({ beside }) => beside.p99Ms),
            3,
          ),
          number(ratio(name), 2),
          withSpread(
            pick(name, ({ answered }) => answered),
            0,
          ),
          number(100 * median(pick(name, ({ beside }) => beside.waited)), 0),
        ]),
      },
    ],
    goals: [
      {
        what: 'p99 beside somebody who floods, with a limit, against alone',
        wanted: `≤ ${number(MOST, 2)}`,
        measured: number(limited, 2),
        met: limited <= MOST,
      },
    ],
    waited,
    raw: Object.fromEntries(results),
  };
}

async function measure(target: Target, plan: Plan, rounds: number): Promise<Round[]> {
  const fleet = await Fleet.open(target, plan.agents, plan.hosts);
  const manager = await openWire(target, { host_token: target.tokens?.host });
  const { token } = await manager.call('keys.add', { name: 'greedy' });
  manager.close();
  const greedy = await Greedy.open(target, token, GREEDY_CONNECTIONS);
  await flood(target, fleet, makePlan({ ...INNOCENT, deltas: plan.deltas }));
  const one = async (): Promise<Measured> => {
    const pace = new Pace(fleet, plan, PER_SECOND);
    const result = await runStream(target, fleet, plan, pace);
    return { ...result, p50Ms: quantile(pace.latencies, 0.5), p99Ms: quantile(pace.latencies, 0.99) };
  };
  const results: Round[] = [];
  for (let round = 0; round < rounds; round += 1) {
    const alone = await one();
    const before = greedy.answered;
    greedy.start();
    const beside = await one();
    greedy.stop();
    results.push({ alone, beside, answered: ((greedy.answered - before) * 1000) / beside.wallMs });
    // What was asked is answered, and what is owed is paid.
    await drained(greedy);
  }
  greedy.close();
  fleet.close();
  return results;
}

/** Resolves when nothing has been answered for two seconds. */
async function drained(greedy: Greedy): Promise<void> {
  for (let before = -1; before !== greedy.answered; ) {
    before = greedy.answered;
    await new Promise((resolve) => setTimeout(resolve, 2_000));
  }
}
