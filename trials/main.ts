import { resolve } from 'node:path';
import { ACPX_TRIAL } from './acpx-trial.ts';
import { trialOf } from './agent-trial.ts';
import { AGENTS } from './agents.ts';
import { LIBRARY_TRIALS } from './library-trials.ts';
import { helpText, type Options, readOptions } from './options.ts';
import { install } from './packages.ts';
import { stopAll } from './processes.ts';
import { PROGRAM_TRIALS } from './program-trials.ts';
import { Scene } from './scene.ts';
import { newFolder, removeFolders } from './temporary.ts';
import { Printer, type Trial } from './trial.ts';

const TRIALS: readonly Trial[] = [...AGENTS.map(trialOf), ...PROGRAM_TRIALS, ...LIBRARY_TRIALS, ACPX_TRIAL];

// Whatever ends this process ends what it started, and removes it.
process.on('exit', () => {
  stopAll();
  removeFolders();
});
for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
] as const) {
  process.on(signal, () => process.exit(code));
}

const options = read();
if (options.isHelp) {
  console.log(helpText(TRIALS));
  process.exit(0);
}
console.log(`Node ${process.versions.node}, ${process.platform} ${process.arch}`);
const folder = options.packages ?? newFolder('switchboard-trials-');
const total = { passed: 0, failed: 0 };
// One after the other: each takes what the machine has.
for (const trial of options.trials) await run(trial, resolve(folder, trial.name));
console.log(`${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed > 0 ? 1 : 0);

async function run(trial: Trial, place: string): Promise<void> {
  const printer = new Printer(trial.name);
  let scene: Scene | undefined;
  try {
    const packages = await install(place, trial.packages);
    console.log(`\n${trial.name}: ${packages.versions}`);
    const begun = await Scene.start();
    scene = begun;
    await trial.run(begun, packages, printer.check);
  } catch (error) {
    await printer.check('is tried', () => Promise.reject(error));
  } finally {
    scene?.stop();
  }
  total.passed += printer.passed;
  total.failed += printer.failed;
}

function read(): Options {
  try {
    return readOptions(process.argv.slice(2), TRIALS);
  } catch (error) {
    console.error(`trials: ${error instanceof Error ? error.message : error}`);
    process.exit(2);
  }
}
