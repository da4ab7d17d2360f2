import { type ChurnResult, churn } from '../load/churn.ts';
import { Fleet } from '../load/fleet.ts';
import { makePlan } from '../load/plan.ts';
import { number, withSpread } from '../report.ts';
import { interleave, type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Target } from '../targets/target.ts';

/** Agents and hosts; no host may have more than 1,000 live turns. */
const COMPANY = { agents: 10, hosts: 20 };
/** Few, so that hardly more turns are live than are said to be. */
const LANES = 4;

/** What opening and ending a turn costs while others live: a daemon for each number of them, measured by turns. */
export const turnsScenario: Scenario = {
  name: 'turns',
  does: 'opening and ending turns while 10, 1,000 and 10,000 others live',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const names = sizes.live.map((live) => `${number(live, 0)} live`);
  const targets = await Promise.all(names.map((name) => startDaemon(cores, [], name)));
  try {
    const fleets = new Map<Target, Fleet>();
    for (const [index, target] of targets.entries()) {
      const fleet = await Fleet.open(target, COMPANY.agents, COMPANY.hosts);
      fleets.set(target, fleet);
      await fleet.openTurns(makePlan({ ...COMPANY, turns: sizes.live[index] ?? 0, deltas: 0 }).sessions);
      await churn(target, fleet, sizes.churned, LANES);
    }
    const results = await interleave(targets, sizes.rounds, (target) => {
      return churn(target, fleets.get(target) as Fleet, sizes.churned, LANES);
    });
    for (const fleet of fleets.values()) fleet.close();
    const cpu = (name: string | undefined) =>
      pick(results, name ?? '', ({ cpuPerTurnUs }: ChurnResult) => cpuPerTurnUs);
    const waited = (name: string) => pick(results, name, (result) => result.waited);
    const rows = names.map((name) => [
      name,
      withSpread(
        pick(results, name, ({ wallPerTurnUs }) => wallPerTurnUs),
        1,
      ),
      withSpread(cpu(name), 1),
      number(median(cpu(name)) / median(cpu(names[0])), 2),
      number(100 * median(waited(name)), 0),
      number(
        pick(results, name, ({ putOff }) => putOff).reduce((sum, each) => sum + each, 0),
        0,
      ),
    ]);
    const ratio = median(cpu(names.at(-1))) / median(cpu(names[0]));
    return {
      tables: [
        {
          title: 'Opening and ending a turn',
          columns: ['', 'wall µs/turn', 'CPU µs/turn', `CPU : ${names[0]}`, 'waited %', 'put off by a rate limit'],
          rows,
        },
      ],
      goals: [
        {
          what: `opening and ending a turn, ${names.at(-1)} against ${names[0]}`,
          wanted: '≤ 1.50',
          measured: number(ratio, 2),
          met: ratio <= 1.5,
        },
      ],
      waited: Math.max(...names.map((name) => median(waited(name)))),
      raw: Object.fromEntries(results),
    };
  } finally {
    for (const target of targets) target.stop();
  }
}
