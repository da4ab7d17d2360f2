import { SdkA2aClient } from './a2a/sdk-client.ts';
import { createKernel, startBroker } from './actors/broker.ts';
import { CLUSTER } from './actors/cluster/cluster.ts';
import { AgentRegistry, createToken } from './actors/connection/agent-registry.ts';
import { memoryAgentStore } from './actors/connection/agent-store.ts';
import { AUTH, Authenticator } from './actors/connection/authenticator.ts';
import { identifyRequest, identityGiven, judgeUpgrade, mayScrape } from './actors/connection/bearer.ts';
import type { CallLife } from './actors/connection/call-life.ts';
import { KeyRing } from './actors/connection/key-ring.ts';
import { memoryKeyStore } from './actors/connection/key-store.ts';
import { checkLimits, checkMs } from './actors/kernel/check-limits.ts';
import { systemClock } from './actors/kernel/deadlines.ts';
import { silentLog, totalLog } from './actors/kernel/log.ts';
import { CallerOf } from './actors/requests/caller.ts';
import { DISPATCHER } from './actors/requests/dispatcher.ts';
import { notifyClient } from './actors/requests/notify-client.ts';
import { executeTool } from './actors/tools/execute-tool.ts';
import { upsertAgent } from './broker-agents.ts';
import type { Broker } from './broker-api.ts';
import { brokerKeys } from './broker-keys.ts';
import {
  type BrokerOptions,
  checkBrokerOptions,
  checkExecuteToolOptions,
  checkListenOptions,
  checkMethodOptions,
  checkParts,
  checkTlsCertificates,
} from './broker-options.ts';
import { checkJwks } from './jwt/options.ts';
import { Verifier } from './jwt/verifier.ts';
import type { Identity } from './machines/connection.machine.ts';
import { RankedMemory } from './memory/ranked-memory.ts';
import { EventLoopDelay } from './metrics/event-loop-delay.ts';
import { createMetrics, readMeasures } from './metrics/metrics.ts';
import { Scrape } from './metrics/scrape.ts';
import { CloseCode, closeReason } from './protocol/close-codes.ts';
import { isJwtOver, protectedResource } from './protocol/jwt.ts';
import type { Link } from './protocol/link.ts';
import { checkOptions } from './protocol/options.ts';
import { checkSharedLimits } from './protocol/shared-limits.ts';
import { bearerOf } from './transport/bearer.ts';
import { ConsolePages } from './transport/console-pages.ts';
import { Faults } from './transport/faults.ts';
import { Gateway } from './transport/gateway.ts';
import { linkedPair } from './transport/linked-pair.ts';
import { Ports } from './transport/ports.ts';
import { adviceOn, Strangers } from './transport/strangers.ts';
import { VERSION } from './version.ts';

export { type ApprovalPolicy, DEFAULT_GATED_METHODS } from './actors/approvals/gate.ts';
export type { AgentRecord, AgentStore } from './actors/connection/agent-store.ts';
export type { AuthAnswer, AuthFunction, AuthIdentity, AuthQuestion } from './actors/connection/auth-function.ts';
export type { KeyRecord, KeyStore } from './actors/connection/key-store.ts';
export type { GoalRecord, GoalStore } from './actors/goals/goal-store.ts';
export type { BrokerClock } from './actors/kernel/deadlines.ts';
export type { Logger } from './actors/kernel/log.ts';
export type { MeetingHead, MeetingLine, MeetingStore } from './actors/meetings/meeting-store.ts';
export type { Caller } from './actors/requests/caller.ts';
export type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
export type { LocalVoice } from './actors/voice/local-provider.ts';
export { type AuditKey, AuditKeyError, openAuditKey, readAuditKey } from './audit/key.ts';
export { AuditFileError } from './audit/own-file.ts';
export { type FileTrail, openAuditTrail, type TrailEvents, type TrailOptions } from './audit/trail.ts';
export type { Broker, ConnectOptions } from './broker-api.ts';
export type { BrokerKeys } from './broker-keys.ts';
export type { BrokerOptions, ConsolePlace, MethodOptions, TokenOptions, UpsertAgentOptions } from './broker-options.ts';
export { type A2aOptions, type FrontsOptions, mountFronts, type OpenAiOptions } from './fronts/mount.ts';
export type { JwtOptions } from './jwt/options.ts';
export { openMemory } from './memory/open-memory.ts';
export { type A2aAnswer, type A2aClient, A2aError, type A2aFailure, type A2aMessage } from './protocol/a2a-client.ts';
export type { AuditEntry, AuditState, AuditTrail } from './protocol/audit.ts';
export { AuthUnavailableError } from './protocol/auth-unavailable.ts';
export type { ClientCertificate } from './protocol/client-certificate.ts';
export { ErrorCode, WireError } from './protocol/errors.ts';
export type { Limits } from './protocol/limits.ts';
export type { Link, LinkHandlers } from './protocol/link.ts';
export type { FactRow, KeptFactRow } from './protocol/memory.ts';
export type { Memory, MemoryScope, NewFact } from './protocol/memory-provider.ts';
export type { RecordOptions, RecordStore, StoredTurn } from './protocol/record-store.ts';
export { SHARED_LIMITS, type SharedLimit, type SharedLimits } from './protocol/shared-limits.ts';
export type {
  Measure,
  Span,
  SpanFacts,
  SpanStart,
  Telemetry,
  TelemetryState,
} from './protocol/telemetry.ts';
export type { TraceContext } from './protocol/trace.ts';
export type * from './protocol/turn-journal.ts';
export type { UpgradeRequest } from './protocol/upgrade-request.ts';
export type { SpeakJob, SpeechPart, TranscribeJob, TranscriptPart } from './protocol/voice-provider.ts';
export {
  type OpenTelemetry,
  type OpenTelemetryOptions,
  openTelemetry,
  type Signal,
  type TelemetryEvents,
} from './telemetry/open-telemetry.ts';
export type { Address, ListenOptions } from './transport/listener.ts';
export type { Route, RouteHandler } from './transport/routes.ts';
export type { TlsCertificates, TlsOptions } from './transport/tls-options.ts';
export { openTurnJournal, type TurnJournalOptions } from './turn-journal/open.ts';
export { TurnJournalDamaged } from './turn-journal/read-journal.ts';

/**
 * Makes a broker. Nothing listens yet, and two of them in one process do not touch each other.
 * @throws {RangeError} where a limit is none. @throws {TypeError} where an option is unknown, or a part, a memory say,
 * lacks what it must have.
 */
export function createBroker(options: BrokerOptions = {}): Broker {
  checkBrokerOptions(options);
  const { inspect = false, auth = true } = options;
  const limits = checkLimits(options.limits);
  const sharedLimits = checkSharedLimits(options.sharedLimits);
  checkParts(options);
  const pages = options.console === false ? undefined : new ConsolePages({ inspect, ...options.console });
  const tokens = Object.freeze({
    // An empty one is none: whoever sends no token at all must not be let in by it.
    daemon: options.tokens?.daemon || createToken(),
    host: options.tokens?.host || createToken(),
  });
  // In a cluster with a home what there is once is kept there alone.
  const { id, home = id } = options.cluster ?? {};
  const isKeeper = home === id;
  const agents = new AgentRegistry((isKeeper && options.agentStore) || memoryAgentStore());
  const wallNow = () => options.clock?.now() ?? Date.now();
  const keys = new KeyRing((isKeeper && options.keyStore) || memoryKeyStore(), wallNow);
  const clock = options.clock ?? systemClock;
  const log = options.log ?? silentLog;
  const jwts = options.jwt && new Verifier(options.jwt, { limits, wallNow, clock, log: totalLog(log) });
  const { kernel, metrics: ofFamilies } = createKernel(
    {
      version: VERSION,
      limits,
      sharedLimits,
      metricsTenants: options.metricsTenants,
      audit: options.audit && { trail: options.audit, isRequired: options.auditRequired ?? false },
      telemetry: options.telemetry,
      epoch: options.turnJournal?.epoch ?? options.cluster?.epoch,
      durable: options.turnJournal?.level,
      brokerId: options.cluster?.id,
      clock,
      wallNow,
      log,
      agents,
      keys,
      auth: new Authenticator({
        enabled: auth !== false,
        ask: typeof auth === 'function' ? auth : undefined,
        tokens,
        agents,
        keys,
        jwts,
      }),
    },
    {
      inspect,
      record: options.record,
      approvals: options.approvals,
      voice: options.voice,
      memory: options.memory ?? new RankedMemory(limits),
      meetingStore: options.meetingStore,
      goalStore: options.goalStore,
      turnJournal: options.turnJournal,
      cluster: options.cluster,
      tokens,
      connectInside: (identity) => connectAs(identity),
      a2a: options.a2a ?? new SdkA2aClient(),
    },
  );
  const unmeasured = options.telemetry?.measure?.(() => readMeasures(kernel, ofFamilies));
  const stopped = new Promise<void>((resolve) => {
    kernel.onStopped = resolve;
  });
  const root = startBroker(kernel);
  const cluster = kernel.peek(CLUSTER);
  // Whoever listens waits for it, and hears what is wrong.
  cluster?.open().catch((err: unknown) => kernel.log.error({ err }, 'the other brokers cannot be joined'));
  // The net under law 11: whatever breaks the root after all is said, and nobody waits for ever for its end.
  root.subscribe({
    error(err) {
      kernel.log.error({ err }, 'the broker actor failed');
      kernel.deadlines.clear();
      kernel.onStopped();
    },
  });
  kernel.audit.own('broker.start', 'ok', VERSION, {
    auth: typeof auth === 'function' ? 'function' : auth ? 'on' : 'off',
    approvals: options.approvals?.enabled === false ? 'off' : 'on',
    audit_required: kernel.audit.isRequired,
  });
  const delay = new EventLoopDelay();
  // The gateway is made next: it answers the scrape itself.
  kernel.vitals = {
    mergedTokens: () => gateway.mergedTokens,
    droppedPartials: () => gateway.droppedPartials,
    refusedUpgrades: () => gateway.refusedUpgrades,
    refusedRequests: () => gateway.refusedRequests,
    refusedStrangers: () => strangers.counts,
    plainConnections: () => gateway.plainConnections,
    unfinishedBytes: () => gateway.unfinishedBytes,
    eventLoopDelay: () => delay.read(),
  };
  const scrape = new Scrape(() => createMetrics(kernel, ofFamilies), options.cluster?.metrics);
  const faults = new Faults((err, what, count) => kernel.log.error(count === 1 ? { err } : { err, count }, what));
  const strangers = new Strangers((reason, value, count) => {
    kernel.log.warn(value === '' ? { count } : { [reason]: value, count }, adviceOn(reason, value));
  });
  const gateway = new Gateway({
    limits,
    admitted: {
      origins: new Set(options.allowedOrigins),
      hosts: new Set(options.allowedHosts?.map((host) => host.toLowerCase())),
    },
    strangers,
    isReady: () => root.getSnapshot().value === 'accepting' && cluster?.isJoined !== false,
    metrics: () => scrape.read(),
    faults,
    pages,
    identify: (token, remote) => judgeUpgrade(kernel, token, remote),
    mayScrape: options.metricsAuth ? (request) => mayScrape(kernel, bearerOf(request), request) : undefined,
    resource: jwts && protectedResource(jwts),
    onLink(link, request, identity) {
      if (!identity) kernel.get(AUTH).remember(link, request);
      root.send({ type: 'link.opened', link, identity });
    },
  });
  const ports = new Ports(gateway, faults, (text) => kernel.log.warn({}, text));
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    ports.stop();
    root.send({ type: 'broker.drain' });
    await stopped;
    await cluster?.close();
    kernel.audit.noteFailures();
    kernel.audit.own('broker.stop', 'ok', VERSION);
    kernel.attempt('when keys were last used', () => void keys.keepUse(true));
    // Who waits for it has heard, or it was logged.
    await Promise.allSettled([agents.kept, keys.kept]);
    delay.stop();
    unmeasured?.();
    gateway.stop();
    await ports.close();
    faults.stop();
  };

  const connectAs = (identity: Identity | undefined): Link => {
    const [near, far] = linkedPair((error) =>
      faults.report(error, 'a listener of a connection in this process failed'),
    );
    const isOver = identity?.jwt && isJwtOver(identity.jwt.expiresAt, keys.now);
    if (isOver || (identity?.key && !keys.isCurrent(identity.key))) {
      far.close(CloseCode.NotAuthenticated, closeReason(CloseCode.NotAuthenticated));
      return near;
    }
    // A stopped actor hears nothing any more.
    if (root.getSnapshot().status === 'active') root.send({ type: 'link.opened', link: far, identity });
    else far.close(CloseCode.GoingAway, closeReason(CloseCode.GoingAway));
    return near;
  };

  const broker: Broker = {
    tokens,
    keys: brokerKeys(kernel),
    version: VERSION,
    limits: Object.freeze({ ...limits }),
    async listen(where = {}) {
      checkListenOptions(where);
      // What is wrong with the issuer's keys is said before the first one comes by them.
      jwts?.warm();
      await cluster?.open();
      return ports.listen(where, DEFAULT_PORT);
    },
    renewTls(tls) {
      checkTlsCertificates('broker.renewTls', tls);
      ports.renew(tls);
    },
    renewJwks(jwks) {
      checkJwks('broker.renewJwks', jwks);
      if (!jwts) throw new Error('no JWT is taken: createBroker was given no jwt');
      jwts.renew(jwks);
    },
    handleUpgrade: (request, socket, head) => gateway.handleUpgrade(request, socket, head, 'upgrade'),
    handleRequest: (request, response) => gateway.handleRequest(request, response),
    route(prefix, handler, sockets) {
      if (closing) throw new Error('the broker is stopping');
      gateway.route(prefix, handler, sockets);
      return broker;
    },
    connect(connectOptions = {}) {
      checkOptions('connect', connectOptions, { principal: true });
      const { principal } = connectOptions;
      return connectAs(principal && identityGiven(principal));
    },
    identifyBearer: (request, front = 'ws') => identifyRequest(kernel, bearerOf(request), request, front),
    method(name, options) {
      checkMethodOptions(name, options);
      if (closing) throw new Error('the broker is stopping');
      const { schema, handler, role = 'any', timeoutMs = limits.handlerTimeoutMs } = options;
      checkMs('timeoutMs', timeoutMs);
      kernel.get(DISPATCHER).add(name, {
        role,
        schema,
        timeoutMs,
        handle: ({ from, params, trace }, life) =>
          // The dispatcher has checked them against this very schema, and what has a timeout has a life.
          handler(params as never, new CallerOf(from, life as CallLife, trace)),
      });
      return broker;
    },
    notify: (clientId, method, params = {}) => notifyClient(kernel, clientId, method, params),
    upsertAgent: (params, options = {}) => upsertAgent(kernel, params, options),
    executeTool(clientId, tool, parameters, options = {}) {
      checkExecuteToolOptions(options);
      return executeTool(kernel, clientId, tool, parameters, options);
    },
    close() {
      closing ??= close();
      return closing;
    },
    [Symbol.asyncDispose]: () => broker.close(),
  };
  return broker;
}

/** Where a broker listens unless told otherwise (`wire.md` section 1). */
export const DEFAULT_HOST = '127.0.0.1';
/** See {@link DEFAULT_HOST}. */
export const DEFAULT_PORT = 9100;
