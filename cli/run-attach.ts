import type { SessionStore } from '../attach/attached.ts';
import { Join, StartError } from '../attach/join.ts';
import { readEntry, SettingError } from '../attach/kinds.ts';
import { registerAgent } from '../attach/register.ts';
import { untilThere } from '../attach/until-there.ts';
import { AuthError, ConnectionLostError, findHome } from '../client/node.ts';
import { LOG_LEVELS, type LogLevel, openLog } from '../daemon/log.ts';
import { fileSessionStore } from '../daemon/session-store.ts';
import { CloseCode } from '../protocol/close-codes.ts';
import { visibleLine } from '../protocol/visible.ts';
import type { CommonFlags } from './attach.ts';
import { CliError, Exit } from './exit.ts';
import { explain } from './explain.ts';
import type { Io } from './io.ts';
import { readTlsFlags } from './tls-flags.ts';

/**
 * Runs `switchboard attach` until it is told to stop, or the daemon is done with the agent.
 * @param settings those of the agent's kind, by their flags' names.
 * @throws {CliError} 1, 2 or 3, as its help says.
 */
export async function runAttach(io: Io, flags: CommonFlags, settings: Record<string, unknown>): Promise<void> {
  const { agent, wait = false, logLevel, url, home, hostToken } = flags;
  const entry = checked(() => readEntry({ id: agent, ...settings }, labelOf));
  if (!LOG_LEVELS.includes(logLevel as LogLevel))
    throw new CliError(Exit.Usage, `--log-level takes one of ${LOG_LEVELS.join(', ')}, not ${visibleLine(logLevel)}`);
  const log = await openLog(logLevel as LogLevel);
  const stop = stopOnSignals(io, (words) => log.info(words));
  const tls = readTlsFlags(flags);
  const connection = { url: url ?? (io.env.SWITCHBOARD_URL || undefined), home, tls };
  let joined: Join | undefined;
  try {
    const kind = await entry.load();
    const register = () => registerAgent(agent, { ...connection, hostToken, env: io.env });
    const waits = ({ message }: Error) => log.info(`waiting for a daemon: ${message}`);
    const registering = () => (wait ? untilThere(register, stop.signal, waits) : register());
    const token = io.env.SWITCHBOARD_AGENT_TOKEN || (await registering());
    const sessions = sessionsOf(agent, home, io);
    const options = { kind, agentId: agent, connection, wait, token, log, env: io.env, sessions } as const;
    joined = new Join({ ...options, onFailedStart: 'fail' });
    await unless(stop.signal, joined.start());
    const { mode, what } = joined.status;
    log.info({ agent, kind: kind.name, mode, what }, `agent ${agent} is attached`);
    throw await unless(stop.signal, joined.closed);
  } catch (error) {
    // Somebody wanted an end, and gets one.
    if (!stop.signal.aborted) throw asExit(error, agent, io);
  } finally {
    await joined?.close();
    stop.end();
  }
}

/** Where the agent's sessions are kept: beside the daemon's own files, whichever daemon it is; nowhere without a home. */
function sessionsOf(agent: string, home: string | undefined, { env }: Io): SessionStore | undefined {
  try {
    return fileSessionStore(findHome({ home, env }), agent);
  } catch {
    return undefined;
  }
}

/** What a promise resolves with. @throws the signal's reason once it aborts */
function unless<T>(signal: AbortSignal, promise: Promise<T>): Promise<T> {
  // What becomes of it later is nobody's concern.
  promise.catch(() => {});
  return new Promise((resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason));
    if (signal.aborted) reject(signal.reason);
    promise.then(resolve, reject);
  });
}

const labelOf = (setting: string) =>
  setting === 'acp' ? 'COMMAND' : setting === 'id' ? '--agent' : setting === '' ? 'attach' : `--${setting}`;

function checked<T>(read: () => T): T {
  try {
    return read();
  } catch (error) {
    throw error instanceof SettingError ? new CliError(Exit.Usage, error.message) : error;
  }
}

/** The exit statuses of this command are fewer than those of the others: a supervisor has to tell whether to try again. */
function asExit(error: unknown, agent: string, { env }: Io): CliError {
  if (error instanceof StartError)
    return new CliError(Exit.Failed, `agent ${agent} cannot be started: ${error.message}`);
  if (error instanceof AuthError) {
    const token = env.SWITCHBOARD_AGENT_TOKEN ? 'the token in SWITCHBOARD_AGENT_TOKEN' : 'the host token';
    return new CliError(Exit.Failed, `the daemon refused ${token}`);
  }
  if (error instanceof ConnectionLostError && error.closeCode === CloseCode.Replaced)
    return new CliError(Exit.Failed, `agent ${agent} was attached by another program, which takes its turns now`);
  if (error instanceof ConnectionLostError && error.closeCode === CloseCode.Forbidden)
    return new CliError(Exit.Failed, `agent ${agent} was removed from the daemon`);
  const { exit, message } = explain(error, env);
  return new CliError(exit === Exit.NoDaemon || exit === Exit.Usage ? exit : Exit.Failed, message);
}

/** The first signal stops gracefully, a second one at once. */
function stopOnSignals(io: Io, say: (words: string) => void): { signal: AbortSignal; end: () => void } {
  const controller = new AbortController();
  const hear = (signal: string) => () => {
    // What the agent has started ends all the same: something watches whether this process is there.
    if (controller.signal.aborted) process.exit(Exit.Failed);
    say(`${signal}: stopping; a second signal leaves at once`);
    controller.abort();
  };
  const ends = [io.onInterrupt(hear('SIGINT')), io.onTerminate(hear('SIGTERM'))];
  const end = () => {
    for (const stop of ends) stop();
  };
  return { signal: controller.signal, end };
}
