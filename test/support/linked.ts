import { SimulatedClock } from 'xstate';
import { type Broker, type BrokerOptions, createBroker, type Link } from '../../broker.ts';
import { type AudioFrame, decodeAudioFrame } from '../../protocol/audio-frame.ts';

/** A JSON-RPC message as a test reads it. */
// biome-ignore lint/suspicious/noExplicitAny: a test looks into whatever came
export type Message = any;

/** Lets everything that is due run: the linked pair delivers in microtasks, of which none is left after this. */
export const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

/** A broker over the linked pair, with a clock that stands still until it is told otherwise. */
export function startLinked(options: BrokerOptions = {}) {
  const clock = new SimulatedClock();
  const broker = createBroker({
    clock: clock as NonNullable<BrokerOptions['clock']>,
    ...options,
    // Metrics are always those of this moment.
    limits: { metricsMaxAgeMs: 0, ...options.limits },
  });
  return { broker, ...clientsOf(broker, clock) };
}

/** Everybody who may connect to a broker, and the clock that it goes by. */
export function clientsOf(broker: Pick<Broker, 'connect' | 'tokens' | 'upsertAgent'>, clock: SimulatedClock) {
  const connect = () => new LinkedClient(broker.connect());
  return {
    clock,
    connect,
    /** A client that has authenticated with the daemon token. */
    async host(): Promise<LinkedClient> {
      const client = connect();
      await client.ok('session.auth', { token: broker.tokens.daemon });
      return client;
    },
    /** A client in the management role. */
    async manager(): Promise<LinkedClient> {
      const client = connect();
      await client.ok('session.auth', { host_token: broker.tokens.host });
      return client;
    },
    /** An attached agent; the same id again is a newer connection of it. `resume`: it numbers its events. */
    async agent(id: string, { resume = false } = {}): Promise<LinkedClient> {
      const { token } = broker.upsertAgent({ id, rotate_token: true });
      const client = connect();
      await client.ok('session.auth', { agent_id: id, token, ...(resume ? { resume } : {}) });
      return client;
    },
    /** Lets what was sent arrive, and then that much time pass. */
    async advance(ms: number): Promise<void> {
      await settle();
      clock.increment(ms);
      await settle();
    },
  };
}

/** What {@link startLinked} gives. */
export type Linked = ReturnType<typeof startLinked>;

/** A client made by hand: writes any text, and keeps every frame that it was sent. */
export class LinkedClient {
  /** Every frame that was received, in order. */
  readonly frames: Message[] = [];
  /** Every binary frame that was received, in order; undefined where it was malformed. */
  readonly binaries: (AudioFrame | undefined)[] = [];
  /** The close code, once it is closed. */
  closed: number | undefined;
  readonly #link: Link;
  #ids = 0;

  constructor(link: Link) {
    this.#link = link;
    link.open({
      text: (data) => this.frames.push(JSON.parse(data)),
      binary: (data) => this.binaries.push(decodeAudioFrame(data)),
      closed: (code) => {
        this.closed = code;
      },
    });
  }

  /** Writes one frame: a string as it is, anything else as JSON. */
  send(message: unknown): void {
    this.#link.send(typeof message === 'string' ? message : JSON.stringify(message));
  }

  /** Writes one binary frame. */
  sendBinary(data: Uint8Array): void {
    this.#link.sendBinary(data);
  }

  notify(method: string, params?: unknown): void {
    this.send({ jsonrpc: '2.0', method, params });
  }

  /** Answers a request of the broker's. */
  answer(request: Message, result: unknown): void {
    this.send({ jsonrpc: '2.0', id: request.id, result });
  }

  /** Sends a request and leaves; the id is for {@link replyTo}. */
  post(method: string, params?: unknown): number {
    this.#ids += 1;
    this.send({ jsonrpc: '2.0', id: this.#ids, method, params });
    return this.#ids;
  }

  replyTo(id: unknown): Message | undefined {
    return this.frames.find((frame) => frame.id === id && frame.method === undefined);
  }

  /** Sends a request and gives its whole answer, undefined where none came. */
  async call(method: string, params?: unknown): Promise<Message> {
    const id = this.post(method, params);
    await settle();
    return this.replyTo(id);
  }

  /** Sends a request that must succeed, and gives its result. */
  async ok(method: string, params?: unknown): Promise<Message> {
    const reply = await this.call(method, params);
    if (!reply || reply.error) throw new Error(`${method} failed: ${JSON.stringify(reply)}`);
    return reply.result;
  }

  /** Everything received with this method, oldest first. */
  received(method: string): Message[] {
    return this.frames.filter((frame) => frame.method === method);
  }

  /** The parameters of the events received as a host. */
  events(sessionId?: string): Message[] {
    const all = this.received('agents.chat.event').map((frame) => frame.params);
    return sessionId === undefined ? all : all.filter((event) => event.session_id === sessionId);
  }

  /** The newest `agent.chat` that was received as an agent. */
  lastChat(): Message {
    return this.received('agent.chat').at(-1);
  }

  /** Streams one event as an agent. */
  emit(sessionId: string, event: object): void {
    this.notify('agent.chat.event', { session_id: sessionId, ...event });
  }

  close(): void {
    this.#link.close(1000, '');
  }

  /** Its connection is lost, and nobody has said why. */
  cut(): void {
    this.#link.terminate();
  }
}

/** Opens a chat and has the agent accept it. */
export async function openChat(host: LinkedClient, agent: LinkedClient, params: Message): Promise<Message> {
  const id = host.post('agents.chat', { prompt: 'hi', ...params });
  await settle();
  agent.answer(agent.lastChat(), { accepted: true });
  await settle();
  return host.replyTo(id)?.result;
}
