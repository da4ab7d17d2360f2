import { Pace } from '../load/pace.ts';
import { makePlan } from '../load/plan.ts';
import { runStream, type StreamResult } from '../load/stream-run.ts';
import type { Collections } from '../probe.ts';
import { number, withSpread } from '../report.ts';
import { interleave, type Outcome, pick, type Scenario, type Setting } from '../scenario.ts';
import { median, quantile } from '../stats.ts';
import type { Target } from '../targets/target.ts';
import { HUNDRED } from './flooding.ts';
import { Trio } from './trio.ts';

const PER_SECOND = 20_000;

interface Result extends StreamResult {
  p99Ms: number;
  collections: Collections;
}

/** What a p99 is made of: each collection stops everything, and every delta that comes meanwhile waits for its end. */
export const tailScenario: Scenario = {
  name: 'tail',
  does: '20,000 deltas a second: how often collections stop each target, and for how long',
  run,
};

async function run({ sizes, cores }: Setting): Promise<Outcome> {
  // Targets of its own: once a process has been asked for its collections it goes on to count them.
  const trio = await Trio.start(cores, makePlan({ ...HUNDRED, deltas: sizes.deltas }));
  const plan = makePlan({ ...HUNDRED, deltas: Math.round((PER_SECOND * sizes.pacedSeconds) / HUNDRED.turns) });
  const one = async (target: Target): Promise<Result> => {
    await target.collections();
    const pace = new Pace(trio.fleet(target), plan, PER_SECOND);
    const result = await runStream(target, trio.fleet(target), plan, pace);
    return { ...result, p99Ms: quantile(pace.latencies, 0.99), collections: await target.collections() };
  };
  const results = await interleave(trio.targets, sizes.rounds, one);
  trio.stop();
  const rows = [...results.keys()].map((name) => {
    const all = (read: (result: Result) => number) => pick(results, name, read);
    return [
      name,
      withSpread(
        all(({ p99Ms }) => p99Ms),
        3,
      ),
      withSpread(
        all(({ collections, wallMs }) => (collections.count * 1000) / wallMs),
        1,
      ),
      withSpread(
        all(({ collections }) => collections.ms / Math.max(1, collections.count)),
        2,
      ),
      withSpread(
        all(({ collections }) => collections.longestMs),
        2,
      ),
      withSpread(
        all(({ collections, wallMs }) => (100 * collections.ms) / wallMs),
        2,
      ),
      number(100 * median(all(({ waited }) => waited)), 0),
    ];
  });
  const columns = ['', 'p99 ms', 'collections/s', 'each ms', 'longest ms', 'stopped %', 'waited %'];
  const waited = Math.max(...[...results.keys()].map((name) => median(pick(results, name, (result) => result.waited))));
  const title = 'What collections stop, 20,000 deltas a second';
  return { tables: [{ title, columns, rows }], goals: [], waited, raw: Object.fromEntries(results) };
}
