import type { Agent, AgentOptions, AgentStatus } from './agent.ts';
import type { Chat, ChatOptions } from './chat.ts';
import { Chats } from './chats.ts';
import { type Connection, openConnection } from './connection.ts';
import { asyncDispose } from './disposable.ts';
import type { SwitchboardError } from './errors.ts';
import { KeptConnection } from './kept-connection.ts';
import { type MemoryAccess, memoryOver } from './memory.ts';
import type { Place } from './place.ts';
import { type RequestFunction, requestFunction } from './request.ts';
import { toAgentError } from './tool-errors.ts';
import { Turns } from './turns.ts';
import { VoiceJobs } from './voice-jobs.ts';

/**
 * Connects an agent.
 * @param next where its next connection goes; the entries for Node and browsers fill that in.
 * @throws {ConnectionError} not reachable, unless `waitForBroker`. @throws {AuthError} wrong token.
 */
export async function openAgent(next: () => Place, options: AgentOptions): Promise<Agent> {
  const run = new AgentRun(next, options);
  await run.start();
  return run;
}

/** An {@link Agent} from the inside: one connection after the other. */
class AgentRun implements Agent {
  readonly agentId: string;
  readonly memory: MemoryAccess;
  readonly request: RequestFunction;
  readonly #next: () => Place;
  readonly #options: AgentOptions;
  readonly #chats = new Chats();
  readonly #turns: Turns;
  readonly #kept: KeptConnection;
  /** See `HostRun`. */
  #isNear = true;

  constructor(next: () => Place, options: AgentOptions) {
    const { reconnect, waitForBroker = false, onStatus } = options;
    this.#next = next;
    this.#options = options;
    this.agentId = options.agentId;
    this.#kept = new KeptConnection({
      connect: (signal) => this.#connect(signal),
      restore: async ({ peer }) => this.#chats.resumeAll(peer),
      persists: (before) => (before ? reconnect !== false : waitForBroker),
      isNear: () => this.#isNear,
      reconnect: typeof reconnect === 'object' ? reconnect : {},
      onStatus,
    });
    this.#turns = new Turns(options);
    this.#kept.closed.then((error) => {
      this.#chats.close(error);
      this.#turns.close();
    });
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
    const { agentId, token = '', jwt, connectTimeoutMs, reconnect } = this.#options;
    const turns = this.#turns;
    // One that does not come back has nothing to go on with.
    const resume = reconnect === false ? {} : { resume: true, tickets: true };
    const voice = new VoiceJobs(this.#options);
    const place = this.#next();
    this.#isNear = place.isNear;
    return openConnection({
      place,
      auth: { ...(jwt === undefined ? { token } : {}), agent_id: agentId, ...resume },
      jwt,
      identified: ({ agent_window_ms }, peer) =>
        turns.attached(peer, typeof agent_window_ms === 'number' ? agent_window_ms : undefined),
      connectTimeoutMs,
      signal,
      toError: toAgentError,
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
