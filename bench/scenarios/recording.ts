import { Fleet } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import { flood, HUNDRED } from './flooding.ts';

const RECORDED = 'recorded';
const FORGOTTEN = 'not recorded';

/** What it costs a delta that turns are recorded, in memory, as the daemon does unless told otherwise. */
export const recordingScenario: Scenario = {
  name: 'recording',
  does: '100 turns as fast as they go with the flight recorder on, against off',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, StreamResult[]>([
    [RECORDED, []],
    [FORGOTTEN, []],
  ]);
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [name, result] of await measurePair(cores, plan, round % 2 === 1)) results.get(name)?.push(result);
  }
  const cpu = (name: string) => pick(results, name, ({ cpuPerDeltaUs }) => cpuPerDeltaUs);
  const speed = (name: string) => pick(results, name, ({ perSecond }) => perSecond);
  const dearer = median(cpu(RECORDED)) / median(cpu(FORGOTTEN));
  return {
    tables: [
      {
        title: 'A delta while turns are recorded (100 turns at once)',
        columns: ['', 'CPU µs/delta', 'deltas/s'],
        rows: [RECORDED, FORGOTTEN].map((name) => [name, withSpread(cpu(name), 2), withSpread(speed(name), 0)]),
      },
    ],
    goals: [
      { what: 'CPU a delta, recorded against not', wanted: '≤ 1.05', measured: number(dearer, 3), met: dearer <= 1.05 },
    ],
    waited: Math.max(...[RECORDED, FORGOTTEN].map((name) => median(pick(results, name, ({ waited }) => waited)))),
    raw: Object.fromEntries(results),
  };
}

/** One round, with daemons of its own, as in `features`. */
async function measurePair(
  cores: Cores | undefined,
  plan: Plan,
  isOffFirst: boolean,
): Promise<[name: string, result: StreamResult][]> {
  const pair = await Promise.all([
    startDaemon(cores, ['--record', 'memory'], RECORDED),
    startDaemon(cores, ['--record', 'off'], FORGOTTEN),
  ]);
  try {
    const results: [string, StreamResult][] = [];
    for (const target of isOffFirst ? pair.toReversed() : pair) {
      const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts);
      await flood(target, fleet, plan);
      results.push([target.name, await flood(target, fleet, plan)]);
      fleet.close();
    }
    return results;
  } finally {
    for (const target of pair) target.stop();
  }
}
