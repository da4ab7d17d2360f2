import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { interleave, type Outcome, pick, type Rounds, type Scenario, type Setting, type Table } from '../scenario.ts';
import type { Sizes } from '../sizes.ts';
import { median } from '../stats.ts';
import { CORKED, PLAIN } from '../targets/known.ts';
import { HUNDRED } from './flooding.ts';
import { floodGoals, pacedGoals } from './stream-goals.ts';
import { Trio } from './trio.ts';
import { flooding, pacing, type Way } from './ways.ts';

/** The scenarios that stream deltas through all three targets. */
export const streamScenarios: Scenario[] = [
  {
    name: 'hundred',
    does: '100 turns of 1,000 deltas, 10 agents, 10 hosts, as fast as they go',
    run: (setting) => compare(setting, '100 turns at once', flooding(hundred), floodGoals),
  },
  {
    name: 'one',
    does: '1 turn alone, as fast as it goes',
    run: (setting) => compare(setting, '1 turn alone', flooding(alone), () => []),
  },
  {
    name: 'paced-5000',
    does: '100 turns, 5,000 deltas a second in all: latency',
    run: (setting) => compare(setting, '5,000 deltas a second', pacing(5_000), () => []),
  },
  {
    name: 'paced-20000',
    does: '100 turns, 20,000 deltas a second in all: latency',
    run: (setting) => compare(setting, '20,000 deltas a second', pacing(20_000), pacedGoals),
  },
];

let trio: Promise<Trio> | undefined;

/** Ends what the comparisons have shared, if there were any. */
export async function stopSharing(): Promise<void> {
  (await trio)?.stop();
  trio = undefined;
}

async function compare(
  { cores, sizes }: Setting,
  title: string,
  way: Way,
  goals: (results: Rounds<StreamResult>) => Outcome['goals'],
): Promise<Outcome> {
  trio ??= Trio.start(cores, hundred(sizes));
  const three = await trio;
  const plan = way.plan(sizes);
  const results = await interleave(three.targets, sizes.rounds, (target) => way.run(target, three.fleet(target), plan));
  const waited = Math.max(...[...results.keys()].map((name) => median(pick(results, name, (result) => result.waited))));
  return { tables: [toTable(title, results)], goals: goals(results), waited, raw: Object.fromEntries(results) };
}

/** 100 turns with one run's deltas each. */
function hundred({ deltas }: Sizes): Plan {
  return makePlan({ ...HUNDRED, deltas });
}

function alone({ deltasAlone }: Sizes): Plan {
  return makePlan({ agents: 1, hosts: 1, turns: 1, deltas: deltasAlone });
}

function toTable(title: string, results: Rounds<StreamResult>): Table {
  const rows = [...results.keys()].map((name) => {
    const all = (read: Reader) => pick(results, name, read);
    const against = (other: string, read: Reader) => number(median(all(read)) / median(pick(results, other, read)), 2);
    const latency = (read: Reader) => (all(read).some(Number.isNaN) ? '–' : withSpread(all(read), 3));
    const percent = (read: Reader) => number(100 * median(all(read)), 0);
    return [
      name,
      withSpread(all(perSecond), 0),
      withSpread(all(cpuPerDelta), 2),
      latency(({ p50Ms = Number.NaN }) => p50Ms),
      latency(({ p99Ms = Number.NaN }) => p99Ms),
      against(PLAIN, cpuPerDelta),
      against(CORKED, cpuPerDelta),
      against(PLAIN, perSecond),
      percent(({ targetBusy }) => targetBusy),
      percent(({ loadBusy }) => loadBusy),
      percent(({ waited }) => waited),
    ];
  });
  const load = ['busy %', 'load %', 'waited %'];
  const ratios = ['CPU : (a)', 'CPU : (b)', 'deltas/s : (a)'];
  return { title, columns: ['', 'deltas/s', 'CPU µs/delta', 'p50 ms', 'p99 ms', ...ratios, ...load], rows };
}

type Reader = (result: StreamResult) => number;

const perSecond: Reader = (result) => result.perSecond;
const cpuPerDelta: Reader = (result) => result.cpuPerDeltaUs;
