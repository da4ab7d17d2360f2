import { setTimeout as sleep } from 'node:timers/promises';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import type { Target } from '../targets/target.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, ratioGoal } from './pair.ts';

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

async function run(setting: Setting): Promise<Outcome> {
  const results = await measurePairs(
    setting,
    [
      { name: ON, flags: ['--log-level', 'info'] },
      { name: OFF, flags: ['--no-auth', '--no-approvals', '--log-level', 'silent'] },
    ],
    async ([on]) => scrapeUntilToldToEnd(on),
  );
  return outcomeOfPair(results, 'A delta with everything on, and off (100 turns at once)', [
    ratioGoal(results, cpuPerDelta, [ON, OFF], 'CPU a delta, everything on against off', 1.05),
  ]);
}

/** Scrapes again and again. @returns what ends it, once the last scrape has been answered: not from under one that is under way. */
function scrapeUntilToldToEnd(target: Target): () => Promise<void> {
  const enough = new AbortController();
  const scraping = (async () => {
    while (!enough.signal.aborted) {
      await sleep(SCRAPE_MS, undefined, { signal: enough.signal }).catch(() => {});
      if (!enough.signal.aborted) await scrape(target);
    }
  })();
  // It is heard of when the measurement is over.
  scraping.catch(() => {});
  return () => {
    enough.abort();
    return scraping;
  };
}

async function scrape({ url }: Target): Promise<void> {
  const response = await fetch(`${url.replace(/^ws/, 'http')}/metrics`);
  const text = await response.text();
  if (!response.ok || !text.includes('# TYPE')) throw new Error(`no metrics: ${response.status} ${text.slice(0, 200)}`);
}
