import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Registry } from 'prom-client';
import { SdkA2aClient } from './a2a/sdk-client.ts';
import { createKernel, startBroker } from './actors/broker.ts';
import { AgentRegistry, createToken } from './actors/connection/agent-registry.ts';
import { memoryAgentStore } from './actors/connection/agent-store.ts';
import { AUTH, Authenticator } from './actors/connection/authenticator.ts';
import type { CallLife } from './actors/connection/call-life.ts';
import { checkLimits, checkMs } from './actors/kernel/check-limits.ts';
import { systemClock } from './actors/kernel/deadlines.ts';
import { silentLog } from './actors/kernel/log.ts';
import { CallerOf } from './actors/requests/caller.ts';
import { DISPATCHER } from './actors/requests/dispatcher.ts';
import { notifyClient } from './actors/requests/notify-client.ts';
import { type ExecuteToolOptions, executeTool } from './actors/tools/execute-tool.ts';
import {
  type BrokerOptions,
  checkBrokerOptions,
  checkExecuteToolOptions,
  checkListenOptions,
  checkMethodOptions,
  checkParts,
  checkUpsertOptions,
  type MethodOptions,
  type UpsertAgentOptions,
} from './broker-options.ts';
import { RankedMemory } from './memory/ranked-memory.ts';
import { EventLoopDelay } from './metrics/event-loop-delay.ts';
import { createMetrics } from './metrics/metrics.ts';
import { type AgentSpec, upsertParams } from './protocol/agents.ts';
import { CloseCode, closeReason } from './protocol/close-codes.ts';
import type { Link } from './protocol/link.ts';
import type { InputOf } from './protocol/methods.ts';
import { parseParams } from './protocol/params.ts';
import { ConsolePages } from './transport/console-pages.ts';
import { Faults } from './transport/faults.ts';
import { Gateway } from './transport/gateway.ts';
import { linkedPair } from './transport/linked-pair.ts';
import { type Address, Listener, type ListenOptions } from './transport/listener.ts';
import type { RouteHandler } from './transport/routes.ts';
import { VERSION } from './version.ts';

export { type ApprovalPolicy, DEFAULT_GATED_METHODS } from './actors/approvals/gate.ts';
export type { AgentRecord, AgentStore } from './actors/connection/agent-store.ts';
export type { AuthAnswer, AuthFunction, AuthIdentity, AuthQuestion } from './actors/connection/auth-function.ts';
export type { BrokerClock } from './actors/kernel/deadlines.ts';
export type { Logger } from './actors/kernel/log.ts';
export type { MeetingHead, MeetingLine, MeetingStore } from './actors/meetings/meeting-store.ts';
export type { Caller } from './actors/requests/caller.ts';
export type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
export type { LocalVoice } from './actors/voice/local-provider.ts';
export type { BrokerOptions, ConsolePlace, MethodOptions, TokenOptions, UpsertAgentOptions } from './broker-options.ts';
export { openMemory } from './memory/open-memory.ts';
export { type A2aAnswer, type A2aClient, A2aError, type A2aFailure, type A2aMessage } from './protocol/a2a-client.ts';
export { ErrorCode, WireError } from './protocol/errors.ts';
export type { Limits } from './protocol/limits.ts';
export type { Link, LinkHandlers } from './protocol/link.ts';
export type { FactRow } from './protocol/memory.ts';
export type { Memory, MemoryScope, NewFact } from './protocol/memory-provider.ts';
export type { UpgradeRequest } from './protocol/upgrade-request.ts';
export type { SpeakJob, SpeechPart, TranscribeJob, TranscriptPart } from './protocol/voice-provider.ts';
export type { Address, ListenOptions } from './transport/listener.ts';
export type { Route, RouteHandler } from './transport/routes.ts';

/** A broker: one root actor, and the ways in. */
export interface Broker {
  /** The tokens that `session.auth` takes. Secrets: for the embedder, not for a log. */
  readonly tokens: { readonly daemon: string; readonly host: string };
  /** The version that `server.handshake` tells. */
  readonly version: string;
  /** Listens on TCP, `127.0.0.1:9100` unless told otherwise, or on a Unix socket. Rejects with Node's own error. */
  listen(options?: ListenOptions): Promise<Address>;
  /** Takes an `upgrade` of somebody's own HTTP server, with the same checks as on a port of the broker's own. */
  handleUpgrade(request: IncomingMessage, socket: Duplex, head: Buffer): void;
  /**
   * Answers `/healthz`, `/readyz`, `/metrics` and the console's pages for somebody's own HTTP server. The console finds
   * its files and its WebSocket beside itself: below a path of its own, `/broker/` say, upgrades there are the broker's too.
   */
  handleRequest(request: IncomingMessage, response: ServerResponse): void;
  /**
   * Leads the HTTP requests below a path to a handler of the embedder's own, whatever their method: on the broker's
   * ports and in {@link Broker.handleRequest}, behind the checks of `Host` and `Origin`, and those alone. Who asks is the
   * handler's to find out. `/hooks` is that path and all below it; of two prefixes the longer one has it. On a port of
   * the broker's own a request has ten seconds to arrive. An answer that is not finished when the broker has closed is
   * cut off, or was never begun: then it is 503, as for whoever asks later.
   * @throws {Error} where the prefix is none, or taken, or the broker closes.
   */
  route(prefix: string, handler: RouteHandler): Broker;
  /** A connection inside this process; its other end speaks the same wire and authenticates the same way. */
  connect(): Link;
  /** Adds a method of the embedder's own. @throws {Error} where the name is taken. */
  method<T>(name: string, options: MethodOptions<T>): Broker;
  /**
   * Sends a notification of the embedder's own to one connection, a {@link Caller}'s say, which the SDK's `onNotification`
   * hears. It waits in line with everything else for that connection, and counts towards what may wait (`wire.md` section 9).
   * @param params a JSON object or array; default `{}`.
   * @returns whether it was there to be sent to: known, authenticated and not closing. That it has arrived nobody says.
   * @throws {TypeError} where the name is one of the protocol's own, or `params` is no JSON.
   * @throws {RangeError} where the frame is larger than `limits.maxMessageBytes`.
   */
  notify(clientId: string, method: string, params?: object): boolean;
  /** What `agents.upsert` does, with its parameters as on the wire. */
  upsertAgent(params: InputOf<'agents.upsert'>, options?: UpsertAgentOptions): { spec: AgentSpec; token?: string };
  /**
   * Runs a tool of any connection's, outside a turn (`wire.md` section 7). Rejects with a `WireError`: the host's own
   * error, or `-32602` (`parameters` is no JSON), `-32014` (no such connection), `-32017`, `-32018`, `-32019`, `-32020`.
   */
  executeTool(clientId: string, tool: string, parameters: unknown, options?: ExecuteToolOptions): Promise<unknown>;
  /** Stops as section 10 says: drains, closes every connection with 1001, stops listening. Repeated calls share one end. */
  close(): Promise<void>;
  /** {@link Broker.close}, for `await using`. */
  [Symbol.asyncDispose](): Promise<void>;
}

/**
 * Makes a broker. Nothing listens yet, and two of them in one process do not touch each other.
 * @throws {RangeError} where a limit is none. @throws {TypeError} where an option is unknown, or a part, a memory say,
 * lacks what it must have.
 */
export function createBroker(options: BrokerOptions = {}): Broker {
  checkBrokerOptions(options);
  const { inspect = false, auth = true } = options;
  const limits = checkLimits(options.limits);
  checkParts(options);
  const pages = options.console === false ? undefined : new ConsolePages({ inspect, ...options.console });
  const tokens = Object.freeze({
    // An empty one is none: whoever sends no token at all must not be let in by it.
    daemon: options.tokens?.daemon || createToken(),
    host: options.tokens?.host || createToken(),
  });
  const agents = new AgentRegistry(options.agentStore ?? memoryAgentStore());
  const { kernel, metrics: ofFamilies } = createKernel(
    {
      version: VERSION,
      limits,
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLog,
      agents,
      auth: new Authenticator({
        enabled: auth !== false,
        ask: typeof auth === 'function' ? auth : undefined,
        tokens,
        agents,
      }),
    },
    {
      inspect,
      approvals: options.approvals,
      voice: options.voice,
      memory: options.memory ?? new RankedMemory(limits),
      meetingStore: options.meetingStore,
      connectInside: () => ({ link: broker.connect(), token: tokens.daemon }),
      a2a: options.a2a ?? new SdkA2aClient(),
    },
  );
  const stopped = new Promise<void>((resolve) => {
    kernel.onStopped = resolve;
  });
  const root = startBroker(kernel);
  // The net under law 11: whatever breaks the root after all is said, and nobody waits for ever for its end.
  root.subscribe({
    error(err) {
      kernel.log.error({ err }, 'the broker actor failed');
      kernel.deadlines.clear();
      kernel.onStopped();
    },
  });
  const delay = new EventLoopDelay();
  // The gateway is made next: it answers the scrape itself.
  kernel.vitals = {
    mergedTokens: () => gateway.mergedTokens,
    droppedPartials: () => gateway.droppedPartials,
    refusedUpgrades: () => gateway.refusedUpgrades,
    refusedRequests: () => gateway.refusedRequests,
    plainConnections: () => gateway.plainConnections,
    unfinishedBytes: () => gateway.unfinishedBytes,
    eventLoopDelay: () => delay.read(),
  };
  // Made by the first scrape that can.
  let registry: Registry | undefined;
  const faults = new Faults((err, what, count) => kernel.log.error(count === 1 ? { err } : { err, count }, what));
  const gateway = new Gateway({
    limits,
    allowedOrigins: new Set(options.allowedOrigins),
    isReady: () => root.getSnapshot().value === 'accepting',
    async metrics() {
      registry ??= createMetrics(kernel, ofFamilies);
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
    faults,
    pages,
    onLink(link, request) {
      kernel.get(AUTH).remember(link, request);
      root.send({ type: 'link.opened', link });
    },
  });
  const listeners = new Set<Listener>();
  let closing: Promise<void> | undefined;

  const close = async (): Promise<void> => {
    root.send({ type: 'broker.drain' });
    await stopped;
    delay.stop();
    gateway.stop();
    await Promise.all([...listeners].map((listener) => listener.close()));
    faults.stop();
  };

  const broker: Broker = {
    tokens,
    version: VERSION,
    async listen(where = {}) {
      checkListenOptions(where);
      if (closing) throw new Error('the broker is stopping');
      const bySocket = 'socket' in where;
      const listener = new Listener(gateway, bySocket ? 'unix' : 'tcp', faults);
      const address = await listener.listen(
        bySocket ? where : { host: where.host ?? DEFAULT_HOST, port: where.port ?? DEFAULT_PORT },
      );
      if (closing) {
        await listener.close();
        throw new Error('the broker is stopping');
      }
      listeners.add(listener);
      return address;
    },
    handleUpgrade: (request, socket, head) => gateway.handleUpgrade(request, socket, head, 'upgrade'),
    handleRequest: (request, response) => gateway.handleRequest(request, response),
    route(prefix, handler) {
      if (closing) throw new Error('the broker is stopping');
      gateway.route(prefix, handler);
      return broker;
    },
    connect() {
      const [near, far] = linkedPair((error) =>
        faults.report(error, 'a listener of a connection in this process failed'),
      );
      // A stopped actor hears nothing any more.
      if (root.getSnapshot().status === 'active') root.send({ type: 'link.opened', link: far });
      else far.close(CloseCode.GoingAway, closeReason(CloseCode.GoingAway));
      return near;
    },
    method(name, options) {
      checkMethodOptions(name, options);
      const { schema, handler, role = 'any', timeoutMs = limits.handlerTimeoutMs } = options;
      checkMs('timeoutMs', timeoutMs);
      kernel.get(DISPATCHER).add(name, {
        role,
        schema,
        timeoutMs,
        handle: ({ from, params }, life) =>
          // The dispatcher has checked them against this very schema, and what has a timeout has a life.
          handler(params as never, new CallerOf(from, life as CallLife)),
      });
      return broker;
    },
    notify: (clientId, method, params = {}) => notifyClient(kernel, clientId, method, params),
    upsertAgent(params, options = {}) {
      checkUpsertOptions(options);
      return agents.upsert(parseParams(upsertParams, params), options.ephemeral ?? false);
    },
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
