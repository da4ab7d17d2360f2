import { Fleet } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import { flood, HUNDRED } from './flooding.ts';

const LOGGED = 'with a window';
const PLAIN = 'without';
/** The log alone: what a journal of it costs, `journal` measures. */
const OFF = ['--durable', 'off'];
/** Longer than any run. */
const WINDOW_MS = 600_000;

/** What it costs a delta that its turn may be resumed. */
export const resumingScenario: Scenario = {
  name: 'resuming',
  does: 'turns that may be resumed, each delta logged, against turns that may not',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, StreamResult[]>([
    [PLAIN, []],
    [LOGGED, []],
  ]);
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [name, result] of await measurePair(cores, plan, round % 2 === 1)) results.get(name)?.push(result);
  }
  const cpu = (name: string) => pick(results, name, ({ cpuPerDeltaUs }) => cpuPerDeltaUs);
  const ratio = median(cpu(LOGGED)) / median(cpu(PLAIN));
  return {
    tables: [
      {
        title: 'A delta of a turn that may be resumed, and of one that may not (100 turns at once)',
        columns: ['', 'CPU µs/delta', 'deltas/s'],
        rows: [PLAIN, LOGGED].map((name) => [
          name,
          withSpread(cpu(name), 2),
          withSpread(
            pick(results, name, ({ perSecond }) => perSecond),
            0,
          ),
        ]),
      },
    ],
    goals: [
      {
        what: 'CPU a delta, with a window against without',
        wanted: '≤ 1.3',
        measured: number(ratio, 3),
        met: ratio <= 1.3,
      },
    ],
    waited: Math.max(...[PLAIN, LOGGED].map((name) => median(pick(results, name, ({ waited }) => waited)))),
    raw: Object.fromEntries(results),
  };
}

/** One round, with daemons of its own: one that has kept logs has more to collect than one that has not. */
async function measurePair(
  cores: Cores | undefined,
  plan: Plan,
  isLoggedFirst: boolean,
): Promise<[name: string, result: StreamResult][]> {
  const pair = await Promise.all([startDaemon(cores, OFF, PLAIN), startDaemon(cores, OFF, LOGGED)]);
  try {
    const results: [string, StreamResult][] = [];
    for (const target of isLoggedFirst ? pair.toReversed() : pair) {
      const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts);
      if (target.name === LOGGED) fleet.chatParams = { resume_window_ms: WINDOW_MS };
      await flood(target, fleet, plan);
      results.push([target.name, await flood(target, fleet, plan)]);
      fleet.close();
    }
    return results;
  } finally {
    for (const target of pair) target.stop();
  }
}
