import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';
import type { Registry } from 'prom-client';
import type { z } from 'zod';
import { SdkA2aClient } from './a2a/sdk-client.ts';
import type { ApprovalPolicy } from './actors/approvals/gate.ts';
import { createKernel, startBroker } from './actors/broker.ts';
import { AgentRegistry, createToken } from './actors/connection/agent-registry.ts';
import { type AgentStore, memoryAgentStore } from './actors/connection/agent-store.ts';
import { Authenticator } from './actors/connection/authenticator.ts';
import { checkLimits, checkMs } from './actors/kernel/check-limits.ts';
import { checkParts } from './actors/kernel/check-parts.ts';
import { type BrokerClock, systemClock } from './actors/kernel/deadlines.ts';
import { type Logger, silentLog } from './actors/kernel/log.ts';
import type { MeetingStore } from './actors/meetings/meeting-store.ts';
import { DISPATCHER } from './actors/requests/dispatcher.ts';
import { type ExecuteToolOptions, executeTool } from './actors/tools/execute-tool.ts';
import type { LocalVoice } from './actors/voice/local-provider.ts';
import { RankedMemory } from './memory/ranked-memory.ts';
import { EventLoopDelay } from './metrics/event-loop-delay.ts';
import { createMetrics } from './metrics/metrics.ts';
import type { A2aClient } from './protocol/a2a-client.ts';
import { type AgentSpec, upsertParams } from './protocol/agents.ts';
import { CloseCode, closeReason } from './protocol/close-codes.ts';
import type { Limits } from './protocol/limits.ts';
import type { Link } from './protocol/link.ts';
import type { Memory } from './protocol/memory-provider.ts';
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
export type { BrokerClock } from './actors/kernel/deadlines.ts';
export type { Logger } from './actors/kernel/log.ts';
export type { MeetingHead, MeetingLine, MeetingStore } from './actors/meetings/meeting-store.ts';
export type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
export type { LocalVoice } from './actors/voice/local-provider.ts';
export { openMemory } from './memory/open-memory.ts';
export { type A2aAnswer, type A2aClient, A2aError, type A2aFailure, type A2aMessage } from './protocol/a2a-client.ts';
export { ErrorCode, WireError } from './protocol/errors.ts';
export type { Limits } from './protocol/limits.ts';
export type { Link, LinkHandlers } from './protocol/link.ts';
export type { FactRow } from './protocol/memory.ts';
export type { Memory, MemoryScope, NewFact } from './protocol/memory-provider.ts';
export type { SpeakJob, SpeechPart, TranscribeJob, TranscriptPart } from './protocol/voice-provider.ts';
export type { Address, ListenOptions } from './transport/listener.ts';
export type { Route, RouteHandler } from './transport/routes.ts';

/** What an embedder may decide. Everything has a default. */
export interface BrokerOptions {
  /** False switches authentication off (`wire.md` section 3). Default true. */
  auth?: boolean;
  /** The daemon's and the management role's token. Default: random ones, to be read from {@link Broker.tokens}. */
  tokens?: { daemon?: string; host?: string };
  /** Where known agents are kept. Default: in memory, gone with the process. */
  agentStore?: AgentStore;
  /** Which requests wait for a person's word (`wire.md` section 5). Default: enabled, CAR's set. */
  approvals?: ApprovalPolicy;
  /** Bounds and times to differ in. Default: `DEFAULT_LIMITS`. */
  limits?: Partial<Limits>;
  /** Web pages, besides the broker's own, that may connect: `scheme://host[:port]`. Default none. */
  allowedOrigins?: readonly string[];
  /** Live statecharts, in the console and by `inspect.subscribe`. Default false. */
  inspect?: boolean;
  /** The console, which `GET /` and {@link Broker.handleRequest} serve; false: there is none. Default: as it was built. */
  console?: ConsolePlace | false;
  /** Where time comes from. Default: the system's, monotonic. */
  clock?: BrokerClock;
  /** A voice provider inside this process, called `local` (`wire.md` section 11). Default: none, agents apart. */
  voice?: LocalVoice;
  /** Where facts are kept (`wire.md` section 11). Default: ranked by words, in memory, gone with the process. */
  memory?: Memory;
  /** Where meetings are kept. Default: in memory, gone with the process. */
  meetingStore?: MeetingStore;
  /** Sends actions on surfaces to A2A agents (`wire.md` section 11). Default: over HTTP, with the client of `@a2a-js/sdk`. */
  a2a?: A2aClient;
  /** Where to log. Default: nowhere. Never given a secret. */
  log?: Logger;
}

/** Where the console is, and what it leads to. */
export interface ConsolePlace {
  /** The folder with its built files. Default: `dist/console` of this package. */
  directory?: string;
  /** Where Stately's inspector is, for `/inspect/stately`. Default {@link DEFAULT_INSPECTOR_URL}. */
  inspectorUrl?: string;
}

/** Who called an embedder's method. */
export interface Caller {
  clientId: string;
  role: 'client' | 'agent' | 'host' | undefined;
  agentId: string | undefined;
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
  /** What `agents.upsert` does. `ephemeral`: known until the process ends, never handed to the store. */
  upsertAgent(params: InputOf<'agents.upsert'>, options?: { ephemeral?: boolean }): { spec: AgentSpec; token?: string };
  /**
   * Runs a tool of any connection's, outside a turn (`wire.md` section 7). Rejects with a `WireError`: the host's own
   * error, or `-32602` (`parameters` is no JSON), `-32014` (no such connection), `-32017`, `-32018`, `-32019`, `-32020`.
   */
  executeTool(clientId: string, tool: string, parameters: unknown, options?: ExecuteToolOptions): Promise<unknown>;
  /** Stops as section 10 says: drains, closes every connection with 1001, stops listening. Repeated calls share one end. */
  close(): Promise<void>;
}

/**
 * Makes a broker. Nothing listens yet, and two of them in one process do not touch each other.
 * @throws {RangeError} where a limit is none. @throws {TypeError} where a part, a memory say, lacks what it must have.
 */
export function createBroker(options: BrokerOptions = {}): Broker {
  const { inspect = false } = options;
  const limits = checkLimits(options.limits);
  checkParts(options);
  const pages = options.console === false ? undefined : new ConsolePages({ inspect, ...options.console });
  const tokens = Object.freeze({
    // An empty one is none: whoever sends no token at all must not be let in by it.
    daemon: options.tokens?.daemon || createToken(),
    host: options.tokens?.host || createToken(),
  });
  const agents = new AgentRegistry(options.agentStore ?? memoryAgentStore());
  const { kernel: state, metrics: ofFamilies } = createKernel(
    {
      version: VERSION,
      limits,
      clock: options.clock ?? systemClock,
      log: options.log ?? silentLog,
      agents,
      auth: new Authenticator({ enabled: options.auth ?? true, tokens, agents }),
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
    state.onStopped = resolve;
  });
  const root = startBroker(state);
  // The net under law 11: whatever breaks the root after all is said, and nobody waits for ever for its end.
  root.subscribe({
    error(err) {
      state.log.error({ err }, 'the broker actor failed');
      state.deadlines.clear();
      state.onStopped();
    },
  });
  const delay = new EventLoopDelay();
  // The gateway is made next: it answers the scrape itself.
  state.vitals = {
    mergedTokens: () => gateway.mergedTokens,
    droppedPartials: () => gateway.droppedPartials,
    refusedUpgrades: () => gateway.refusedUpgrades,
    eventLoopDelay: () => delay.read(),
  };
  // Made by the first scrape that can.
  let registry: Registry | undefined;
  const faults = new Faults((err, what, count) => state.log.error(count === 1 ? { err } : { err, count }, what));
  const gateway = new Gateway({
    maxMessageBytes: limits.maxMessageBytes,
    maxConnections: limits.maxConnections,
    pingIntervalMs: limits.pingIntervalMs,
    heartbeatTimeoutMs: limits.heartbeatTimeoutMs,
    allowedOrigins: new Set(options.allowedOrigins),
    outgoing: limits,
    isReady: () => root.getSnapshot().value === 'accepting',
    async metrics() {
      registry ??= createMetrics(state, ofFamilies);
      return { text: await registry.metrics(), contentType: registry.contentType };
    },
    faults,
    pages,
    onLink: (link) => root.send({ type: 'link.opened', link }),
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
    method(name, { schema, handler, role = 'any', timeoutMs = limits.handlerTimeoutMs }) {
      checkMs('timeoutMs', timeoutMs);
      state.get(DISPATCHER).add(name, {
        role,
        schema,
        timeoutMs,
        handle: ({ from, params }) =>
          // The dispatcher has checked them against this very schema.
          handler(params as never, { clientId: from.id, role: from.role, agentId: from.agentId }),
      });
      return broker;
    },
    upsertAgent: (params, { ephemeral = false } = {}) => agents.upsert(parseParams(upsertParams, params), ephemeral),
    executeTool: (clientId, tool, parameters, how = {}) => executeTool(state, clientId, tool, parameters, how),
    close() {
      closing ??= close();
      return closing;
    },
  };
  return broker;
}

/** Where a broker listens unless told otherwise (`wire.md` section 1). */
export const DEFAULT_HOST = '127.0.0.1';
/** See {@link DEFAULT_HOST}. */
export const DEFAULT_PORT = 9100;
