import type { Agent, AgentOptions, AgentStatus } from './agent.ts';
import type { Chat, ChatOptions } from './chat.ts';
import { Chats } from './chats.ts';
import { type Connection, openConnection } from './connection.ts';
import { asyncDispose } from './disposable.ts';
import type { SwitchboardError } from './errors.ts';
import { KeptConnection } from './kept-connection.ts';
import { type MemoryAccess, memoryOver } from './memory.ts';
import { nextPlace, type PlaceOptions } from './place.ts';
import { type RequestFunction, requestFunction } from './request.ts';
import type { SocketFactory } from './socket.ts';
import { Turns } from './turns.ts';
import { VoiceJobs } from './voice-jobs.ts';

/**
 * Connects an agent over a given kind of socket; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function openAgent(open: SocketFactory, options: AgentOptions & PlaceOptions): Promise<Agent> {
  const run = new AgentRun(open, options);
  await run.start();
  return run;
}

/** An {@link Agent} from the inside: one connection after the other. */
class AgentRun implements Agent {
  readonly agentId: string;
  readonly memory: MemoryAccess;
  readonly request: RequestFunction;
  readonly #open: SocketFactory;
  readonly #options: AgentOptions & PlaceOptions;
  readonly #chats = new Chats();
  readonly #kept: KeptConnection;

  constructor(open: SocketFactory, options: AgentOptions & PlaceOptions) {
    const { reconnect, waitForBroker = false, onStatus } = options;
    this.#open = open;
    this.#options = options;
    this.agentId = options.agentId;
    this.#kept = new KeptConnection({
      connect: (signal) => this.#connect(signal),
      restore: async ({ peer }) => this.#chats.resumeAll(peer),
      persists: (before) => reconnect !== false && (before || waitForBroker),
      reconnect: reconnect || {},
      onStatus,
    });
    this.#kept.closed.then((error) => this.#chats.close(error));
    this.request = requestFunction(() => this.#kept.current.peer);
    this.memory = memoryOver(this.request);
  }

  get status(): AgentStatus['status'] {
    return this.#kept.status;
  }

  get closed(): Promise<SwitchboardError> {
    return this.#kept.closed;
  }

  start(): Promise<void> {
    return this.#kept.start();
  }

  chat(agentId: string, prompt: string, options?: ChatOptions): Chat {
    return this.#chats.open(this.#kept.current.peer, agentId, prompt, options);
  }

  close(): Promise<void> {
    return this.#kept.stop();
  }

  [asyncDispose](): Promise<void> {
    return this.close();
  }

  async #connect(signal: AbortSignal): Promise<Connection> {
    const { agentId, token = '', connectTimeoutMs } = this.#options;
    const turns = new Turns(this.#options);
    const voice = new VoiceJobs(this.#options);
    return openConnection({
      place: nextPlace(this.#open, this.#options),
      auth: { token, agent_id: agentId },
      connectTimeoutMs,
      signal,
      chats: this.#chats,
      request: (method, params, reply, peer) =>
        turns.request(method, params, reply, peer) || voice.request(method, params, reply, peer),
      notification: (method, params) => {
        turns.notification(method, params);
        voice.notification(method, params);
      },
      binary: (data) => voice.binary(data),
      ended: () => {
        turns.lost();
        voice.lost();
      },
    });
  }
}
