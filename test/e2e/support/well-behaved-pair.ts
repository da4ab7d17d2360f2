import { setImmediate as breathe, setTimeout as delay } from 'node:timers/promises';
import { openChat } from './chat.ts';
import { own } from './cleanup.ts';
import type { Daemon } from './daemon.ts';
import type { WireClient } from './wire-client.ts';

const TOKENS = 50;
/** Ten of them come at once; then it is as slow as a model, unless somebody waits for it. */
const PAUSE_MS = 5;

/** A host and an agent that have one chat after another, whatever others do to the daemon. */
export class WellBehavedPair {
  readonly #host: WireClient;
  readonly #agent: WireClient;
  readonly #over: Promise<void>;
  /** Of the chat that runs now. */
  session: string | undefined;
  #done = 0;
  #stopped = false;
  #watching: (() => void)[] = [];
  #failure: unknown;

  private constructor(host: WireClient, agent: WireClient) {
    this.#host = host;
    this.#agent = agent;
    this.#over = this.#run();
    own(() => {
      this.#stopped = true;
      return this.#over;
    });
  }

  static async start(daemon: Daemon): Promise<WellBehavedPair> {
    return new WellBehavedPair(await daemon.host(), await daemon.agent('good'));
  }

  /** Waits for so many whole chats that began after now. Throws where any has gone wrong since the start. */
  async chats(count: number): Promise<void> {
    // The one that runs now began before.
    const target = this.#done + count + 1;
    while (this.#done < target && this.#failure === undefined) {
      await new Promise<void>((resolve) => this.#watching.push(resolve));
    }
    if (this.#failure !== undefined) throw this.#failure;
  }

  /** Ends the chat that runs as it should, and leaves. Throws where any has gone wrong since the start. */
  async stop(): Promise<void> {
    this.#stopped = true;
    await this.#over;
    if (this.#failure !== undefined) throw this.#failure;
    for (const client of [this.#host, this.#agent]) {
      client.close();
      await client.closed;
    }
  }

  async #run(): Promise<void> {
    try {
      while (!this.#stopped) {
        await this.#chat();
        this.#done++;
        this.#tell();
        // Old chats are of no interest, and there are many.
        this.#host.frames.length = 0;
        this.#agent.frames.length = 0;
      }
    } catch (error) {
      if (!this.#stopped) this.#failure = error;
      this.#tell();
    }
  }

  async #chat(): Promise<void> {
    const chat = await openChat(this.#host, this.#agent, { agent_id: 'good', prompt: 'on and on' });
    this.session = chat.sessionId;
    for (let i = 0; i < TOKENS; i++) {
      chat.emit({ kind: 'token', delta: `${i} ` });
      if (i % 10 === 0) await (this.#watching.length > 0 ? breathe() : delay(PAUSE_MS));
    }
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    await this.#host.terminal(chat.turnId);
    const seen = this.#host.events(chat.turnId).map(({ seq, delta, kind }) => `${seq}:${delta ?? kind}`);
    const said = Array.from({ length: TOKENS }, (_, i) => `${i + 1}:${i} `);
    if (seen.join() !== [...said, `${TOKENS + 1}:done`].join()) throw new Error(`a disturbed chat: ${seen.join()}`);
  }

  #tell(): void {
    for (const resolve of this.#watching.splice(0)) resolve();
  }
}
