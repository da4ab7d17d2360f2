import type { ChatHandle } from '../../client/node.ts';
import type { FrontCore } from '../core/core.ts';
import { ClientGone } from '../core/errors.ts';
import type { Exchange } from '../core/exchange.ts';
import type { Account } from '../core/held.ts';
import type { FrontTurn, TurnSpec } from '../core/turn.ts';
import { type Beginning, PartStream } from './part-stream.ts';
import { Story } from './story.ts';

/** By which a client knows this protocol. */
const HEADERS = { 'x-vercel-ai-ui-message-stream': 'v1' };

/** What a chat's turn is opened by. */
export type ChatSpec = Omit<TurnSpec, 'stop' | 'from'> & Required<Pick<TurnSpec, 'tools' | 'resumeWindowMs'>>;

/** One turn of a chat, over all its responses, and while nobody reads it. */
export class ChatTurn {
  readonly #core: FrontCore;
  /** How it is taken up again. Of what was asked nothing else is kept, for that may have megabytes. */
  readonly #again: TurnSpec;
  readonly #stop = new AbortController();
  /** What is kept of its story. */
  readonly #account: Account;
  readonly #over: () => void;
  #isOver = false;
  #story: Story | undefined;
  #front: FrontTurn | undefined;
  /** The last that was left. */
  #left: FrontTurn | undefined;
  #handle: ChatHandle | undefined;
  /** Settles when it is, or is not, open. */
  #opening: Promise<unknown> = Promise.resolve();

  /** @param owner whose it is. @param over there is nothing to come back to any more. */
  constructor(core: FrontCore, owner: string, spec: ChatSpec, over: () => void) {
    this.#core = core;
    this.#account = core.held.open(owner);
    const { agentId, sessionId, tools, resumeWindowMs } = spec;
    this.#again = { agentId, sessionId, prompt: '', tools, resumeWindowMs, stop: this.#stop.signal };
    this.#over = over;
  }

  get isOver(): boolean {
    return this.#isOver;
  }

  /** What waits for its window's next request, if it does. */
  get parked(): FrontTurn | undefined {
    return this.#front && this.#core.parked.has(this.#front) ? this.#front : undefined;
  }

  /** Opens it. @throws {FrontError} @throws {ClientGone} @throws what `frontErrorOf` knows */
  async open(exchange: Exchange, spec: ChatSpec): Promise<void> {
    try {
      await this.#open(exchange, { ...spec, stop: this.#stop.signal });
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** Begins to answer with what is open. @throws {ClientGone} */
  begin(exchange: Exchange): PartStream {
    return this.#begin(exchange, 'first');
  }

  /**
   * Begins another response, with what was parked and is no more.
   * @param messageId what its window calls the message. @throws {ClientGone}
   */
  goOn(exchange: Exchange, messageId: string): PartStream {
    if (this.#story && messageId !== '') this.#story.messageId = messageId;
    return this.#begin(exchange, 'next');
  }

  /** Answers with it. @throws {ClientGone} */
  async read(exchange: Exchange, reader: PartStream): Promise<void> {
    const front = this.#front as FrontTurn;
    try {
      const left = await front.read(reader, exchange.signal);
      if (left === 'parked') this.#park(front);
      else if (!front.isLeft) this.#end();
    } catch (error) {
      if (front.isLeft) this.#wait(front);
      else this.#end();
      throw error;
    }
  }

  /** Whether somebody who comes back has anything to read. Resolves once it is, or is not, open. */
  async isThere(): Promise<boolean> {
    await this.#opening.catch(() => {});
    if (this.#isOver || this.#stop.signal.aborted || this.parked?.isAsking) return false;
    return this.#handle !== undefined && (this.#story?.isWhole ?? false);
  }

  /** Tells all of it again, to whoever has come back; who reads it meanwhile reads no more. @throws as {@link open} */
  async again(exchange: Exchange): Promise<void> {
    const front = this.#front;
    const from = this.#handle;
    if (!front || !from) throw new ClientGone();
    this.#unpark();
    front.leave();
    this.#wait(front);
    await front.over;
    await this.#open(exchange, { ...this.#again, from });
    await this.read(exchange, this.#begin(exchange, 'again'));
  }

  /** Cancels it, at whatever moment. @param exchange somebody of its principal */
  async cancel(exchange: Exchange): Promise<void> {
    if (this.#stop.signal.aborted) return;
    this.#stop.abort();
    this.#unpark();
    await this.#opening.catch(() => {});
    const front = this.#front;
    // One that was left to itself is taken up to be cancelled.
    if (front?.isLeft && this.#handle)
      await this.#core.openTurn(exchange, { ...this.#again, from: this.#handle }).catch(() => {});
    else await front?.over;
    this.#end();
  }

  #open(exchange: Exchange, spec: TurnSpec): Promise<FrontTurn> {
    const opening = this.#core.openTurn(exchange, spec).then((front) => {
      this.#story ??= new Story(front.turnId, this.#account);
      this.#front = front;
      this.#handle = front.handle;
      return front;
    });
    this.#opening = opening;
    return opening;
  }

  #begin(exchange: Exchange, beginning: Beginning): PartStream {
    if (!this.#front || !this.#story) throw new ClientGone();
    if (!exchange.signal.aborted) return new PartStream(exchange.stream(HEADERS), this.#front, this.#story, beginning);
    this.#front.leave();
    this.#wait(this.#front);
    throw new ClientGone();
  }

  #park(front: FrontTurn): void {
    this.#core.parked.park(front, () => this.#end());
    // Its response may be lost on the way.
    void front.over.then(() => {
      if (!front.isLeft || this.#front !== front) return;
      this.#unpark();
      this.#wait(front);
    });
  }

  #unpark(): void {
    const { parked } = this;
    if (parked) this.#core.parked.take(parked.owner, parked.agentId, (turn) => turn === parked);
  }

  /** Nobody is there: its window runs, and then there is nothing to come back to. */
  #wait(front: FrontTurn): void {
    if (this.#left === front) return;
    this.#left = front;
    for (const toolCallId of front.lostCalls)
      this.#story?.mark({
        type: 'tool-output-error',
        toolCallId,
        errorText: 'the window had gone before it ran this',
      });
    setTimeout(() => {
      if (this.#front === front) this.#end();
    }, this.#again.resumeWindowMs).unref();
  }

  #end(): void {
    this.#isOver = true;
    this.#account.close();
    this.#over();
  }
}
