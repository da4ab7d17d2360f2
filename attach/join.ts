import {
  type Agent,
  type AgentOptions,
  type AgentStatus,
  connectAgent,
  RejectChat,
  type SwitchboardError,
} from '../client/node.ts';
import type { Attached, AttachedStatus, AttachKind, AttachLog, SessionStore } from './attached.ts';
import { StatusBoard } from './status-board.ts';
import { untilThere } from './until-there.ts';
import { messageOf } from './words.ts';

/** Waits between two attempts to start, in milliseconds: the first, doubled each time up to the longest. */
const [FIRST_WAIT_MS, LONGEST_WAIT_MS] = [1_000, 60_000];

/** How to join an agent. */
export interface JoinOptions {
  kind: AttachKind;
  agentId: string;
  /** Where the broker is, and how to speak with it. */
  connection: Pick<AgentOptions, 'url' | 'link' | 'home' | 'tls'>;
  /** Waits for the broker where none is there. Default false. */
  wait?: boolean;
  token: string | undefined;
  log: AttachLog;
  env: Readonly<Record<string, string | undefined>>;
  /** See `AttachContext`. */
  umask?: number | undefined;
  /** The same. */
  sessions?: SessionStore | undefined;
  /**
   * Where the agent cannot be started: `fail` rejects; `retry` joins it all the same, tells whoever asks it something why
   * it cannot answer, and tries again with growing waits.
   */
  onFailedStart: 'fail' | 'retry';
}

/** The program, model or server behind an attached agent cannot be started. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

type Output = ReturnType<Attached['onChat']>;

/** Somebody else's agent, joined as one of the broker's. */
export class Join {
  readonly #options: JoinOptions;
  readonly #board: StatusBoard;
  readonly #attached: Attached;
  readonly #stop = new AbortController();
  #agent: Agent | undefined;
  #failures = 0;
  #retry: NodeJS.Timeout | undefined;
  /** Why it takes no turns; undefined where it does. */
  #failure: string | undefined;

  /** Nothing is started yet. */
  constructor(options: JoinOptions) {
    const { kind, agentId, log, env, umask, sessions } = options;
    this.#options = options;
    this.#board = new StatusBoard(kind.name);
    const report = (status: Partial<AttachedStatus>) => this.#board.report(status);
    this.#attached = kind.open({ agentId, log, env, umask, sessions, report });
  }

  get status(): Readonly<AttachedStatus> {
    return this.#board.status;
  }

  /** Resolves when the broker is done with it for good, or it was closed. Not to be asked for before it has started. */
  get closed(): Promise<SwitchboardError> {
    if (!this.#agent) throw new Error('not joined yet');
    return this.#agent.closed;
  }

  /**
   * Starts the agent, then joins it. Where it rejects, {@link Join.close} has still to be called.
   * @throws {StartError} it cannot be started, where `onFailedStart` is `fail`. @throws {AuthError} @throws {ConnectionError}
   */
  async start(): Promise<void> {
    const { onFailedStart, log, agentId, wait = false } = this.#options;
    if (onFailedStart === 'fail') await this.#startOnce();
    else {
      this.#failure = `agent ${agentId} is starting`;
      void this.#tryToStart();
    }
    const waits = ({ message }: Error) => log.info({ agent: agentId }, `waiting for a daemon: ${message}`);
    const connect = () => this.#connect();
    const agent = wait ? await untilThere(connect, this.#stop.signal, waits) : await connect();
    this.#agent = agent;
    if (this.#stop.signal.aborted) return agent.close();
    this.#board.connected(agent);
  }

  /** Leaves the broker, and ends everything of the agent's. */
  async close(): Promise<void> {
    this.#stop.abort();
    clearTimeout(this.#retry);
    this.#board.close();
    await this.#agent?.close();
    await this.#attached.close();
  }

  #connect(): Promise<Agent> {
    const { agentId, token, connection, log, env } = this.#options;
    return connectAgent({
      ...connection,
      env: { ...env },
      agentId,
      token,
      accept: (params) => {
        if (this.#failure !== undefined) throw new RejectChat(this.#failure);
        return this.#attached.accept?.(params);
      },
      onChat: (turn) => {
        this.#board.turnBegan();
        return this.#counted(this.#attached.onChat(turn));
      },
      onError: (error, { turnId }) => log.warn({ agent: agentId, turn_id: turnId, err: error }, 'a turn failed'),
      onStatus: (status) => this.#connectionIs(status),
    });
  }

  #counted(output: Output): Output {
    const ended = () => this.#board.turnEnded();
    if (output instanceof Promise) return (output as Promise<undefined>).finally(ended);
    async function* counted(items: Exclude<Output, Promise<unknown>>) {
      try {
        yield* items;
      } finally {
        ended();
      }
    }
    return counted(output as Exclude<Output, Promise<unknown>>);
  }

  #connectionIs(status: AgentStatus): void {
    const { log, agentId } = this.#options;
    // At the very first there is no agent yet: start() sees to that.
    if (!this.#agent) return;
    if (status.status === 'waiting')
      log.warn({ agent: agentId, reason: status.error.message }, 'not connected to the broker; trying again');
    if (status.status === 'ready') {
      log.info({ agent: agentId }, 'connected to the broker again');
      this.#board.connected(this.#agent);
    }
  }

  async #startOnce(): Promise<void> {
    this.#board.report({ state: 'starting', reason: undefined });
    try {
      await this.#attached.start();
    } catch (error) {
      throw error instanceof StartError ? error : new StartError(messageOf(error), { cause: error });
    }
    this.#failure = undefined;
    this.#failures = 0;
    this.#board.report({ state: 'ready', reason: undefined });
  }

  async #tryToStart(): Promise<void> {
    const { agentId, log } = this.#options;
    try {
      await this.#startOnce();
      const { mode, what } = this.status;
      log.info({ agent: agentId, kind: this.#options.kind.name, mode, what }, `agent ${agentId} is ready`);
    } catch (error) {
      if (this.#stop.signal.aborted) return;
      const wait = Math.min(FIRST_WAIT_MS * 2 ** this.#failures++, LONGEST_WAIT_MS);
      const reason = messageOf(error);
      this.#failure = `agent ${agentId} cannot be started: ${reason}`;
      this.#board.report({ state: 'failed', reason });
      log.error({ agent: agentId, reason, retry_in_ms: wait }, 'an attached agent cannot be started');
      this.#retry = setTimeout(() => void this.#tryToStart(), wait);
    }
  }
}
