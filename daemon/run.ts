import { isatty } from 'node:tty';
import type { Logger } from 'pino';
import { visibleLine } from '../protocol/visible.ts';
import { VERSION } from '../version.ts';
import { collectAlone, keepYoungSmall } from './collector.ts';
import { type Config, configHelp, readConfig } from './config.ts';
import { ConfigError, isSystemError, StartError } from './errors.ts';
import { stopOnFaults } from './faults.ts';
import { openLog } from './log.ts';
import { Reload } from './reload.ts';
import { startDaemon } from './start.ts';
import { Teardown } from './teardown.ts';
import { keepToUser } from './umask.ts';
import { isWorkerProcess } from './workers/place.ts';

/**
 * The daemon's whole life in this process (`wire.md` sections 10 and 12). Resolves when it listens; from then on signals
 * decide, and the process ends by `process.exit`: 0 after a graceful stop, 1 where it could not start, on a second
 * signal or by a fault, 2 on a bad setting.
 *
 * @param argv - the command line after the program's name.
 */
export async function runDaemon(argv: readonly string[], env: NodeJS.ProcessEnv = process.env): Promise<void> {
  if (isWorkerProcess(env)) return (await import('./workers/worker.ts')).runWorker(env);
  if (argv.includes('--help') || argv.includes('-h')) return print(configHelp());
  if (argv.includes('--version')) return print(VERSION);
  let config: Config;
  try {
    config = readConfig(argv, env);
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return refuse(error.message, 2);
  }
  collectAlone();
  // Everything the daemon makes is its user's alone, the socket from the moment it is bound.
  keepToUser();
  const log = await openLog(config.settings['log-level']);
  const teardown = new Teardown((error) => log.error({ err: error }, 'a step of stopping failed'));
  const reload = new Reload((error) => log.error({ err: error }, 'a step of reloading failed'));
  const isStopping = stopOnSignals(log, teardown, reload);
  stopOnFaults(log, teardown);
  try {
    const start =
      config.settings.workers === 1 ? startDaemon : (await import('./workers/supervisor.ts')).startSupervisor;
    await start(config, env, log, teardown, reload);
    // Most of what a start makes lives on: with little room it would take longer.
    keepYoungSmall();
  } catch (error) {
    // The signal came first, pulled the ground away from the start, and decides how this ends.
    if (isStopping()) return;
    await teardown.stop();
    if (error instanceof ConfigError) return refuse(error.message, 2);
    if (error instanceof StartError) return refuse(error.message, error.exitCode);
    if (isSystemError(error)) return refuse(error.message, 1);
    log.fatal({ err: error }, 'the daemon could not start');
    process.exit(1);
  }
}

function print(text: string): void {
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    // A reader that has left (`… | head`) has had what it wanted.
    if (error.code === 'EPIPE') return;
    process.stderr.write(`switchboard: what was to be printed is lost: ${error.message}\n`);
    process.exitCode = 1;
  });
  process.stdout.write(`${text}\n`);
}

function refuse(message: string, code: number): never {
  process.stderr.write(`switchboard: ${visibleLine(message.replaceAll(/\s*\n\s*/g, ' '))}\n`);
  process.exit(code);
}

/** Within this time after the first, a SIGINT under npm is the same one. */
const NPM_ECHO_MS = 250;

/** The first signal stops gracefully, a second one at once. A SIGHUP that no terminal sends reloads, where there is anything to. */
function stopOnSignals(log: Logger, teardown: Teardown, reload: Reload): () => boolean {
  let stopping = false;
  let since = 0;
  const stop = async (signal: NodeJS.Signals) => {
    // Ctrl-C under `npm start` arrives twice: from the terminal, and passed on by npm. That is one signal.
    const isEcho =
      signal === 'SIGINT' && 'npm_lifecycle_event' in process.env && performance.now() - since < NPM_ECHO_MS;
    if (stopping && isEcho) return;
    if (stopping) {
      log.warn(`${signal} again: leaving at once`);
      teardown.exitNow();
      process.exit(1);
    }
    stopping = true;
    since = performance.now();
    log.info(`${signal}: stopping; live chats get time to end, a second signal leaves at once`);
    await teardown.stop();
    log.info('stopped');
    process.exit(0);
  };
  process.on('SIGTERM', stop);
  process.on('SIGINT', stop);
  const hasTerminal = isatty(0);
  process.on('SIGHUP', (signal) => {
    // The terminal was closed, or nothing can be reloaded.
    if (hasTerminal || reload.isEmpty) return stop(signal);
    log.info('SIGHUP: files are opened anew');
    reload.run();
  });
  return () => stopping;
}
