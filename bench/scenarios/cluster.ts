import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, ratioGoal, type Sides } from './pair.ts';

const ALONE = 'one process';
const CROSSING = 'two workers, hosts at the other';
const LOCAL = 'two workers, hosts at the agent’s';

const CROSSED: Sides = [
  { name: CROSSING, flags: ['--workers', '2'], placed: 'apart' },
  { name: ALONE, flags: [] },
];
const NEAR: Sides = [
  { name: LOCAL, flags: ['--workers', '2'], placed: 'together' },
  { name: ALONE, flags: [] },
];

/** What it costs a delta that its host is at another worker, and what it costs that there is one. */
export const clusterScenario: Scenario = {
  name: 'cluster',
  does: '100 turns as fast as they go over two workers, against one process: all crossing, and none',
  run,
};

async function run(setting: Setting): Promise<Outcome> {
  const crossed = await measurePairs(setting, CROSSED);
  const near = await measurePairs(setting, NEAR);
  const outcomes = [
    outcomeOfPair(crossed, 'A delta that crosses between two workers (100 turns at once; CPU of all processes)', [
      ratioGoal(crossed, cpuPerDelta, [CROSSING, ALONE], 'CPU a delta that crosses, against one process', 1.25),
    ]),
    outcomeOfPair(near, 'The same where none crosses', [
      ratioGoal(near, cpuPerDelta, [LOCAL, ALONE], 'CPU a delta that does not, against one process', 1.05),
    ]),
  ];
  return {
    tables: outcomes.flatMap(({ tables }) => tables),
    goals: outcomes.flatMap(({ goals }) => goals),
    waited: Math.max(...outcomes.map(({ waited = 0 }) => waited)),
    raw: outcomes.map(({ raw }) => raw),
  };
}
