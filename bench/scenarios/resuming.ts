import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, ratioGoal } from './pair.ts';

const LOGGED = 'with a window';
const PLAIN = 'without';
/** The log alone: what a journal of it costs, `journal` measures. */
const OFF = ['--durable', 'off'];
/** Longer than any run. */
const WINDOW_MS = 600_000;

/** What it costs a delta that its turn may be resumed. */
export const resumingScenario: Scenario = {
  name: 'resuming',
  does: 'turns that may be resumed, each delta logged, against turns that may not',
  run,
};

async function run(setting: Setting): Promise<Outcome> {
  const results = await measurePairs(setting, [
    { name: LOGGED, flags: OFF, chatParams: { resume_window_ms: WINDOW_MS } },
    { name: PLAIN, flags: OFF },
  ]);
  return outcomeOfPair(results, 'A delta of a turn that may be resumed, and of one that may not (100 turns at once)', [
    ratioGoal(results, cpuPerDelta, [LOGGED, PLAIN], 'CPU a delta, with a window against without', 1.3),
  ]);
}
