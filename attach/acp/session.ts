import { setImmediate as nextRound } from 'node:timers/promises';
import type {
  InitializeResponse,
  McpServer,
  PromptResponse,
  RequestPermissionResponse,
} from '@agentclientprotocol/sdk';
import type { AgentEvent, Turn } from '../../client/node.ts';
import type { AttachContext } from '../attached.ts';
import type { Door } from '../door/door.ts';
import { TurnQueue } from '../turn-queue.ts';
import { type AcpConnection, AgentGone, type SessionListener } from './connection.ts';
import { failure, isAuthRequired, wordsOf } from './errors.ts';
import type { KeptSessions } from './kept-sessions.ts';
import { configure, type SessionAnswer } from './modes.ts';
import type { Pool } from './pool.ts';
import { promptOf } from './prompt.ts';
import { Running } from './running.ts';
import { serverFor } from './server-for.ts';
import type { AcpSettings } from './settings.ts';

/** So long without a word while a prompt runs, and the broker is told that its agent lives. Milliseconds. */
const ALIVE_MS = 5 * 60_000;
/** How long an agent may take to close a session before its process is ended. Milliseconds. */
export const CLOSE_MS = 2_000;

/** What the sessions of one agent share. */
export interface SessionWorld {
  settings: AcpSettings;
  context: AttachContext;
  pool: Pool;
  door: Door;
  kept: KeptSessions;
  /** Where a session is to work, as the operator allows a host to say. */
  cwdOf(context: Record<string, unknown>): string;
}

const STOPS: ReadonlyMap<string, string> = new Map([
  ['end_turn', 'stop'],
  ['max_tokens', 'length'],
  ['max_turn_requests', 'max_turns'],
  ['refusal', 'refusal'],
  ['cancelled', 'cancelled'],
]);

/** One conversation with an agent: it may outlive several processes. Its prompts run one after the other. */
export class AcpSession implements SessionListener {
  readonly #world: SessionWorld;
  readonly #name: string;
  #connection: AcpConnection | undefined;
  /** The agent's own id of it, once it has one. */
  #id: string | undefined;
  /** What its last process said of itself. */
  #about: InitializeResponse | undefined;
  /** Whether the agent knows nothing of what was said before. */
  #isNew = false;
  #cwd = '';
  #door: Awaited<ReturnType<Door['open']>> | undefined;
  #running: Running | undefined;
  #queue: Promise<void> = Promise.resolve();
  #waiting = 0;
  /** When its last turn ended, or was taken; what `performance.now()` says. */
  usedAt = performance.now();

  /** @param name the broker's id of it. */
  constructor(world: SessionWorld, name: string) {
    this.#world = world;
    this.#name = name;
    const place = world.kept.get(name);
    if (!place) return;
    this.#id = place.agent_session_id;
    // What the operator allows may have changed.
    this.#cwd = world.cwdOf({ cwd: place.cwd });
  }

  /** Whether a turn runs, or waits for its own. */
  get isBusy(): boolean {
    return this.#waiting > 0;
  }

  /** Whether it has a process, or is about to. */
  get hasProcess(): boolean {
    return this.isBusy || (this.#connection !== undefined && !this.#connection.process.isOver);
  }

  /** Whether its agent says that it can take a session up again in another process. */
  get canGoOn(): boolean {
    const { sessionCapabilities, loadSession } = this.#about?.agentCapabilities ?? {};
    return Boolean(sessionCapabilities?.resume ?? loadSession);
  }

  /** Answers a turn. The next one waits until the agent has answered this one's prompt, cancelled or not. */
  async *chat(turn: Turn): AsyncGenerator<string | AgentEvent> {
    const queue = new TurnQueue(
      () => this.#connection?.full(this),
      () => this.#connection?.drained(this),
    );
    const giveUp = () => {
      queue.drop();
      // Before its prompt was sent there is nothing of the agent's to wait for.
      if (this.#running?.turn !== turn) queue.end();
    };
    turn.signal.addEventListener('abort', giveUp);
    if (turn.signal.aborted) giveUp();
    this.#waiting += 1;
    const before = this.#queue;
    this.#queue = before
      .then(() => this.#turn(turn, queue))
      .catch((error: unknown) => this.#world.context.log.error({ err: error }, 'a turn of an attached agent broke'))
      .finally(() => {
        this.#waiting -= 1;
        this.usedAt = performance.now();
        turn.signal.removeEventListener('abort', giveUp);
        queue.end();
      });
    try {
      yield* queue;
    } finally {
      // Whoever took it takes no more: nothing may wait for that.
      queue.drop();
    }
  }

  update(update: Record<string, unknown>, bytes: number): void {
    this.#running?.update(update, bytes);
  }

  async permission(params: Record<string, unknown>, bytes: number): Promise<RequestPermissionResponse> {
    return this.#running?.permission(params, bytes) ?? { outcome: { outcome: 'cancelled' } };
  }

  leftOut(why: string): void {
    this.#running?.leftOut(why);
  }

  /** Gives its process back: the next turn goes on where this one was, as far as the agent can. */
  async rest(): Promise<void> {
    const connection = this.#connection;
    if (!connection || this.isBusy) return;
    const isShared = this.#world.settings.process === 'shared';
    // In a process that goes on, what cannot be taken up again had better stay.
    if (isShared && !this.canGoOn) return;
    this.#leave(connection);
    if (connection.about.agentCapabilities?.sessionCapabilities?.close && this.#id !== undefined) {
      await connection.request('session/close', { sessionId: this.#id }, CLOSE_MS).catch(() => {});
    }
    if (!isShared) await connection.process.end();
  }

  /** It is forgotten: nothing will ask for it again. */
  async forget(): Promise<void> {
    await this.rest();
    if (this.#connection) this.#leave(this.#connection);
    this.#door?.close();
    this.#door = undefined;
  }

  #leave(connection: AcpConnection): void {
    if (this.#connection !== connection) return;
    this.#connection = undefined;
    if (this.#id !== undefined) connection.unlisten(this.#id);
    this.#door?.reset();
  }

  async #turn(turn: Turn, queue: TurnQueue): Promise<void> {
    if (turn.signal.aborted) return;
    const running = new Running(turn, queue);
    try {
      const connection = await this.#ready(turn, running);
      if (turn.signal.aborted) return;
      await this.#door?.begin(turn.tools);
      if (turn.signal.aborted) return;
      const prompt = promptOf(turn.params, connection.about, this.#isNew);
      this.#isNew = false;
      this.#running = running;
      const { stopReason, ...answer } = await this.#prompt(connection, running, prompt);
      const usage: unknown = (answer as { usage?: unknown }).usage;
      running.end({ kind: 'done', finish_reason: STOPS.get(stopReason) ?? 'stop' }, usage);
    } catch (error) {
      running.end(failure(error, this.#about));
      if (!(error instanceof AgentGone)) return;
      if (this.#connection) this.#leave(this.#connection);
    } finally {
      this.#running = undefined;
      this.#door?.end();
    }
  }

  /** Sends a prompt, and sees to it that it ends. */
  async #prompt(
    connection: AcpConnection,
    running: Running,
    prompt: ReturnType<typeof promptOf>,
  ): Promise<PromptResponse> {
    const { 'turn-timeout': timeoutMs } = this.#world.settings;
    const { turn } = running;
    const sessionId = this.#id ?? '';
    let isOver = false;
    const cancel = () => void this.#cancel(connection, running, () => isOver);
    turn.signal.addEventListener('abort', cancel);
    const alive = setInterval(() => {
      if (performance.now() - running.heardAt >= ALIVE_MS) running.emit({ kind: 'inference_started' });
    }, ALIVE_MS / 5);
    let timer: NodeJS.Timeout | undefined;
    const late = new Promise<never>((_, reject) => {
      if (timeoutMs > 0)
        timer = setTimeout(() => reject(new Error(`the turn took longer than ${timeoutMs} ms`)), timeoutMs);
    });
    try {
      const answered = connection.agent.request('session/prompt', { sessionId, prompt });
      // It goes on being busy with it until it has answered.
      const settled = answered.then(
        () => {},
        () => {},
      );
      try {
        return await Promise.race([answered, late]);
      } catch (error) {
        if (timer === undefined || connection.process.isOver) throw error;
        running.end(failure(error, connection.about));
        cancel();
        await settled;
        throw error;
      }
    } finally {
      isOver = true;
      clearInterval(alive);
      clearTimeout(timer);
      turn.signal.removeEventListener('abort', cancel);
    }
  }

  /** In this order: an agent may wait for an answer before it looks whether it was cancelled. */
  async #cancel(connection: AcpConnection, running: Running, isOver: () => boolean): Promise<void> {
    running.cancelPermissions();
    this.#door?.end();
    await nextRound();
    if (isOver() || connection.process.isOver) return;
    await connection.agent.notify('session/cancel', { sessionId: this.#id ?? '' }).catch(() => {});
    const { 'cancel-grace': graceMs } = this.#world.settings;
    setTimeout(() => {
      if (isOver()) return;
      this.#world.context.log.warn(
        { pid: connection.process.pid },
        'a cancelled turn does not end: its process is ended',
      );
      void connection.process.kill();
    }, graceMs).unref();
  }

  /** A process that knows this session. */
  async #ready(turn: Turn, running: Running): Promise<AcpConnection> {
    const before = this.#connection;
    if (before && !before.process.isOver) return before;
    const connection = await this.#world.pool.take();
    this.#connection = connection;
    this.#about = connection.about;
    void connection.process.ended.then(() => this.#leave(connection));
    try {
      await this.#open(connection, turn, running);
      return connection;
    } catch (error) {
      // Half of a session is none: the next turn begins with another process.
      this.#leave(connection);
      if (this.#world.settings.process === 'session') void connection.process.end();
      throw error;
    }
  }

  /** Has a process take this session up again, or begin it. */
  async #open(connection: AcpConnection, turn: Turn, running: Running): Promise<void> {
    const { settings, cwdOf, door } = this.#world;
    if (this.#cwd === '') this.#cwd = cwdOf(turn.context);
    if (!settings['no-tools'] && turn.tools.list.length > 0) this.#door ??= await door.open();
    this.#door?.offer(turn.tools);
    const servers = this.#door ? [serverFor(this.#door, connection.about)] : [];
    const known = this.#id;
    let answer = known === undefined ? undefined : await this.#again(connection, known, servers);
    if (!answer) {
      answer = await asked(connection, 'session/new', { cwd: this.#cwd, mcpServers: servers });
      const { sessionId } = answer as { sessionId?: unknown };
      if (typeof sessionId !== 'string') throw new Error('the agent began a session without an id');
      this.#id = sessionId;
      this.#isNew = true;
      const title = 'the agent starts this conversation anew';
      if (known !== undefined) running.emit({ kind: 'notice', severity: 'warning', title });
    }
    const id = this.#id ?? '';
    this.#world.kept.put(this.#name, { agent_session_id: id, cwd: this.#cwd });
    connection.listen(id, this);
    await configure(connection, id, answer, settings);
  }

  /** Takes a session up again; undefined where the agent cannot, or will not. */
  async #again(
    connection: AcpConnection,
    sessionId: string,
    mcpServers: McpServer[],
  ): Promise<SessionAnswer | undefined> {
    const { sessionCapabilities, loadSession } = connection.about.agentCapabilities ?? {};
    const method = sessionCapabilities?.resume ? 'session/resume' : loadSession ? 'session/load' : undefined;
    if (method === undefined) return undefined;
    try {
      const answer = await asked(connection, method, { sessionId, cwd: this.#cwd, mcpServers });
      if (method === 'session/load') await connection.silence(sessionId);
      return answer;
    } catch (error) {
      if (error instanceof AgentGone || isAuthRequired(error)) throw error;
      const about = { pid: connection.process.pid, method, reason: wordsOf(error) };
      this.#world.context.log.warn(about, 'the agent does not take a session up again');
      return undefined;
    }
  }
}

/** How an agent answers to a session's beginning, or its being taken up again. */
async function asked(connection: AcpConnection, method: string, params: object): Promise<SessionAnswer> {
  return (await connection.request<SessionAnswer | null>(method, params)) ?? {};
}
