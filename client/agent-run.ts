import type { Agent, AgentOptions, AgentStatus } from './agent.ts';
import { Backoff } from './backoff.ts';
import type { Chat, ChatOptions } from './chat.ts';
import { type Connection, openConnection } from './connection.ts';
import { ConnectionClosedError, ConnectionError, SwitchboardError } from './errors.ts';
import { quietly } from './quietly.ts';
import { type RequestFunction, requestFunction } from './request.ts';
import type { SocketFactory } from './socket.ts';
import { Turns } from './turns.ts';

/**
 * Connects an agent over a given kind of socket; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function openAgent(open: SocketFactory, options: AgentOptions): Promise<Agent> {
  const run = new AgentRun(open, options);
  await run.start();
  return run;
}

/** An {@link Agent} from the inside: one connection after the other. */
class AgentRun implements Agent {
  readonly agentId: string;
  readonly closed: Promise<SwitchboardError>;
  readonly request: RequestFunction;
  readonly #open: SocketFactory;
  readonly #options: AgentOptions;
  readonly #backoff: Backoff;
  readonly #stop = new AbortController();
  /** The present connection, or, between two, the last one: what is asked of it then fails with how it ended. */
  #connection: Connection | undefined;
  #status: AgentStatus = { status: 'connecting' };
  #settle: (error: SwitchboardError) => void = () => {};

  constructor(open: SocketFactory, options: AgentOptions) {
    this.#open = open;
    this.#options = options;
    this.agentId = options.agentId;
    this.#backoff = new Backoff(options.reconnect || {});
    this.closed = new Promise((resolve) => {
      this.#settle = resolve;
    });
    this.request = requestFunction(() => this.#current().peer);
  }

  get status(): AgentStatus['status'] {
    return this.#status.status;
  }

  /** Resolves at the first connection, and keeps things going from then on. */
  start(): Promise<void> {
    return new Promise((resolve, reject) => {
      // After the first connection the rejection falls on deaf ears, as it should: `closed` tells.
      this.#keepConnected(resolve).then((error) => {
        this.#become({ status: 'closed', error });
        this.#settle(error);
        reject(error);
      });
    });
  }

  chat(agentId: string, prompt: string, options?: ChatOptions): Chat {
    const { peer, chats } = this.#current();
    return chats.open(peer, agentId, prompt, options);
  }

  async close(): Promise<void> {
    this.#stop.abort(new ConnectionClosedError());
    await this.#connection?.peer.close();
    await this.closed;
  }

  #current(): Connection {
    // Nobody has the agent in hand before it was connected once.
    if (!this.#connection) throw new ConnectionError('not connected yet');
    return this.#connection;
  }

  #become(status: AgentStatus): void {
    this.#status = status;
    quietly(() => this.#options.onStatus?.(status));
  }

  /** Connects again and again. Returns why that is over. */
  async #keepConnected(connected: () => void): Promise<SwitchboardError> {
    const { reconnect, waitForBroker = false } = this.#options;
    const stop = this.#stop.signal;
    while (!stop.aborted) {
      const error = await this.#connectOnce(connected);
      const persistent = reconnect !== false && (this.#connection !== undefined || waitForBroker);
      if (stop.aborted) break;
      if (!persistent || !error.retryable) return error;
      const delayMs = this.#backoff.next();
      this.#become({ status: 'waiting', error, delayMs });
      await pause(delayMs, stop);
    }
    return stop.reason;
  }

  /** One connection, from the attempt to the end. Returns why it ended. */
  async #connectOnce(connected: () => void): Promise<SwitchboardError> {
    this.#become({ status: 'connecting' });
    try {
      this.#connection = await this.#connect();
    } catch (error) {
      return asError(error);
    }
    const since = performance.now();
    this.#become({ status: 'ready' });
    connected();
    const error = await this.#connection.ended;
    this.#backoff.held(performance.now() - since);
    return error;
  }

  async #connect(): Promise<Connection> {
    const { url, agentId, token = '', connectTimeoutMs } = this.#options;
    const turns = new Turns(this.#options);
    return openConnection({
      open: this.#open,
      url: typeof url === 'function' ? url() : url,
      auth: { token, agent_id: agentId },
      connectTimeoutMs,
      signal: this.#stop.signal,
      request: (method, params, reply, peer) => turns.request(method, params, reply, peer),
      notification: (method, params) => turns.notification(method, params),
      ended: () => turns.lost(),
    });
  }
}

/** Anything else than an error of the SDK's is a fault in the given `url` function, which trying again does not mend. */
function asError(cause: unknown): SwitchboardError {
  if (cause instanceof SwitchboardError) return cause;
  return new ConnectionError(cause instanceof Error ? cause.message : String(cause), { retryable: false, cause });
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const finish = () => {
      clearTimeout(timer);
      signal.removeEventListener('abort', finish);
      resolve();
    };
    const timer = setTimeout(finish, ms);
    signal.addEventListener('abort', finish);
  });
}
