import { setTimeout as sleep } from 'node:timers/promises';
import { Fleet } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Target } from '../targets/target.ts';
import { flood, HUNDRED } from './flooding.ts';

const ON = 'everything on';
const OFF = 'everything off';
/** How often the metrics are scraped. */
const SCRAPE_MS = 1_000;

/** What authentication, approvals, metrics and logs cost a delta. */
export const featuresScenario: Scenario = {
  name: 'features',
  does: 'authentication, approvals, metrics scraped once a second and logs, against none of them',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, StreamResult[]>([
    [ON, []],
    [OFF, []],
  ]);
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [name, result] of await measurePair(cores, plan, round % 2 === 1)) results.get(name)?.push(result);
  }
  const cpu = (name: string) => pick(results, name, ({ cpuPerDeltaUs }) => cpuPerDeltaUs);
  const ratio = median(cpu(ON)) / median(cpu(OFF));
  return {
    tables: [
      {
        title: 'A delta with everything on, and off (100 turns at once)',
        columns: ['', 'CPU µs/delta', 'deltas/s'],
        rows: [ON, OFF].map((name) => [
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
        what: 'CPU a delta, everything on against off',
        wanted: '≤ 1.05',
        measured: number(ratio, 3),
        met: ratio <= 1.05,
      },
    ],
    waited: Math.max(...[ON, OFF].map((name) => median(pick(results, name, ({ waited }) => waited)))),
    raw: Object.fromEntries(results),
  };
}

/**
 * One round, with daemons of its own: two processes of the same program differ by some percent for as long as they live,
 * by what was compiled when, and that is as much as is to be measured here.
 */
async function measurePair(
  cores: Cores | undefined,
  plan: Plan,
  isOffFirst: boolean,
): Promise<[name: string, result: StreamResult][]> {
  const pair = await Promise.all([
    startDaemon(cores, ['--log-level', 'info'], ON),
    startDaemon(cores, ['--no-auth', '--no-approvals', '--log-level', 'silent'], OFF),
  ]);
  const [on] = pair;
  const enough = new AbortController();
  const scraping = scrapeUntil(on, enough.signal);
  // It is heard of below, when the measurement is over.
  scraping.catch(() => {});
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
    enough.abort();
    try {
      // Not from under a scrape that is under way.
      await scraping;
    } finally {
      for (const target of pair) target.stop();
    }
  }
}

/** Scrapes again and again. Resolves when it is told to end, and the last scrape has been answered. */
async function scrapeUntil(target: Target, enough: AbortSignal): Promise<void> {
  while (!enough.aborted) {
    await sleep(SCRAPE_MS, undefined, { signal: enough }).catch(() => {});
    if (!enough.aborted) await scrape(target);
  }
}

async function scrape({ url }: Target): Promise<void> {
  const response = await fetch(`${url.replace(/^ws/, 'http')}/metrics`);
  const text = await response.text();
  if (!response.ok || !text.includes('# TYPE')) throw new Error(`no metrics: ${response.status} ${text.slice(0, 200)}`);
}
