import { realpathSync } from 'node:fs';
import { isAbsolute, sep } from 'node:path';
import { type AgentChatParams, type OnChat, RejectChat, type Turn } from '../../client/node.ts';
import type { AttachContext, Attached } from '../attached.ts';
import { Door } from '../door/door.ts';
import { StartError } from '../join.ts';
import { messageOf } from '../words.ts';
import type { AcpConnection } from './connection.ts';
import { authWords, isAuthRequired } from './errors.ts';
import { KeptSessions } from './kept-sessions.ts';
import { modesOf, type SessionAnswer } from './modes.ts';
import { Pool } from './pool.ts';
import { AcpSession, CLOSE_MS, type SessionWorld } from './session.ts';
import type { AcpSettings } from './settings.ts';

/** Sessions that are kept, with or without a process; beyond, the one that was used longest ago is forgotten. */
const MAX_SESSIONS = 1_000;

/** A program that speaks ACP, as an agent of the broker (`docs/agents.md`). */
export class AcpAgent implements Attached {
  readonly #settings: AcpSettings;
  readonly #context: AttachContext;
  readonly #pool: Pool;
  readonly #door: Door;
  readonly #kept: KeptSessions;
  readonly #world: SessionWorld;
  /** By the session's id, the one that was used last at the end. */
  readonly #sessions = new Map<string, AcpSession>();
  #sweep: NodeJS.Timeout | undefined;

  constructor(settings: AcpSettings, context: AttachContext) {
    this.#settings = settings;
    this.#context = context;
    this.#pool = new Pool(settings, context);
    this.#door = new Door(context.log);
    const cwdOf = (context: Record<string, unknown>) => cwdFor(settings, context.cwd);
    this.#kept = new KeptSessions(context, MAX_SESSIONS);
    this.#world = { settings, context, pool: this.#pool, door: this.#door, kept: this.#kept, cwdOf };
  }

  /** Starts a first process and asks it what it is. @throws {StartError} */
  async start(): Promise<void> {
    if (process.platform === 'win32') throw new StartError('programs that speak ACP are run on POSIX systems only');
    const connection = await this.#pool.start();
    try {
      await this.#ask(connection);
    } catch (error) {
      await connection.process.end();
      throw error;
    }
    this.#pool.keep(connection);
    void this.#pool.fill();
    this.#sweep ??= setInterval(() => this.#rest(), Math.max(1_000, this.#settings.idle / 4)).unref();
  }

  accept({ session_id }: AgentChatParams): void {
    const { refusal } = this.#pool;
    if (refusal !== undefined) throw new RejectChat(refusal, { data: { retryable: true } });
    const session = this.#sessions.get(session_id);
    if (session?.hasProcess) return;
    const others = [...this.#sessions.values()].filter(({ hasProcess }) => hasProcess);
    if (this.#pool.hasRoom(others.length)) return;
    // The one that was used longest ago, of those that lose nothing by it.
    const idle = others.find(({ isBusy, canGoOn }) => !isBusy && canGoOn);
    if (idle) void idle.rest();
    else throw new RejectChat('too many sessions', { data: { retryable: true } });
  }

  onChat: OnChat = (turn: Turn) => {
    const session = this.#sessions.get(turn.sessionId) ?? new AcpSession(this.#world, turn.sessionId);
    this.#sessions.delete(turn.sessionId);
    this.#sessions.set(turn.sessionId, session);
    if (this.#sessions.size > MAX_SESSIONS) this.#forgetOne();
    return session.chat(turn);
  };

  async close(): Promise<void> {
    clearInterval(this.#sweep);
    await Promise.all([this.#pool.close(), this.#door.close(), this.#kept.close()]);
  }

  /** What the program is and in which mode its sessions begin: people must see that where nobody asks them, a model decides. */
  async #ask(connection: AcpConnection): Promise<void> {
    const { agentInfo, agentCapabilities } = connection.about;
    const what = agentInfo ? `${agentInfo.title ?? agentInfo.name} ${agentInfo.version}` : undefined;
    this.#context.report({ what });
    const { mode: wished, cwd } = this.#settings;
    let answer: SessionAnswer & { sessionId?: string };
    try {
      answer = await connection.request('session/new', { cwd, mcpServers: [] });
    } catch (error) {
      // It may be signed in while it runs.
      if (!isAuthRequired(error)) throw new StartError(`it begins no session: ${messageOf(error)}`, { cause: error });
      const words = authWords(error, connection.about);
      this.#context.log.warn({ agent: this.#context.agentId }, `the agent has to be signed in: ${words}`);
      return;
    }
    const modes = modesOf(answer);
    const mode = wished ?? modes.current;
    this.#context.report({ mode });
    const offered = modes.offered.length === 0 ? 'it has no modes' : `on offer: ${modes.offered.join(', ')}`;
    const words = `${what ?? 'the agent'} begins in mode ${mode ?? 'of its own'}; ${offered}`;
    this.#context.log.info({ agent: this.#context.agentId, mode, modes: modes.offered }, messageOf(words));
    if (wished !== undefined && !modes.offered.includes(wished))
      this.#context.log.warn(
        { agent: this.#context.agentId },
        `the agent offers no mode ${wished}: its turns will fail`,
      );
    if (agentCapabilities?.sessionCapabilities?.close && typeof answer.sessionId === 'string')
      await connection.request('session/close', { sessionId: answer.sessionId }, CLOSE_MS).catch(() => {});
  }

  #rest(): void {
    const now = performance.now();
    for (const session of this.#sessions.values()) {
      if (!session.isBusy && session.hasProcess && now - session.usedAt >= this.#settings.idle) void session.rest();
    }
  }

  #forgetOne(): void {
    for (const [id, session] of this.#sessions) {
      if (session.isBusy) continue;
      this.#sessions.delete(id);
      void session.forget();
      return;
    }
  }
}

/** Where a session works: what the host says counts only inside the directory that the operator has named for that. */
function cwdFor({ cwd, root }: AcpSettings, wished: unknown): string {
  if (root === undefined || typeof wished !== 'string' || !isAbsolute(wished)) return cwd;
  try {
    const [inside, outside] = [realpathSync(wished), realpathSync(root)];
    return inside === outside || inside.startsWith(outside.endsWith(sep) ? outside : outside + sep) ? inside : cwd;
  } catch {
    return cwd;
  }
}
