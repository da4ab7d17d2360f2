import type { z } from 'zod';
import type { ApprovalPolicy } from './actors/approvals/gate.ts';
import type { AgentStore } from './actors/connection/agent-store.ts';
import type { AuthFunction } from './actors/connection/auth-function.ts';
import type { FamilyOptions } from './actors/families.ts';
import type { BrokerClock } from './actors/kernel/deadlines.ts';
import type { Logger } from './actors/kernel/log.ts';
import type { Caller } from './actors/requests/caller.ts';
import type { ExecuteToolOptions } from './actors/tools/execute-tool.ts';
import type { A2aClient } from './protocol/a2a-client.ts';
import type { Limits } from './protocol/limits.ts';
import type { Memory } from './protocol/memory-provider.ts';
import { checkOptions } from './protocol/options.ts';
import type { ListenOptions } from './transport/listener.ts';

/** What an embedder may decide. Everything has a default. */
export interface BrokerOptions {
  /**
   * False switches authentication off (`wire.md` section 3). A function says who a token is; it is asked what the
   * broker's own tokens, which go on working, do not answer. Default true: the broker's own tokens alone.
   */
  auth?: boolean | AuthFunction;
  /** The broker's own tokens. Default: random ones, to be read from `broker.tokens`. */
  tokens?: TokenOptions;
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
  /** Sends actions on surfaces to A2A agents (`wire.md` section 11). Default: over HTTP, with the client of `@a2a-js/sdk`. */
  a2a?: A2aClient;
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
}

/** All names of an options' type, and of a union every member's: one that is forgotten here does not compile. */
type Names<T> = Readonly<Record<T extends unknown ? keyof T : never, true>>;

const BROKER_OPTIONS: Names<BrokerOptions> = {
  auth: true,
  tokens: true,
  agentStore: true,
  approvals: true,
  limits: true,
  allowedOrigins: true,
  inspect: true,
  console: true,
  clock: true,
  voice: true,
  memory: true,
  meetingStore: true,
  a2a: true,
  log: true,
};
const TOKENS: Names<TokenOptions> = { daemon: true, host: true };
const APPROVALS: Names<ApprovalPolicy> = { enabled: true, methods: true, timeoutMs: true };
const CONSOLE: Names<ConsolePlace> = { directory: true, inspectorUrl: true };
const METHOD: Names<MethodOptions<unknown>> = { schema: true, handler: true, role: true, timeoutMs: true };
const LISTEN: Names<ListenOptions> = { host: true, port: true, socket: true };
const EXECUTE_TOOL: Names<ExecuteToolOptions> = { timeoutMs: true, actionId: true, signal: true };
const UPSERT_AGENT: Names<UpsertAgentOptions> = { ephemeral: true };

/** @throws {TypeError} where one is unknown, here or in those that have options of their own. */
export function checkBrokerOptions(options: BrokerOptions): void {
  checkOptions('createBroker', options, BROKER_OPTIONS);
  const { auth, tokens, approvals, console } = options;
  if (auth !== undefined && typeof auth !== 'boolean' && typeof auth !== 'function')
    throw new TypeError('createBroker: auth is a boolean or a function');
  checkOptions('createBroker, tokens', tokens, TOKENS);
  checkOptions('createBroker, approvals', approvals, APPROVALS);
  if (console !== false) checkOptions('createBroker, console', console, CONSOLE);
}

/** @throws {TypeError} where one is unknown. */
export function checkListenOptions(options: ListenOptions): void {
  checkOptions('broker.listen', options, LISTEN);
}

/** @throws {TypeError} where one is unknown. */
export function checkMethodOptions(name: string, options: object): void {
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
  agentStore: { must: ['load', 'save'], may: [] },
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
    if (must.length === 0 && may.every((key) => member(key) === undefined))
      throw new TypeError(`${name} must have one of ${may.join(', ')}`);
  }
}
