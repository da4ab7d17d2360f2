import { onTestFinished } from 'vitest';
import { type Broker, type BrokerOptions, createBroker } from '../../broker.ts';
import { type Agent, type AgentOptions, connectAgent, connectHost, type Host, type OnChat } from '../../client/node.ts';

/** A broker that listens on a real port, and what connects to it; all of it is gone after the test. */
export class RealBroker {
  readonly broker: Broker;
  readonly url: string;

  private constructor(broker: Broker, url: string) {
    this.broker = broker;
    this.url = url;
  }

  static async start(options: BrokerOptions = {}): Promise<RealBroker> {
    // Its agents are in this very process, which may do much else: that they are late is not what is tried.
    const limits = { drainTimeoutMs: 1, ackTimeoutMs: 60_000, ...options.limits };
    const broker = createBroker({ ...options, limits });
    onTestFinished(() => broker.close());
    const { url } = await broker.listen({ port: 0 });
    return new RealBroker(broker, url ?? '');
  }

  host(options: { onToolError?: (error: unknown) => void } = {}): Promise<Host> {
    return this.#host({ token: this.broker.tokens.daemon, ...options });
  }

  /** A host in the management role. */
  manager(): Promise<Host> {
    return this.#host({ hostToken: this.broker.tokens.host });
  }

  async agent(onChat: OnChat, options: Partial<AgentOptions> = {}): Promise<Agent> {
    const { token } = this.broker.upsertAgent({ id: 'echo', rotate_token: true });
    const agent = await connectAgent({ url: this.url, agentId: 'echo', token, onChat, reconnect: false, ...options });
    onTestFinished(() => agent.close());
    return agent;
  }

  async #host(options: object): Promise<Host> {
    const host = await connectHost({ url: this.url, env: {}, ...options });
    onTestFinished(() => host.close());
    return host;
  }
}

/** Something that a test waits for, and what is to happen then. */
export function deferred<T = void>() {
  let resolve: (value: T) => void = () => {};
  const promise = new Promise<T>((done) => {
    resolve = done;
  });
  return { promise, resolve };
}

/** What a promise rejects with. */
export function rejection(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    (value) => {
      throw new Error(`resolved, with ${JSON.stringify(value)}`);
    },
    (error: unknown) => error,
  );
}

/** Resolves when the signal aborts. */
export const aborted = (signal: AbortSignal): Promise<unknown> =>
  signal.aborted ? Promise.resolve() : new Promise((resolve) => signal.addEventListener('abort', resolve));
