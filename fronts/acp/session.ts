import type { AgentRequestContext, PromptResponse } from '@agentclientprotocol/sdk';
import { RequestError } from '../../sdks/acp.ts';
import { ClientGone } from '../core/errors.ts';
import type { AcpDoor } from './door.ts';
import { requestErrorOf } from './errors.ts';
import type { Outbox } from './outbox.ts';
import type { Prompt } from './prompt-blocks.ts';
import { type Listener, TurnUpdates } from './turn-updates.ts';

const CANCELLED: PromptResponse = { stopReason: 'cancelled' };

/** One conversation of an ACP client, which is one session of the broker's. */
export class AcpSession {
  readonly id = `acp-${crypto.randomUUID()}`;
  readonly #door: AcpDoor;
  readonly #outbox: Outbox;
  /** Where the client works; the agent is told. */
  readonly #cwd: string;
  #running: AbortController | undefined;
  /** Settles when the last turn is over, for the agent too. */
  #before: Promise<unknown> = Promise.resolve();

  constructor(door: AcpDoor, outbox: Outbox, cwd: string) {
    this.#door = door;
    this.#outbox = outbox;
    this.#cwd = cwd;
  }

  get isBusy(): boolean {
    return this.#running !== undefined;
  }

  /** Runs one turn. @throws {RequestError} */
  async prompt(
    { params, client, signal }: AgentRequestContext<{ prompt: Prompt }>,
    showsNotices: boolean,
  ): Promise<PromptResponse> {
    if (this.#running) throw new RequestError(-32600, 'this session has a prompt that is not answered');
    const running = new AbortController();
    this.#running = running;
    const stop = () => running.abort();
    // The client has gone, or has cancelled this very request.
    if (signal.aborted) stop();
    else signal.addEventListener('abort', stop, { once: true });
    const listener = { client, outbox: this.#outbox, sessionId: this.id, showsNotices };
    const answer = this.#run(params.prompt, listener, this.#before, running.signal);
    this.#before = answer.catch(() => {});
    try {
      return await Promise.race([answer, aborted(running.signal)]);
    } catch (error) {
      throw requestErrorOf(error);
    } finally {
      signal.removeEventListener('abort', stop);
      this.#outbox.flush();
      this.#running = undefined;
    }
  }

  /** Ends the turn; its prompt is answered at once. Resolves when the turn is over. */
  async cancel(): Promise<void> {
    this.#running?.abort();
    await this.#before;
  }

  async #run(
    { text, attachments }: Prompt,
    listener: Listener,
    before: Promise<unknown>,
    signal: AbortSignal,
  ): Promise<PromptResponse> {
    await before;
    if (signal.aborted) return CANCELLED;
    try {
      const turn = await this.#door.openTurn(
        {
          sessionId: this.id,
          prompt: text,
          context: { cwd: this.#cwd },
          // A turn that was cancelled before it was open may still be on its way out.
          onBusy: 'replace',
          ...(attachments.length > 0 ? { attachments } : {}),
        },
        signal,
      );
      const updates = new TurnUpdates(listener, turn);
      const stop = () => updates.stop();
      signal.addEventListener('abort', stop, { once: true });
      try {
        await turn.read(updates, signal);
      } finally {
        signal.removeEventListener('abort', stop);
        await turn.over;
      }
      return updates.answer();
    } catch (error) {
      if (error instanceof ClientGone) return CANCELLED;
      throw error;
    }
  }
}

function aborted(signal: AbortSignal): Promise<PromptResponse> {
  return new Promise((resolve) => {
    const tell = () => resolve(CANCELLED);
    if (signal.aborted) tell();
    else signal.addEventListener('abort', tell, { once: true });
  });
}
