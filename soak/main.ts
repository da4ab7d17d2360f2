import { cpus } from 'node:os';
import { SoakedDaemon } from './daemon.ts';
import { checkFileLimit } from './file-limit.ts';
import { Fleet } from './fleet.ts';
import { helpText, type Options, readOptions } from './options.ts';
import { PROCESSES, Run } from './run.ts';

/** Codes of a shell: a promise was broken, the command line is wrong, nothing is proven, Ctrl-C. */
const BROKEN = 1;
const WRONG_USAGE = 2;
const UNPROVEN = 3;
const INTERRUPTED = 130;

/** How long the last look at Ctrl-C may take. Milliseconds. */
const LAST_LOOK = 3_000;

const options = read();
if (options?.isHelp) console.log(helpText());
else if (options) await soak(options);

function read(): Options | undefined {
  try {
    const given = readOptions(process.argv.slice(2));
    if (!given.isHelp) checkFileLimit(given.connections);
    return given;
  } catch (error) {
    console.error(`soak: ${error instanceof Error ? error.message : error}`);
    process.exitCode = WRONG_USAGE;
    return undefined;
  }
}

async function soak(given: Options): Promise<void> {
  const { minutes, connections, turns, seed } = given;
  console.log(
    `Node ${process.version}, ${cpus().length} × ${cpus()[0]?.model ?? 'unknown'}; ${PROCESSES} load processes. ` +
      `${connections} connections, ${turns} live turns, ${minutes} min after the warm-up; seed ${seed}`,
  );
  const daemon = await SoakedDaemon.start(given.durable === undefined ? [] : ['--durable', given.durable]);
  const fleet = new Fleet(PROCESSES);
  const until = (work: Promise<void>) => Promise.race([work, hurried, daemon.died]);
  // Whatever ends this process ends what it started.
  process.on('exit', () => {
    fleet.stop();
    daemon.remove();
  });
  const run = new Run(given, daemon, fleet);
  const stop = new AbortController();
  const interrupt = () => {
    // Once more: at once.
    if (stop.signal.aborted) process.exit(INTERRUPTED);
    stop.abort();
  };
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, interrupt);
  // What is under way looks once more at what was done, and is waited for no longer than a person would.
  const hurried = new Promise<void>((resolve) => {
    stop.signal.addEventListener('abort', () => setTimeout(resolve, LAST_LOOK));
  });

  try {
    await until(run.measure(stop.signal));
    if (!stop.signal.aborted) await until(run.finish());
  } catch (error) {
    // A load process has failed, or the daemon is gone: what there is, is told.
    run.fail(error);
  }
  run.summarize();
  if (stop.signal.aborted) console.log('Stopped early: nobody has looked whether anything was left.');
  process.exit(run.isBroken ? BROKEN : stop.signal.aborted ? INTERRUPTED : run.isProven ? 0 : UNPROVEN);
}
