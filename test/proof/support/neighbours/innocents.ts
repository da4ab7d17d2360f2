import { setTimeout as delay } from 'node:timers/promises';
import { askChat } from '../../../e2e/support/chat.ts';
import { own } from '../../../e2e/support/cleanup.ts';
import type { Daemon } from '../../../e2e/support/daemon.ts';
import type { Message, WireClient } from '../../../e2e/support/wire-client.ts';

/** The agent that everybody knows, and may ask. */
export const INNOCENT = 'innocent';
const TOKENS = 30;
/** Of what it says, so much at a time, as a model does. */
const TOKENS_AT_ONCE = 5;
const PAUSE_MS = 2;
const TOOL = 'clock';

/**
 * A host and an agent that stream turns with a tool call, whatever others do. They lose nothing, are never refused, and
 * never closed. What others ask the agent it answers, too: in one word.
 */
export class Innocents {
  readonly host: WireClient;
  readonly agent: WireClient;
  readonly #over: Promise<void>;
  readonly #sessions = new Set<string>();
  readonly #watching = new Set<() => void>();
  #done = 0;
  #isStopped = false;
  #failure: unknown;

  private constructor(host: WireClient, agent: WireClient) {
    this.host = host;
    this.agent = agent;
    agent.socket.on('message', () => this.#serve());
    this.#over = this.#run();
    own(() => {
      this.#isStopped = true;
      return this.#over;
    });
  }

  static async start(daemon: Daemon): Promise<Innocents> {
    const host = await daemon.host();
    await host.ok('tools.register', [{ name: TOOL }]);
    return new Innocents(host, await daemon.agent(INNOCENT));
  }

  get hasFailed(): boolean {
    return this.#failure !== undefined;
  }

  /** Waits for so many whole turns that began after now. @throws where anything has gone wrong since the start. */
  async turns(count: number): Promise<void> {
    const target = this.#done + count + 1;
    while (this.#done < target && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#watching.add(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the turn that runs as it should, and leaves. @throws where anything has gone wrong since the start. */
  async stop(): Promise<void> {
    this.#isStopped = true;
    await this.#over;
    if (this.#failure !== undefined) throw this.#failure;
    for (const client of [this.host, this.agent]) {
      client.close();
      await client.closed;
    }
  }

  async #run(): Promise<void> {
    try {
      for (let turn = 0; !this.#isStopped; turn += 1) {
        await this.#turn(`innocent-${turn}`);
        this.#done += 1;
        this.#tell();
        this.host.frames.length = 0;
        this.agent.frames.length = 0;
      }
    } catch (error) {
      if (!this.#isStopped) this.#failure = new Error(`the innocent pair failed: ${error}`, { cause: error });
      this.#tell();
    }
  }

  async #turn(sessionId: string): Promise<void> {
    const { host, agent } = this;
    this.#sessions.add(sessionId);
    const asked = await askChat(host, agent, { agent_id: INNOCENT, session_id: sessionId, prompt: 'on and on' });
    const { id, turnId, request } = asked;
    agent.answer(request, { accepted: true });
    const { result, error } = await host.replyTo(id);
    if (result?.accepted !== true) throw new Error(`a chat that is refused: ${JSON.stringify(error)}`);
    const say = (event: object) => agent.emit(sessionId, { turn_id: turnId, ...event });
    for (let i = 0; i < TOKENS; i += 1) {
      say({ kind: 'token', delta: `${i} ` });
      if (i % TOKENS_AT_ONCE === 0) await delay(PAUSE_MS);
      if (i === TOKENS / 2) await this.#callTool(sessionId, turnId);
    }
    say({ kind: 'done', finish_reason: 'stop' });
    await host.terminal(turnId);
    const events = host.events(turnId);
    // Neighbouring tokens may have been joined on the way.
    const text = events.map(({ delta = '' }) => delta).join('');
    const whole = Array.from({ length: TOKENS }, (_, i) => `${i} `).join('');
    const last = events.at(-1);
    if (text !== whole || last.kind !== 'done' || last.synthesized) {
      throw new Error(`a disturbed turn: ${JSON.stringify(events)}`);
    }
    this.#sessions.delete(sessionId);
  }

  async #callTool(sessionId: string, turnId: string): Promise<void> {
    const { host, agent } = this;
    const call = agent.post('tools.execute', { session_id: sessionId, tool: TOOL, parameters: { turnId } });
    const request = await host.when(() =>
      host.received('tools.execute').find(({ params }) => params.parameters.turnId === turnId),
    );
    host.answer(request, { noon: true });
    const { result, error } = await agent.replyTo(call);
    if (result?.noon !== true) throw new Error(`a tool call that fails: ${JSON.stringify(error)}`);
  }

  /** What strangers ask: accepted, and over. */
  #serve(): void {
    const request: Message = this.agent.frames.at(-1);
    if (request?.method !== 'agent.chat' || this.#sessions.has(request.params.session_id)) return;
    this.agent.answer(request, { accepted: true });
    const { session_id, turn_id } = request.params;
    this.agent.emit(session_id, { turn_id, kind: 'done', finish_reason: 'stop' });
  }

  #tell(): void {
    for (const resolve of this.#watching) resolve();
    this.#watching.clear();
  }
}
