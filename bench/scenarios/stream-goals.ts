import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Goal, pick, type Rounds } from '../scenario.ts';
import { median, spread } from '../stats.ts';
import { BROKER, CORKED, PLAIN } from '../targets/known.ts';

type Results = Rounds<StreamResult>;

/** What 100 turns at once must reach. */
export function floodGoals(results: Results): Goal[] {
  const ratio = (name: string, read: (result: StreamResult) => number) => {
    return median(pick(results, BROKER, read)) / median(pick(results, name, read));
  };
  const cpu = ({ cpuPerDeltaUs }: StreamResult) => cpuPerDeltaUs;
  const [plain, corked] = [ratio(PLAIN, cpu), ratio(CORKED, cpu)];
  const speed = ratio(PLAIN, ({ perSecond }) => perSecond);
  return [
    { what: 'CPU a delta, 100 turns, against (a)', wanted: '≤ 0.45', measured: number(plain, 2), met: plain <= 0.45 },
    { what: 'CPU a delta, 100 turns, against (b)', wanted: '≤ 1.25', measured: number(corked, 2), met: corked <= 1.25 },
    { what: 'throughput, 100 turns, against (a)', wanted: '≥ 2.20', measured: number(speed, 2), met: speed >= 2.2 },
  ];
}

/** What 20,000 deltas a second must reach. Below the plain relay's spread is as good as inside it. */
export function pacedGoals(results: Results): Goal[] {
  const p99 = (name: string) => pick(results, name, ({ p99Ms = Number.NaN }) => p99Ms);
  const own = median(p99(BROKER));
  const [, worst] = spread(p99(PLAIN));
  return [
    {
      what: "p99 at 20,000/s: no worse than (a)'s runs, and under 2 ms",
      wanted: `≤ ${number(Math.min(worst, 2), 3)} ms`,
      measured: `${withSpread(p99(BROKER), 3)} ms`,
      met: own <= worst && own < 2,
    },
  ];
}
