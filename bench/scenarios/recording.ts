import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, ratioGoal } from './pair.ts';

const RECORDED = 'recorded';
const FORGOTTEN = 'not recorded';

/** What it costs a delta that turns are recorded, in memory, as the daemon does unless told otherwise. */
export const recordingScenario: Scenario = {
  name: 'recording',
  does: '100 turns as fast as they go with the flight recorder on, against off',
  run,
};

async function run(setting: Setting): Promise<Outcome> {
  const results = await measurePairs(setting, [
    { name: RECORDED, flags: ['--record', 'memory'] },
    { name: FORGOTTEN, flags: ['--record', 'off'] },
  ]);
  return outcomeOfPair(results, 'A delta while turns are recorded (100 turns at once)', [
    ratioGoal(results, cpuPerDelta, [RECORDED, FORGOTTEN], 'CPU a delta, recorded against not', 1.05),
  ]);
}
