import { Fleet, openWire } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import type { Wire } from '../load/wire.ts';
import { number, withSpread } from '../report.ts';
import { type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Target } from '../targets/target.ts';
import { flood, HUNDRED } from './flooding.ts';

const WATCHED = 'watched';
const ALONE = 'nobody watches';

/** What it costs a delta that somebody watches the statecharts. */
export const watchedScenario: Scenario = {
  name: 'watched',
  does: '100 turns as fast as they go while somebody watches their statecharts, against nobody',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, StreamResult[]>([
    [WATCHED, []],
    [ALONE, []],
  ]);
  let records = 0;
  for (let round = 0; round < sizes.rounds; round += 1) {
    const pair = await measurePair(cores, plan, round % 2 === 1);
    for (const [name, result] of pair.results) results.get(name)?.push(result);
    records += pair.frames;
  }
  const cpu = (name: string) => pick(results, name, ({ cpuPerDeltaUs }) => cpuPerDeltaUs);
  const speed = (name: string) => pick(results, name, ({ perSecond }) => perSecond);
  const dearer = median(cpu(WATCHED)) / median(cpu(ALONE));
  const slower = median(speed(ALONE)) / median(speed(WATCHED));
  return {
    tables: [
      {
        title: `A delta while somebody watches (100 turns at once; ${records} inspect.event in all)`,
        columns: ['', 'CPU µs/delta', 'deltas/s'],
        rows: [WATCHED, ALONE].map((name) => [name, withSpread(cpu(name), 2), withSpread(speed(name), 0)]),
      },
    ],
    goals: [
      goal('CPU a delta, watched against not', dearer),
      goal('deltas a second, not watched against watched', slower),
    ],
    waited: Math.max(...[WATCHED, ALONE].map((name) => median(pick(results, name, ({ waited }) => waited)))),
    raw: Object.fromEntries(results),
  };
}

function goal(what: string, ratio: number) {
  return { what, wanted: '≤ 1.10', measured: number(ratio, 3), met: ratio <= 1.1 };
}

/** One round, with daemons of its own, as in `features`. */
async function measurePair(
  cores: Cores | undefined,
  plan: Plan,
  isAloneFirst: boolean,
): Promise<{ results: [name: string, result: StreamResult][]; frames: number }> {
  const flags = ['--inspect'];
  const pair = await Promise.all([startDaemon(cores, flags, WATCHED), startDaemon(cores, flags, ALONE)]);
  let frames = 0;
  try {
    const watcher = await watch(pair[0], () => {
      frames += 1;
    });
    const results: [string, StreamResult][] = [];
    for (const target of isAloneFirst ? pair.toReversed() : pair) {
      const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts);
      await flood(target, fleet, plan);
      results.push([target.name, await flood(target, fleet, plan)]);
      fleet.close();
    }
    watcher.close();
    if (frames === 0) throw new Error('the watcher saw nothing');
    return { results, frames };
  } finally {
    for (const target of pair) target.stop();
  }
}

/** Subscribes, and reads whatever comes without looking at it. */
async function watch(target: Target, heard: () => void): Promise<Wire> {
  const watcher = await openWire(target, { host_token: target.tokens?.host ?? '' });
  await watcher.call('inspect.subscribe', {});
  watcher.onText = () => {
    heard();
    return true;
  };
  return watcher;
}
