import type { Logger } from 'pino';
import { v7 as uuid } from 'uuid';
import {
  type AuditTrail,
  type Broker,
  type BrokerOptions,
  createBroker,
  DEFAULT_GATED_METHODS,
  type FrontsOptions,
  type JwtOptions,
  mountFronts,
  openMemory,
} from '../broker.ts';
import type { NatsNews } from '../nats/options.ts';
import { readSharedLimit } from '../protocol/shared-limits.ts';
import type { Attachments } from './attach.ts';
import { openAudit } from './audit.ts';
import { natsOptionsOf } from './cluster-flags.ts';
import type { Config, Settings } from './config.ts';
import { ECHO_ID } from './echo-id.ts';
import { StartError } from './errors.ts';
import { fileAgentStore } from './file-agent-store.ts';
import { fileGoalStore } from './file-goal-store.ts';
import { fileKeyStore } from './file-key-store.ts';
import { fileMeetingStore } from './file-meeting-store.ts';
import { fileRecordStore } from './file-record-store.ts';
import type { HomeFiles } from './home.ts';
import { openJournal } from './journal.ts';
import type { Reload } from './reload.ts';
import type { Teardown } from './teardown.ts';
import { openCollector } from './telemetry.ts';

/** What a broker of the daemon is made from. */
export interface BrokerSetup {
  readonly config: Config;
  readonly env: NodeJS.ProcessEnv;
  readonly log: Logger;
  readonly teardown: Teardown;
  readonly reload: Reload;
  readonly jwt: JwtOptions | undefined;
  /** The agents of `--attach`, where this process runs them. */
  readonly attachments?: Attachments | undefined;
  /** Where this process keeps its turns. */
  readonly files: Pick<HomeFiles, 'journalDirectory' | 'recordDirectory'>;
  /** What there is once in a daemon, where this process keeps it. */
  readonly stores?: Stores | undefined;
  /** Where people reach it, once it listens: for other brokers to tell. */
  readonly urls?: () => readonly string[];
  /** Where it is one of several. */
  readonly cluster?: BrokerOptions['cluster'];
  /** How it has its audit, where that is not a file of its own. */
  readonly audit?: () => Promise<AuditTrail | undefined>;
  /** How it serves its fronts, where it is not alone. */
  readonly fronts?: (broker: Broker, options: FrontsOptions) => Promise<void>;
}

/** What there is once in a daemon, however many processes it has. */
export type Stores = Required<Pick<BrokerOptions, 'agentStore' | 'keyStore' | 'goalStore' | 'memory' | 'meetingStore'>>;

/**
 * Opens the stores of a home.
 * @throws StartError where one cannot be used.
 */
export function openStores(settings: Settings, files: HomeFiles, log: Logger, teardown: Teardown): Stores {
  const agentStore = fileAgentStore(files.agentsFile);
  if (settings.demo) refuseOwnEcho(agentStore.load(), files.agentsFile);
  const memory = openAgentMemory(files.memoryDirectory);
  teardown.onStop(() => memory.close());
  const meetingStore = fileMeetingStore(files.meetingsDirectory, log);
  teardown.onStop(() => meetingStore.close());
  return {
    agentStore,
    keyStore: fileKeyStore(files.keysFile),
    goalStore: fileGoalStore(files.goalsFile),
    memory,
    meetingStore,
  };
}

/**
 * Makes the broker, with its fronts. Nothing listens yet.
 *
 * @returns the broker, and what attaches the daemon's own agents to it.
 * @throws StartError, ConfigError or a system error.
 */
export async function openBroker(setup: BrokerSetup): Promise<{ broker: Broker; join(): Promise<void> }> {
  const { config, env, log, teardown, reload, jwt, attachments, files, stores } = setup;
  const { settings } = config;
  const audit = await (setup.audit?.() ?? openAudit(settings, log, { teardown, reload }));
  const telemetry = await openCollector(settings, env, log, teardown);
  const turnJournal = await openJournal(settings, files.journalDirectory, log, teardown);
  const cluster = setup.cluster ?? (await overNats(settings, turnJournal?.epoch, log, setup.urls));
  const broker = createBroker({
    ...(turnJournal && { turnJournal }),
    ...(telemetry && { telemetry }),
    ...(audit && { audit, auditRequired: settings['audit-required'] }),
    ...(cluster && { cluster }),
    auth: !settings['no-auth'],
    ...(jwt && { jwt }),
    metricsAuth: settings['metrics-auth'],
    metricsTenants: settings['metrics-tenant'],
    tokens: config.tokens,
    ...stores,
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
    record: recordOf(settings, files.recordDirectory, log),
    console: { inspectorUrl: settings['inspector-url'] },
    log,
  });
  if (setup.fronts) await setup.fronts(broker, frontsOf(settings));
  else mountFronts(broker, frontsOf(settings));
  let echo: { close(): unknown } | undefined;
  // After the broker: its live chats with echo get their time to end, as with any agent.
  teardown.onStop(() => echo?.close());
  if (attachments) teardown.onStop(() => attachments.close());
  teardown.onStop(() => broker.close());
  return {
    broker,
    async join() {
      if (settings.demo) {
        const { token } = broker.upsertAgent({ id: ECHO_ID, name: 'Echo' }, { ephemeral: true });
        // It brings the SDK, which nothing else here needs.
        const { connectEcho } = await import('./echo.ts');
        // Not by a port: whoever finds one that answers finds echo attached.
        echo = await connectEcho({ link: () => broker.connect(), token: token ?? '' });
      }
      await attachments?.join(broker, new Set(stores?.agentStore.load().map(({ id }) => id)));
    },
  };
}

/** What joins this daemon to others over NATS; undefined where nothing does. Loaded where it is needed. */
async function overNats(
  settings: Settings,
  known: string | undefined,
  log: Logger,
  urls: () => readonly string[] = () => [],
): Promise<BrokerOptions['cluster']> {
  const epoch = known ?? `epoch-${uuid()}`;
  const tell = ({ level, message }: NatsNews) => log[level](message);
  const options = natsOptionsOf(settings, epoch);
  if (!options) return undefined;
  const { overNats } = await import('../nats/open.ts');
  const { carrier, directory, endedTurns } = overNats({ ...options, tell });
  const { 'cluster-home': home, 'cluster-home-was': homeBefore } = settings;
  const homes = { ...(home !== undefined && { home }), ...(homeBefore !== undefined && { homeBefore }) };
  const { id } = options.self;
  const { cluster: name } = options;
  const flushMs = settings['peer-flush-ms'];
  return { id, name, epoch, carrier, directory, endedTurns, flushMs, urls, ...homes };
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
