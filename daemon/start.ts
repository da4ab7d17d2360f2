import type { Logger } from 'pino';
import { type Broker, createBroker, DEFAULT_GATED_METHODS, openMemory } from '../broker.ts';
import type { Config, Settings } from './config.ts';
import { ECHO_ID } from './echo-id.ts';
import { isSystemError, StartError } from './errors.ts';
import { fileAgentStore } from './file-agent-store.ts';
import { fileMeetingStore } from './file-meeting-store.ts';
import { openHome } from './home.ts';
import { reachableUrl } from './loopback.ts';
import { bindSocket, chooseSocket, prepareDirectory } from './socket.ts';
import type { Teardown } from './teardown.ts';

/**
 * Brings the daemon up (`wire.md` section 12): home, tokens, listeners, `echo`, and `broker.json` last, so that whoever
 * finds that file finds everything else done. What has to be undone is handed to `teardown` as it comes to be.
 *
 * @throws StartError, ConfigError or a system error.
 */
export async function startDaemon(
  config: Config,
  env: NodeJS.ProcessEnv,
  log: Logger,
  teardown: Teardown,
): Promise<void> {
  const { settings } = config;
  const home = openHome(settings.home, (err) => log.warn({ err }, 'a file of this run could not be removed'));
  teardown.onExit(() => home.release());
  const agentStore = fileAgentStore(home.agentsFile);
  if (settings.demo) refuseOwnEcho(agentStore.load(), home.agentsFile);
  const memory = openAgentMemory(home.memoryDirectory);
  teardown.onStop(() => memory.close());
  const meetings = fileMeetingStore(home.meetingsDirectory, log);
  teardown.onStop(() => meetings.close());
  const broker = createBroker({
    auth: !settings['no-auth'],
    tokens: config.tokens,
    agentStore,
    approvals: {
      enabled: !settings['no-approvals'],
      methods: [...DEFAULT_GATED_METHODS, ...settings.approve],
      timeoutMs: settings['approval-timeout'],
    },
    limits: limitsOf(settings),
    allowedOrigins: settings['allow-origin'],
    inspect: settings.inspect,
    console: { inspectorUrl: settings['inspector-url'] },
    memory,
    meetingStore: meetings,
    log,
  });
  let echo: { close(): unknown } | undefined;
  // After the broker: its live chats with echo get their time to end, as with any agent.
  teardown.onStop(() => echo?.close());
  teardown.onStop(() => broker.close());
  home.writeTokens(broker.tokens);

  const url = await listenTcp(broker, settings);
  const socket = await listenSocket(broker, config, env, { runDirectory: home.runDirectory, log, teardown });
  if (settings.demo) {
    const { token } = broker.upsertAgent({ id: ECHO_ID, name: 'Echo' }, { ephemeral: true });
    // It brings the SDK, which nothing else here needs.
    const { connectEcho } = await import('./echo.ts');
    echo = await connectEcho({ url, token: token ?? '' });
  }
  home.announce({ pid: process.pid, url, socket, version: broker.version });
  log.info({ url, socket, home: settings.home, version: broker.version }, `listening on ${url}`);
  log.info(`try: ${nextStep(config)}`);
}

function limitsOf(settings: Settings) {
  return {
    maxMessageBytes: settings['max-message-bytes'],
    maxConnections: settings['max-connections'],
    maxTurnsPerConnection: settings['max-turns-per-connection'],
    staleAfterMs: settings['stale-after'],
    resumeWindowMs: settings['resume-window'],
    drainTimeoutMs: settings['drain-timeout'],
  };
}

function openAgentMemory(directory: string) {
  try {
    return openMemory(directory);
  } catch (error) {
    throw new StartError(`cannot open the agents' memory in ${directory}: ${(error as Error).message}`);
  }
}

/** The demonstration must not take over, and then forget, an agent of that name that somebody has made. */
function refuseOwnEcho(agents: readonly { id: string }[], file: string): void {
  if (!agents.some(({ id }) => id === ECHO_ID)) return;
  throw new StartError(
    `--demo brings an agent "${ECHO_ID}", and ${file} has one already; remove it, or leave --demo out`,
  );
}

async function listenTcp(broker: Broker, { host, port }: Settings): Promise<string> {
  try {
    return reachableUrl((await broker.listen({ host, port })).url);
  } catch (error) {
    const code = isSystemError(error) ? (error.code ?? '') : '';
    const why: Record<string, string> = {
      EADDRINUSE: `port ${port} on ${host} is in use; stop what holds it, or choose another with --port`,
      EACCES: `port ${port} on ${host} is not allowed for this user; choose another with --port`,
      EADDRNOTAVAIL: `${host} is no address of this machine; choose another with --host`,
      ENOTFOUND: `${host} is no host that this machine knows; choose another with --host`,
    };
    throw code in why ? new StartError(why[code]) : error;
  }
}

/** Listens on the Unix socket too. Without the default one the daemon starts all the same. */
async function listenSocket(
  broker: Broker,
  { settings }: Config,
  env: NodeJS.ProcessEnv,
  { runDirectory, log, teardown }: { runDirectory: string; log: Logger; teardown: Teardown },
): Promise<string | null> {
  const choice = chooseSocket(settings, runDirectory, env);
  if (choice.path === null) {
    if (choice.why) log.warn(`no Unix socket: ${choice.why}`);
    return null;
  }
  const { path, explicit } = choice;
  try {
    prepareDirectory(path, explicit);
  } catch (error) {
    if (explicit || !(error instanceof StartError || isSystemError(error))) throw error;
    log.warn(`no Unix socket: ${error.message}`);
    return null;
  }
  const forget = await bindSocket(path, () => broker.listen({ socket: path }));
  teardown.onAbruptExit(forget);
  return path;
}

function nextStep({ settings, given }: Config): string {
  const elsewhere = given.has('home') ? `SWITCHBOARD_HOME=${JSON.stringify(settings.home)} ` : '';
  return `${elsewhere}npx switchboard ${settings.demo ? 'chat echo "hello"' : 'agents add my-agent'}`;
}
