import type { z } from 'zod';
import type { ApprovalPolicy } from './actors/approvals/gate.ts';
import type { AgentStore } from './actors/connection/agent-store.ts';
import type { AuthFunction } from './actors/connection/auth-function.ts';
import type { KeyStore } from './actors/connection/key-store.ts';
import type { FamilyOptions } from './actors/families.ts';
import type { BrokerClock } from './actors/kernel/deadlines.ts';
import type { Logger } from './actors/kernel/log.ts';
import type { Caller } from './actors/requests/caller.ts';
import type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
import { checkJwtOptions, type JwtOptions } from './jwt/options.ts';
import type { A2aClient } from './protocol/a2a-client.ts';
import type { AuditTrail } from './protocol/audit.ts';
import type { Limits } from './protocol/limits.ts';
import type { Memory } from './protocol/memory-provider.ts';
import { checkOptions } from './protocol/options.ts';
import { MAX_METRICS_TENANTS, tenantName } from './protocol/principal.ts';
import { checkRecordOptions, type RecordOptions } from './protocol/record-store.ts';
import type { SharedLimits } from './protocol/shared-limits.ts';
import type { Telemetry } from './protocol/telemetry.ts';
import type { TurnJournal } from './protocol/turn-journal.ts';
import { HOST_NAME } from './transport/checks.ts';
import type { ListenOptions } from './transport/listener.ts';
import type { TlsCertificates, TlsOptions } from './transport/tls-options.ts';

/** What an embedder may decide. Everything has a default. */
export interface BrokerOptions {
  /**
   * False switches authentication off (`wire.md` section 3). A function says who a token is; it is asked what the
   * broker's own tokens, which go on working, do not answer. Default true: the broker's own tokens alone.
   */
  auth?: boolean | AuthFunction;
  /**
   * Whose JWTs count (`docs/identity.md`). One that does decides; an {@link auth} function is asked about the others. Default:
   * nobody's, and such a function is asked about all.
   */
  jwt?: JwtOptions;
  /**
   * `/metrics` answers only who has the daemon's or the host's token, or a key or JWT of `default` with the scope `observe` or
   * `host`. Default false: whoever may come.
   */
  metricsAuth?: boolean;
  /** Tenants that `/metrics` tells of by their names, 100 at most (`docs/metrics.md`). Default: none. */
  metricsTenants?: readonly string[];
  /** The broker's own tokens. Default: random ones, to be read from `broker.tokens`. */
  tokens?: TokenOptions;
  /**
   * Where it is noted who did what (`docs/audit.md`): `openAuditTrail` keeps it in a file. Whoever opens it closes it,
   * after the broker. Default: nowhere.
   */
  audit?: AuditTrail;
  /** Whatever is privileged is refused (`-32603`) while {@link audit} cannot be written. Default false. */
  auditRequired?: boolean;
  /**
   * Where the broker tells what it does when (`docs/tracing.md`): `openTelemetry` sends it to a collector. Whoever opens it
   * closes it, after the broker. Default: nowhere.
   */
  telemetry?: Telemetry;
  /** Where known agents are kept. Default: in memory, gone with the process. */
  agentStore?: AgentStore;
  /** Where keys are kept, as hashes. Default: in memory, gone with the process. */
  keyStore?: KeyStore;
  /** Where the goals that stand for sessions are kept. Default: in memory, gone with the process. */
  goalStore?: NonNullable<FamilyOptions['goalStore']>;
  /**
   * Where turns that may be resumed are kept, so that they outlive this process (`docs/reliability.md`). Whoever opens it closes
   * it, after the broker. It serves one broker. Default: nowhere.
   */
  turnJournal?: TurnJournal;
  /** Which requests wait for a person's word (`wire.md` section 5). Default: enabled, CAR's set. */
  approvals?: ApprovalPolicy;
  /** Bounds and times to differ in. Default: `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /**
   * Limits that all connections of one person, one agent or one tenant share (`docs/protocol.md#shared-limits`), by name:
   * `{ 'identity.chats': 5 }`. Default: none. None is for whoever has the daemon's own tokens.
   */
  sharedLimits?: SharedLimits;
  /** Web pages, besides the broker's own, that may connect: `scheme://host[:port]`. Default none. */
  allowedOrigins?: readonly string[];
  /**
   * What else `Host` may say on a loopback port, such as the name that a proxy passes on: names and addresses without a
   * port. Default none.
   */
  allowedHosts?: readonly string[];
  /** Live statecharts, in the console and by `inspect.subscribe`. Default false. */
  inspect?: boolean;
  /**
   * The last turns are recorded, for `inspect.turns`, `inspect.turn` and the console: true, or how many, how long and where.
   * Default false.
   */
  record?: boolean | RecordOptions;
  /** The console, which `GET /` and `broker.handleRequest` serve; false: there is none. Default: as it was built. */
  console?: ConsolePlace | false;
  /** Where time comes from. Default: the system's, monotonic. */
  clock?: BrokerClock;
  /** A voice provider inside this process, called `local` (`wire.md` section 11). Default: none, agents apart. */
  voice?: NonNullable<FamilyOptions['voice']>;
  /** Where facts are kept (`wire.md` section 11). Default: ranked by words, in memory, gone with the process. */
  memory?: Memory;
  /** Where meetings are kept. Default: in memory, gone with the process. */
  meetingStore?: NonNullable<FamilyOptions['meetingStore']>;
  /**
   * Sends actions on surfaces to A2A agents (`wire.md` section 11). Default: over HTTP, with the client of
   * `@a2a-js/sdk`.
   */
  a2a?: A2aClient;
  /** Other brokers that this one is one with (`docs/cluster.md`). Default: none. */
  cluster?: NonNullable<FamilyOptions['cluster']>;
  /** Where to log. Default: nowhere. Never given a secret. */
  log?: Logger;
}

/** The broker's own tokens; an empty one is none. */
export interface TokenOptions {
  /** For clients. Default: 32 random bytes. */
  daemon?: string;
  /** For the management role. Default: 32 random bytes. */
  host?: string;
}

/** Where the console is, and what it leads to. */
export interface ConsolePlace {
  /** The folder with its built files. Default: `dist/console` of this package. */
  directory?: string;
  /** Where Stately's inspector is, for `/inspect/stately`. Default `https://stately.ai/inspect`. */
  inspectorUrl?: string;
}

/** A method of the embedder's own. */
export interface MethodOptions<T> {
  /** What its parameters must be; anything else is answered with `-32602`. */
  schema: z.ZodType<T>;
  /** Its result is the answer. A thrown `WireError` is sent as it is, anything else as `-32603` without its detail. */
  handler(params: T, caller: Caller): unknown;
  /** `host`: for the management role only. Default `any`. */
  role?: 'any' | 'host';
  /** Milliseconds until the caller gets `-32004`. Default `limits.handlerTimeoutMs`. */
  timeoutMs?: number;
}

/** How to make an agent known. */
export interface UpsertAgentOptions {
  /** Known until the process ends, never handed to the store. Default false. */
  ephemeral?: boolean;
  /** In which tenant: its agents exist for nobody else, and an id may be in several. Default `default`. */
  tenant?: string;
}

/** All names of an options' type, and of a union every member's: one that is forgotten here does not compile. */
type Names<T> = Readonly<Record<T extends unknown ? keyof T : never, true>>;

const BROKER_OPTIONS: Names<BrokerOptions> = {
  auth: true,
  jwt: true,
  metricsAuth: true,
  metricsTenants: true,
  tokens: true,
  audit: true,
  auditRequired: true,
  telemetry: true,
  agentStore: true,
  keyStore: true,
  goalStore: true,
  turnJournal: true,
  approvals: true,
  limits: true,
  sharedLimits: true,
  allowedOrigins: true,
  allowedHosts: true,
  inspect: true,
  record: true,
  console: true,
  clock: true,
  voice: true,
  memory: true,
  meetingStore: true,
  a2a: true,
  cluster: true,
  log: true,
};
const CLUSTER: Names<NonNullable<BrokerOptions['cluster']>> = {
  id: true,
  name: true,
  epoch: true,
  carrier: true,
  directory: true,
  endedTurns: true,
  home: true,
  homeBefore: true,
  version: true,
  flushMs: true,
  urls: true,
  peers: true,
  joined: true,
  together: true,
  metrics: true,
};
const TOKENS: Names<TokenOptions> = { daemon: true, host: true };
const APPROVALS: Names<ApprovalPolicy> = { enabled: true, methods: true, timeoutMs: true };
const CONSOLE: Names<ConsolePlace> = { directory: true, inspectorUrl: true };
const METHOD: Names<MethodOptions<unknown>> = { schema: true, handler: true, role: true, timeoutMs: true };
const LISTEN: Names<ListenOptions> = { host: true, port: true, tls: true, socket: true };
const CERTIFICATES: Names<TlsCertificates> = { cert: true, key: true, ca: true };
const TLS: Names<TlsOptions> = { ...CERTIFICATES, clientAuth: true, agentSan: true };
const EXECUTE_TOOL: Names<ExecuteToolOptions> = { timeoutMs: true, actionId: true, signal: true, trace: true };
const UPSERT_AGENT: Names<UpsertAgentOptions> = { ephemeral: true, tenant: true };

/** @throws {TypeError} where one is unknown, here or in those that have options of their own. */
export function checkBrokerOptions(options: BrokerOptions): void {
  checkOptions('createBroker', options, BROKER_OPTIONS);
  const { auth, tokens, approvals, console } = options;
  if (auth !== undefined && typeof auth !== 'boolean' && typeof auth !== 'function')
    throw new TypeError('createBroker: auth is a boolean or a function');
  if (options.jwt !== undefined) checkJwtOptions('createBroker, jwt', options.jwt);
  for (const name of ['jwt', 'metricsAuth'] as const)
    if (auth === false && options[name]) throw new TypeError(`createBroker: ${name} goes with authentication`);
  checkRecordOptions(options.record);
  checkMetricsTenants(options.metricsTenants);
  checkCluster(options.cluster);
  if (options.auditRequired && !options.audit) throw new TypeError('createBroker: auditRequired goes with audit');
  for (const host of options.allowedHosts ?? []) {
    if (!HOST_NAME.test(host))
      throw new TypeError(`createBroker: allowedHosts has names without a port, not ${JSON.stringify(host)}`);
  }
  checkOptions('createBroker, tokens', tokens, TOKENS);
  checkOptions('createBroker, approvals', approvals, APPROVALS);
  if (console !== false) checkOptions('createBroker, console', console, CONSOLE);
}

/** A broker's name in a cluster. */
const BROKER_NAME = /^[A-Za-z0-9_-]{1,64}$/;

function checkCluster(cluster: BrokerOptions['cluster']): void {
  if (cluster === undefined) return;
  checkOptions('createBroker, cluster', cluster, CLUSTER);
  for (const name of [cluster.id, cluster.home ?? cluster.id, cluster.homeBefore ?? cluster.id])
    if (typeof name !== 'string' || !BROKER_NAME.test(name))
      throw new TypeError('createBroker, cluster: id, home and homeBefore are 1–64 of [A-Za-z0-9_-]');
  for (const name of ['carrier', 'directory'] as const)
    if (typeof cluster[name]?.open !== 'function') throw new TypeError(`createBroker, cluster: ${name} is needed`);
  if (cluster.endedTurns !== undefined && typeof cluster.endedTurns?.open !== 'function')
    throw new TypeError('createBroker, cluster: endedTurns is where logs of ended turns go');
}

/** @throws {TypeError} where one is no tenant's name, or there are so many that the text would be long. */
function checkMetricsTenants(tenants: readonly string[] = []): void {
  if (!Array.isArray(tenants) || tenants.length > MAX_METRICS_TENANTS)
    throw new TypeError(`createBroker: metricsTenants is a list of ${MAX_METRICS_TENANTS} tenants at most`);
  const wrong = tenants.find((name) => !tenantName.safeParse(name).success);
  if (wrong !== undefined)
    throw new TypeError(
      `createBroker: metricsTenants has names of 1–64 of [A-Za-z0-9._-], not ${JSON.stringify(wrong)}`,
    );
}

/** @throws {TypeError} where one is unknown, or TLS is asked for in a way that there is not. */
export function checkListenOptions(options: ListenOptions): void {
  checkOptions('broker.listen', options, LISTEN);
  const { tls } = options as { tls?: TlsOptions };
  if (tls === undefined) return;
  const where = 'broker.listen, tls';
  if ('socket' in options) throw new TypeError(`${where}: a Unix socket has none`);
  checkOptions(where, tls, TLS);
  const { clientAuth = 'none', agentSan } = tls;
  checkPems(where, tls);
  if (!['none', 'request', 'require'].includes(clientAuth))
    throw new TypeError(`${where}: clientAuth is none, request or require`);
  if ((clientAuth === 'none') !== (tls.ca === undefined))
    throw new TypeError(`${where}: ca goes with clientAuth request or require, and those with ca`);
  if (agentSan === undefined) return;
  if (typeof agentSan !== 'string' || agentSan === '')
    throw new TypeError(`${where}: agentSan is the beginning of a URI`);
  if (clientAuth === 'none') throw new TypeError(`${where}: agentSan goes with clientAuth request or require`);
}

/** @throws {TypeError} where one is unknown, or none. */
export function checkTlsCertificates(where: string, options: TlsCertificates): void {
  checkOptions(where, options, CERTIFICATES);
  checkPems(where, options ?? {});
}

function checkPems(where: string, { cert, key, ca }: TlsCertificates): void {
  for (const [name, pem] of Object.entries({ cert, key, ...(ca === undefined ? {} : { ca }) })) {
    if (typeof pem !== 'string' && !Buffer.isBuffer(pem))
      throw new TypeError(`${where}: ${name} is PEM, as text or bytes`);
  }
}

/** @throws {TypeError} where the name is none, or an option is unknown. */
export function checkMethodOptions(name: string, options: object): void {
  if (typeof name !== 'string' || name === '') throw new TypeError('broker.method: a method needs a name');
  checkOptions(`broker.method ${name}`, options, METHOD);
}

/** @throws {TypeError} where one is unknown. */
export function checkExecuteToolOptions(options: ExecuteToolOptions): void {
  checkOptions('broker.executeTool', options, EXECUTE_TOOL);
}

/** @throws {TypeError} where one is unknown. */
export function checkUpsertOptions(options: UpsertAgentOptions): void {
  checkOptions('broker.upsertAgent', options, UPSERT_AGENT);
}

/** The functions that each part of an embedder's own must have, and those that it may leave out. */
const PARTS = {
  clock: { must: ['now', 'setTimeout', 'clearTimeout'], may: [] },
  audit: { must: ['note'], may: [] },
  telemetry: { must: ['start'], may: ['measure'] },
  agentStore: { must: ['load', 'save'], may: [] },
  keyStore: { must: ['load', 'save'], may: [] },
  goalStore: { must: ['load', 'save'], may: [] },
  turnJournal: {
    must: ['attach', 'open', 'token', 'frame', 'skip', 'note', 'end', 'forget', 'whenSettled', 'replay'],
    may: ['close'],
  },
  meetingStore: { must: ['load', 'create', 'append', 'read', 'remove'], may: [] },
  memory: { must: ['addFact', 'query', 'delete', 'factCount'], may: ['forget'] },
  a2a: { must: ['send'], may: [] },
  voice: { must: [], may: ['transcribe', 'speak'] },
  log: { must: ['debug', 'info', 'warn', 'error'], may: [] },
} as const;

/**
 * Checks the parts that an embedder brings, before anything starts: one that lacks a function would only fail when
 * somebody needs it.
 * @throws {TypeError} that names the option and the function.
 */
export function checkParts(options: { readonly [P in keyof typeof PARTS]?: object | undefined }): void {
  for (const [name, { must, may }] of Object.entries(PARTS)) {
    const part: unknown = options[name as keyof typeof PARTS];
    if (part === undefined) continue;
    if (typeof part !== 'object' || part === null) throw new TypeError(`${name} must be an object`);
    const member = (key: string): unknown => (part as Record<string, unknown>)[key];
    for (const key of must) {
      if (typeof member(key) !== 'function') throw new TypeError(`${name}.${key} must be a function`);
    }
    for (const key of may) {
      const value = member(key);
      if (value !== undefined && typeof value !== 'function') throw new TypeError(`${name}.${key} must be a function`);
    }
    if ((name === 'audit' || name === 'telemetry') && typeof member('state') !== 'object')
      throw new TypeError(`${name}.state must be an object`);
    if (must.length === 0 && may.every((key) => member(key) === undefined))
      throw new TypeError(`${name} must have one of ${may.join(', ')}`);
  }
}
