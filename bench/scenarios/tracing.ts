import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type ChurnResult, churn } from '../load/churn.ts';
import { Fleet } from '../load/fleet.ts';
import { number, withSpread } from '../report.ts';
import { interleave, type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Target } from '../targets/target.ts';

const OFF = 'tracing off';
const UNSAMPLED = 'unsampled';
const SAMPLED = 'sampled';

const COMPANY = { agents: 10, hosts: 20 };
const LANES = 4;
/** What a turn may cost more than without, in µs. */
const MOST_UNSAMPLED = 15;
const MOST_SAMPLED = 50;

/** What it costs a turn to be told of to a collector, which is in this process. */
export const tracingScenario: Scenario = {
  name: 'tracing',
  does: 'opening and ending turns without a collector, with one and nothing sampled, and with everything',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const collector = await startCollector();
  const url = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
  const targets = await Promise.all([
    startDaemon(cores, [], OFF),
    startDaemon(cores, ['--otlp', url, '--trace-sample', '0'], UNSAMPLED),
    startDaemon(cores, ['--otlp', url], SAMPLED),
  ]);
  try {
    const fleets = new Map<Target, Fleet>();
    for (const target of targets) {
      const fleet = await Fleet.open(target, COMPANY.agents, COMPANY.hosts);
      fleets.set(target, fleet);
      await churn(target, fleet, sizes.churned, LANES);
    }
    const results = await interleave(targets, sizes.rounds, (target) =>
      churn(target, fleets.get(target) as Fleet, sizes.churned, LANES),
    );
    for (const fleet of fleets.values()) fleet.close();
    const cpu = (name: string) => pick(results, name, ({ cpuPerTurnUs }: ChurnResult) => cpuPerTurnUs);
    const waited = (name: string) => pick(results, name, (result) => result.waited);
    const names = [OFF, UNSAMPLED, SAMPLED];
    // Round by round: what else the machine does meets the three of a round alike.
    const more = (name: string) => median(cpu(name).map((value, round) => value - (cpu(OFF)[round] ?? Number.NaN)));
    const goal = (name: string, most: number) => ({
      what: `CPU a turn, ${name} over off`,
      wanted: `≤ ${most} µs`,
      measured: `${number(more(name), 1)} µs`,
      met: more(name) <= most,
    });
    return {
      tables: [
        {
          title: 'A turn, told of to a collector (two spans, no tool)',
          columns: ['', 'CPU µs/turn', 'over off', 'waited %'],
          rows: names.map((name) => [
            name,
            withSpread(cpu(name), 1),
            number(more(name), 1),
            number(100 * median(waited(name)), 0),
          ]),
        },
      ],
      goals: [goal(UNSAMPLED, MOST_UNSAMPLED), goal(SAMPLED, MOST_SAMPLED)],
      waited: Math.max(...names.map((name) => median(waited(name)))),
      raw: Object.fromEntries(results),
    };
  } finally {
    for (const target of targets) target.stop();
    collector.closeAllConnections();
    collector.close();
  }
}

/** Takes whatever is sent. */
function startCollector(): Promise<Server> {
  const server = createServer((request, response) => {
    request.resume().on('end', () => response.writeHead(200).end());
  });
  return new Promise((resolve) => server.listen(0, '127.0.0.1', () => resolve(server)));
}
