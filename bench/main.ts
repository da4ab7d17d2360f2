import { writeFileSync } from 'node:fs';
import { cpus } from 'node:os';
import { selfCheck } from './load/self-check.ts';
import { helpText, type Options, readOptions } from './options.ts';
import { goalsText, tableText } from './report.ts';
import type { Outcome, Scenario } from './scenario.ts';
import { attachScenario } from './scenarios/attach.ts';
import { auditScenario } from './scenarios/audit.ts';
import { clusterScenario } from './scenarios/cluster.ts';
import { factsScenario } from './scenarios/facts.ts';
import { fairnessScenario } from './scenarios/fairness.ts';
import { featuresScenario } from './scenarios/features.ts';
import { frontsScenario } from './scenarios/fronts.ts';
import { journalScenario } from './scenarios/journal.ts';
import { jwtScenario } from './scenarios/jwt.ts';
import { memoryScenario } from './scenarios/memory.ts';
import { recordingScenario } from './scenarios/recording.ts';
import { resumingScenario } from './scenarios/resuming.ts';
import { soakScenario } from './scenarios/soak.ts';
import { stopSharing, streamScenarios } from './scenarios/streams.ts';
import { tailScenario } from './scenarios/tail.ts';
import { tlsScenario } from './scenarios/tls.ts';
import { tracingScenario } from './scenarios/tracing.ts';
import { turnsScenario } from './scenarios/turns.ts';
import { watchedScenario } from './scenarios/watched.ts';
import { chooseCores, pinSelf } from './targets/pinning.ts';
import { stopAll } from './targets/target.ts';

/** Beyond this share of time lost to other processes, rates and latencies are the machine's. */
const MAX_WAITED = 0.05;

const SCENARIOS: readonly Scenario[] = [
  ...streamScenarios,
  tailScenario,
  turnsScenario,
  memoryScenario,
  soakScenario,
  featuresScenario,
  factsScenario,
  auditScenario,
  watchedScenario,
  recordingScenario,
  resumingScenario,
  journalScenario,
  fairnessScenario,
  tlsScenario,
  tracingScenario,
  jwtScenario,
  frontsScenario,
  attachScenario,
  clusterScenario,
];

// Whatever ends this process ends what it started, before anything else can go wrong.
process.on('exit', stopAll);
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(code));
}
process.on('uncaughtException', (error) => {
  console.error(`bench: ${error.stack ?? error.message}`);
  process.exit(1);
});

const options = read();
if (options?.isHelp) console.log(helpText(SCENARIOS));
else if (options) await run(options);

function read(): Options | undefined {
  try {
    return readOptions(process.argv.slice(2), SCENARIOS);
  } catch (error) {
    console.error(`bench: ${error instanceof Error ? error.message : error}`);
    process.exitCode = 2;
    return undefined;
  }
}

async function run({ scenarios, sizes, isQuick, json }: Options): Promise<void> {
  selfCheck();
  const cores = chooseCores();
  if (cores) pinSelf(cores);
  const machine = { node: process.version, cpu: cpus()[0]?.model ?? 'unknown', count: cpus().length, cores };
  const where = cores
    ? `targets on core ${cores.target}, the load on core ${cores.load}`
    : 'not pinned: there is no taskset, or no second core';
  console.log(`Node ${machine.node}, ${machine.count} × ${machine.cpu}; ${where}`);
  console.log(`Medians of ${sizes.rounds} rounds (least–greatest). Ratios inside one run are what counts.\n`);

  const outcomes: [name: string, outcome: Outcome][] = [];
  for (const scenario of scenarios) {
    const outcome = await scenario.run({ sizes, cores });
    outcomes.push([scenario.name, outcome]);
    for (const table of outcome.tables) console.log(`${tableText(table)}\n`);
  }
  await stopSharing();
  const goals = outcomes.flatMap(([, outcome]) => outcome.goals);
  if (goals.length > 0) console.log(goalsText(goals, isQuick));
  const waited = Math.max(0, ...outcomes.map(([, outcome]) => outcome.waited ?? 0));
  if (waited > MAX_WAITED) {
    const share = Math.round(waited * 100);
    console.log(
      `\nOther processes had these cores for up to ${share} % of the time: run it again on a quieter machine.`,
    );
  }
  if (json !== undefined) {
    const raw = Object.fromEntries(outcomes.map(([name, outcome]) => [name, outcome.raw]));
    const all = { at: new Date().toISOString(), quick: isQuick, machine, sizes, goals, ...raw };
    writeFileSync(json, `${JSON.stringify(all, null, 2)}\n`);
  }
}
