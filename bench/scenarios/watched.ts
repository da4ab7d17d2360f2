import { openWire } from '../load/fleet.ts';
import type { Wire } from '../load/wire.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import type { Target } from '../targets/target.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, perSecond, ratioGoal } from './pair.ts';

const WATCHED = 'watched';
const ALONE = 'nobody watches';

/** What it costs a delta that somebody watches the statecharts. */
export const watchedScenario: Scenario = {
  name: 'watched',
  does: '100 turns as fast as they go while somebody watches their statecharts, against nobody',
  run,
};

async function run(setting: Setting): Promise<Outcome> {
  const flags = ['--inspect'];
  let records = 0;
  const results = await measurePairs(
    setting,
    [
      { name: WATCHED, flags },
      { name: ALONE, flags },
    ],
    async ([watched]) => {
      const before = records;
      const watcher = await watch(watched, () => {
        records += 1;
      });
      return async () => {
        watcher.close();
        if (records === before) throw new Error('the watcher saw nothing');
      };
    },
  );
  return outcomeOfPair(results, `A delta while somebody watches (100 turns at once; ${records} inspect.event in all)`, [
    ratioGoal(results, cpuPerDelta, [WATCHED, ALONE], 'CPU a delta, watched against not', 1.1),
    ratioGoal(results, perSecond, [ALONE, WATCHED], 'deltas a second, not watched against watched', 1.1),
  ]);
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
