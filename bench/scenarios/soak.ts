import { setTimeout as sleep } from 'node:timers/promises';
import { churn } from '../load/churn.ts';
import { Fleet } from '../load/fleet.ts';
import { number } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { startDaemon } from '../targets/known.ts';

const COMPANY = { agents: 10, hosts: 20, lanes: 20 };
const MEGABYTE = 1024 * 1024;
/** Measurements between the first and the last, so that growth can be told from a jump. */
const STEPS = 5;

/** Whether anything is kept of turns that have ended. */
export const soakScenario: Scenario = {
  name: 'soak',
  does: '1,000,000 turns one after another: what remains on the heap (--turns N for fewer)',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const target = await startDaemon(cores);
  try {
    const fleet = await Fleet.open(target, COMPANY.agents, COMPANY.hosts);
    const samples: { turns: number; heapUsed: number; rss: number; cpuPerTurnUs: number }[] = [];
    const step = (sizes.soakTurns - sizes.soakBase) / STEPS;
    let turns = 0;
    for (let sample = 0; sample <= STEPS; sample += 1) {
      const until = Math.round(sizes.soakBase + sample * step);
      const { cpuPerTurnUs } = await churn(target, fleet, until - turns, COMPANY.lanes);
      turns = until;
      await sleep(sizes.settleMs);
      const { heapUsed, rss } = await target.memory();
      samples.push({ turns, heapUsed, rss, cpuPerTurnUs });
    }
    fleet.close();
    const grown = ((samples.at(-1)?.heapUsed ?? Number.NaN) - (samples[0]?.heapUsed ?? Number.NaN)) / MEGABYTE;
    return {
      tables: [
        {
          title: 'Turns one after another',
          columns: ['turns so far', 'heap MB, collected', 'resident MB', 'CPU µs/turn'],
          rows: samples.map((each) => [
            number(each.turns, 0),
            number(each.heapUsed / MEGABYTE, 2),
            number(each.rss / MEGABYTE, 1),
            number(each.cpuPerTurnUs, 1),
          ]),
        },
      ],
      goals: [
        {
          what: `heap after ${number(sizes.soakTurns, 0)} turns, against after ${number(sizes.soakBase, 0)}`,
          wanted: '≤ + 2 MB',
          measured: `${grown < 0 ? '' : '+ '}${number(grown, 2)} MB`,
          met: grown <= 2,
        },
      ],
      raw: samples,
    };
  } finally {
    target.stop();
  }
}
