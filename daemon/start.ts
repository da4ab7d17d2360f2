import type { Logger } from 'pino';
import {
  type Broker,
  createBroker,
  DEFAULT_GATED_METHODS,
  type FrontsOptions,
  mountFronts,
  openMemory,
  type TlsOptions,
} from '../broker.ts';
import { ownCommand } from '../own-command.ts';
import { readSharedLimit } from '../protocol/shared-limits.ts';
import { readAttachments } from './attach.ts';
import { openAudit } from './audit.ts';
import type { Config, Settings } from './config.ts';
import { ECHO_ID } from './echo-id.ts';
import { isSystemError, StartError } from './errors.ts';
import { fileAgentStore } from './file-agent-store.ts';
import { fileGoalStore } from './file-goal-store.ts';
import { fileKeyStore } from './file-key-store.ts';
import { fileMeetingStore } from './file-meeting-store.ts';
import { fileRecordStore } from './file-record-store.ts';
import { openHome } from './home.ts';
import { openJournal } from './journal.ts';
import { readJwks, readJwt } from './jwt.ts';
import { reachableUrl } from './loopback.ts';
import type { Reload } from './reload.ts';
import { bindSocket, chooseSocket, prepareDirectory } from './socket.ts';
import type { Teardown } from './teardown.ts';
import { openCollector } from './telemetry.ts';
import { readCertificates, readTls } from './tls.ts';

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
  reload: Reload,
): Promise<void> {
  const { settings } = config;
  const tls = readTls(config);
  const jwt = readJwt(config);
  const attachments = await readAttachments(config, env, log);
  const home = openHome(settings.home, (err) => log.warn({ err }, 'a file of this run could not be removed'));
  teardown.onExit(() => home.release());
  const agentStore = fileAgentStore(home.agentsFile);
  if (settings.demo) refuseOwnEcho(agentStore.load(), home.agentsFile);
  const memory = openAgentMemory(home.memoryDirectory);
  teardown.onStop(() => memory.close());
  const meetings = fileMeetingStore(home.meetingsDirectory, log);
  teardown.onStop(() => meetings.close());
  const audit = await openAudit(settings, log, { teardown, reload });
  const telemetry = await openCollector(settings, env, log, teardown);
  const turnJournal = await openJournal(settings, home.journalDirectory, log, teardown);
  const broker = createBroker({
    ...(turnJournal && { turnJournal }),
    ...(telemetry && { telemetry }),
    ...(audit && { audit, auditRequired: settings['audit-required'] }),
    auth: !settings['no-auth'],
    ...(jwt && { jwt }),
    metricsAuth: settings['metrics-auth'],
    metricsTenants: settings['metrics-tenant'],
    tokens: config.tokens,
    agentStore,
    keyStore: fileKeyStore(home.keysFile),
    goalStore: fileGoalStore(home.goalsFile),
    approvals: {
      enabled: !settings['no-approvals'],
      methods: [...DEFAULT_GATED_METHODS, ...settings.approve],
      timeoutMs: settings['approval-timeout'],
    },
    limits: limitsOf(settings),
    // Of one name that is there twice the last counts.
    sharedLimits: Object.fromEntries(settings.limit.map((text) => readSharedLimit(text) ?? [])),
    allowedOrigins: settings['allow-origin'],
    allowedHosts: settings['allow-host'],
    inspect: settings.inspect,
    record: recordOf(settings, home.recordDirectory, log),
    console: { inspectorUrl: settings['inspector-url'] },
    memory,
    meetingStore: meetings,
    log,
  });
  mountFronts(broker, frontsOf(settings));
  let echo: { close(): unknown } | undefined;
  // After the broker: its live chats with echo get their time to end, as with any agent.
  teardown.onStop(() => echo?.close());
  if (attachments) teardown.onStop(() => attachments.close());
  teardown.onStop(() => broker.close());
  home.writeTokens(broker.tokens);

  if (settings.demo) {
    const { token } = broker.upsertAgent({ id: ECHO_ID, name: 'Echo' }, { ephemeral: true });
    // It brings the SDK, which nothing else here needs.
    const { connectEcho } = await import('./echo.ts');
    // Not by a port: whoever finds one that answers finds echo attached.
    echo = await connectEcho({ link: () => broker.connect(), token: token ?? '' });
  }
  await attachments?.join(broker, new Set(agentStore.load().map(({ id }) => id)));
  const url = await listenTcp(broker, config, tls);
  if (tls) reload.onReload(() => renewTls(broker, config, log));
  if (jwt?.jwks) reload.onReload(() => renewJwks(broker, config, log));
  const socket = await listenSocket(broker, config, env, { runDirectory: home.runDirectory, log, teardown });
  home.announce({ pid: process.pid, url, socket, version: broker.version });
  log.info({ url, socket, home: settings.home, version: broker.version }, `listening on ${url}`);
  log.info(`try: ${nextStep(config)}`);
}

function recordOf(settings: Settings, directory: string, log: Logger) {
  if (settings.record === 'off') return false;
  return {
    turns: settings['record-turns'],
    bytes: settings['record-bytes'],
    keepMs: settings['record-hours'] * 3_600_000,
    ...(settings.record === 'disk' ? { store: fileRecordStore(directory, log) } : {}),
  };
}

function limitsOf(settings: Settings) {
  return {
    maxMessageBytes: settings['max-message-bytes'],
    maxConnections: settings['max-connections'],
    maxTurnsPerConnection: settings['max-turns-per-connection'],
    agentWaitMs: settings['agent-wait'],
    agentWindowMs: settings['agent-window'],
    staleAfterMs: settings['stale-after'],
    resumeWindowMs: settings['resume-window'],
    maxAllLogBytes: settings['max-all-log-bytes'],
    drainTimeoutMs: settings['drain-timeout'],
  };
}

function frontsOf(settings: Settings): FrontsOptions {
  return {
    fronts: settings.front,
    parkTimeoutMs: settings['park-timeout'],
    approvalTimeoutMs: settings['front-approval-timeout'],
    a2a: { root: settings['a2a-root'], publicUrl: settings['public-url'] },
    openai: { approvals: settings['openai-approvals'], showTools: settings['openai-show-tools'] },
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

/** Shows the certificates that are in the files now; where they cannot be used, those from before. */
function renewTls(broker: Broker, config: Config, log: Logger): void {
  try {
    const certificates = readCertificates(config);
    if (certificates) broker.renewTls(certificates);
    log.info('SIGHUP: new connections get the certificates that are in the files now');
  } catch (error) {
    // The message says all.
    const why = error instanceof StartError ? error.message : String(error);
    log.error(`SIGHUP: the certificates stay as they were, for those in the files cannot be used: ${why}`);
  }
}

/** Takes the issuer's keys that are in the file now; where they cannot be used, those from before. */
function renewJwks(broker: Broker, config: Config, log: Logger): void {
  try {
    const jwks = readJwks(config);
    if (jwks) broker.renewJwks(jwks);
    log.info('SIGHUP: JWTs are verified with the keys that are in the file now');
  } catch (error) {
    const why = error instanceof StartError ? error.message : String(error);
    log.error(`SIGHUP: the keys of the issuer stay as they were: ${why}`);
  }
}

async function listenTcp(broker: Broker, { settings, given }: Config, tls: TlsOptions | undefined): Promise<string> {
  const { port } = settings;
  try {
    // Unless somebody says where, on both loopback addresses.
    const where = { port, ...(given.has('host') ? { host: settings.host } : {}), ...(tls ? { tls } : {}) };
    return reachableUrl((await broker.listen(where)).url);
  } catch (error) {
    const code = isSystemError(error) ? (error.code ?? '') : '';
    const host = (error as { address?: string }).address ?? settings.host;
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
  return `${elsewhere}${ownCommand(process.env)} ${settings.demo ? 'chat echo "hello"' : 'agents add my-agent'}`;
}
