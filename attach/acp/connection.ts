import type {
  AnyMessage,
  ClientContext,
  InitializeResponse,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk';
import { ErrorCode } from '../../client/node.ts';
import { isRpcId, type RpcId } from '../../protocol/frame.ts';
import { type Unread, unread } from '../../protocol/frame-scan.ts';
import { isObject, unwritable } from '../../protocol/json.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { VERSION } from '../../version.ts';
import type { AttachLog } from '../attached.ts';
import { StartError } from '../join.ts';
import { AgentProcess, type ProcessOptions } from '../process/agent-process.ts';
import { messageOf } from '../words.ts';

type Sdk = typeof import('../../sdks/acp.ts');

/** The version of ACP that is spoken. */
const PROTOCOL_VERSION = 1;

/** What a process has to say of a session of its. */
export interface SessionListener {
  /** `session/update`, in order with the answers. @param bytes as it came. */
  update(update: Record<string, unknown>, bytes: number): void;
  /** `session/request_permission`. Never rejects. @param bytes as it came. */
  permission(params: Record<string, unknown>, bytes: number): Promise<RequestPermissionResponse>;
  /** Something that was said, to whichever session, is left out, and why. */
  leftOut(why: string): void;
}

/** How long a session that was loaded has to be silent before its turn begins, and how long that is waited for at most. Milliseconds. */
const QUIET_MS = 200;
const MOST_QUIET_MS = 3_000;
/** How much is told of the name of a method that is not known. Characters. */
const MAX_NAME = 64;

/** One process, initialized, and what is said with it. */
export class AcpConnection {
  readonly process: AgentProcess;
  readonly #log: AttachLog;
  readonly #timeoutMs: number;
  readonly #sessions = new Map<string, SessionListener>();
  /** Those that have more to say than is taken from them; nothing is read while there is one. */
  readonly #full = new Set<SessionListener>();
  /** Ids of requests that were sent and not answered. */
  readonly #asked = new Set<unknown>();
  #toSdk: ReadableStreamDefaultController<AnyMessage> | undefined;
  #agent: ClientContext | undefined;
  #initialized: InitializeResponse | undefined;
  #hasComplained = false;

  /** @param timeoutMs how long it may take over what is no prompt. */
  constructor(options: Omit<ProcessOptions, 'onLine'>, timeoutMs: number) {
    this.#log = options.log;
    this.#timeoutMs = timeoutMs;
    this.process = new AgentProcess({ ...options, onLine: (line, bytes) => this.#line(line, bytes) });
  }

  /** What the program said of itself. */
  get about(): InitializeResponse {
    if (!this.#initialized) throw new Error('not initialized yet');
    return this.#initialized;
  }

  /** Sends requests to the agent. They reject with `RequestError`, or `AgentGone` where the process ends. */
  get agent(): ClientContext {
    if (!this.#agent) throw new Error('not connected yet');
    return this.#agent;
  }

  /**
   * Initializes the program.
   * @param auth the way to authenticate afterwards, if one is to be taken.
   * @throws {StartError}
   */
  async start(auth: string | undefined): Promise<void> {
    const sdk: Sdk = await import('../../sdks/acp.ts');
    const closed = this.#connect(sdk);
    try {
      await Promise.race([this.#initialize(auth), closed]);
    } catch (error) {
      void this.process.kill();
      if (error instanceof StartError) throw error;
      const hint = this.process.lastWords === '' ? '' : '; --log-level debug shows what it wrote to stderr';
      throw new StartError(messageOf(error) + hint, { cause: error });
    }
  }

  /**
   * Asks the agent what it has to answer soon: all but a prompt.
   * @throws {RequestError} the agent's own error. @throws {AgentGone} @throws {Error} it has not answered in time
   */
  async request<T>(method: string, params: object, timeoutMs = this.#timeoutMs): Promise<T> {
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      const words = `the agent did not answer ${method} within ${timeoutMs} ms`;
      timer = setTimeout(() => reject(new Error(words)), timeoutMs);
    });
    try {
      return await Promise.race([this.agent.request<T>(method, params), late]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** From now on this hears of a session. */
  listen(sessionId: string, listener: SessionListener): void {
    this.#sessions.set(sessionId, listener);
  }

  /**
   * Drops what a session that was loaded is told, until there was nothing for a while: gemini-cli tells what was said before
   * only after its answer.
   */
  silence(sessionId: string): Promise<void> {
    return new Promise((settle) => {
      const end = () => {
        clearTimeout(most);
        this.#sessions.delete(sessionId);
        settle();
      };
      const quiet = setTimeout(end, QUIET_MS);
      const most = setTimeout(() => {
        clearTimeout(quiet);
        end();
      }, MOST_QUIET_MS);
      const permission = async () => ({ outcome: { outcome: 'cancelled' as const } });
      this.#sessions.set(sessionId, { update: () => void quiet.refresh(), permission, leftOut: () => {} });
    });
  }

  unlisten(sessionId: string): void {
    const listener = this.#sessions.get(sessionId);
    this.#sessions.delete(sessionId);
    if (listener) this.drained(listener);
  }

  /** A session takes no more for now: the process is read again when {@link AcpConnection.drained} says so. */
  full(listener: SessionListener): void {
    this.#full.add(listener);
    this.process.pause();
  }

  drained(listener: SessionListener): void {
    if (this.#full.delete(listener) && this.#full.size === 0) this.process.resume();
  }

  /** Rejects when the process ends. */
  #connect(sdk: Sdk): Promise<never> {
    const readable = new ReadableStream<AnyMessage>({
      start: (controller) => {
        this.#toSdk = controller;
      },
    });
    const writable = new WritableStream<AnyMessage>({
      write: (message) => {
        if ('method' in message && 'id' in message) this.#asked.add(message.id);
        this.process.write(JSON.stringify(message));
      },
    });
    const connection = sdk.client({ name: 'switchboard' }).connect({ readable, writable });
    this.#agent = connection.agent;
    return this.process.ended.then((how) => {
      const error = new AgentGone(how);
      connection.close(error);
      throw error;
    });
  }

  async #initialize(auth: string | undefined): Promise<void> {
    const answer = await this.request<InitializeResponse>('initialize', {
      protocolVersion: PROTOCOL_VERSION,
      // Without it some agents write their warnings into the answer. Files and terminals are the agent's own.
      clientCapabilities: { session: { notices: {} } },
      clientInfo: { name: 'switchboard', title: 'Switchboard', version: VERSION },
    });
    const about: unknown = answer;
    const version = isObject(about) ? about.protocolVersion : undefined;
    if (version !== PROTOCOL_VERSION) {
      const spoken = typeof version === 'number' ? `version ${version}` : 'no version';
      throw new StartError(`it speaks ${spoken} of ACP; version ${PROTOCOL_VERSION} is needed`);
    }
    this.#initialized = answer;
    if (auth !== undefined) await this.request('authenticate', { methodId: auth });
  }

  #line(line: Buffer, bytes: number): void {
    // Some programs greet, or warn, on stdout. It is no message, and must not be answered as one.
    if (line[0] !== 0x7b) {
      const words = line.toString('utf8', 0, 500).trim();
      if (words !== '') this.#log.debug({ pid: this.process.pid, stdout: visibleLine(words) }, 'no message: dropped');
      return;
    }
    const message = this.#parse(line.toString());
    if (message === undefined) return;
    const { method, params, id } = message;
    // None of these by way of the SDK: it would hear of updates later than of the answer that comes after them, and it takes a
    // hundred times as long to refuse a request.
    if (typeof method !== 'string') this.#answered(message);
    else if ('id' in message) void this.#asks(id, method, params, bytes);
    else if (method === 'session/update') this.#update(params, bytes);
  }

  /** What cannot be read, or not be passed on, is left out here. */
  #parse(text: string): Record<string, unknown> | undefined {
    const refused = unread(text);
    if (refused) {
      this.#complain({ reason: refused.reason }, 'a message of an attached agent is not read');
      this.#leaveOut(refused);
      return undefined;
    }
    try {
      const message = JSON.parse(text) as Record<string, unknown>;
      const reason = unwritable(message.params);
      if (reason === undefined) return message;
      this.#leaveOut({ reason, id: isRpcId(message.id) ? message.id : undefined, hasMethod: true });
    } catch {
      this.#complain({}, 'a line of an attached agent is no JSON: dropped');
    }
    return undefined;
  }

  #leaveOut({ reason, id, hasMethod }: Pick<Unread, 'reason' | 'id' | 'hasMethod'>): void {
    if (id === undefined || id === null) for (const session of this.#sessions.values()) session.leftOut(reason);
    else if (hasMethod) this.#answer(id, { error: { code: ErrorCode.InvalidRequest, message: reason } });
    else this.#answered({ id, error: { code: ErrorCode.InternalError, message: `its answer: ${reason}` } });
  }

  /** The first time for everybody to see: an agent may go on like that. */
  #complain(fields: object, words: string): void {
    this.#log[this.#hasComplained ? 'debug' : 'warn']({ pid: this.process.pid, ...fields }, words);
    this.#hasComplained = true;
  }

  #answered(message: Record<string, unknown>): void {
    if (this.#asked.delete(message.id)) this.#toSdk?.enqueue({ jsonrpc: '2.0', ...message } as unknown as AnyMessage);
    else this.#log.debug({ pid: this.process.pid }, 'neither a request nor an awaited answer: dropped');
  }

  /** A request of the agent's: for a permission, and nothing else. */
  async #asks(id: unknown, method: string, params: unknown, bytes: number): Promise<void> {
    // What has no good id cannot be answered.
    if (!isRpcId(id)) return;
    if (method !== 'session/request_permission') {
      const message = `no method ${visibleLine(method.slice(0, MAX_NAME))}`;
      this.#answer(id, { error: { code: ErrorCode.MethodNotFound, message } });
      return;
    }
    const asked = isObject(params) ? params : {};
    const session = this.#sessions.get(String(asked.sessionId));
    const cancelled: RequestPermissionResponse = { outcome: { outcome: 'cancelled' } };
    this.#answer(id, { result: session ? await session.permission(asked, bytes) : cancelled });
  }

  #answer(id: RpcId, answer: object): void {
    this.process.write(JSON.stringify({ jsonrpc: '2.0', id, ...answer }));
  }

  #update(params: unknown, bytes: number): void {
    if (!isObject(params) || !isObject(params.update)) return;
    this.#sessions.get(String(params.sessionId))?.update(params.update, bytes);
  }
}

/** The process has ended; the message says how: `agent process exited with code 3`. */
export class AgentGone extends Error {
  override readonly name = 'AgentGone';

  constructor(how: string) {
    super(`agent process ${how}`);
  }
}
