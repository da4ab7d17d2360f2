import type { Claim, Directory, DirectoryHandlers } from '../../cluster/directory.ts';
import { deliver, type Life, type News } from '../../cluster/directory-book.ts';
import { Asks } from './asks.ts';
import type { DirectoryCall, Pipe, ToSupervisor } from './messages.ts';

/** How long the supervisor's answer is waited for. Milliseconds. */
const ANSWER_MS = 1_000;

/** A worker's {@link Directory}: the supervisor keeps it. Where that is gone, this process ends. */
export class PipeDirectory implements Directory {
  readonly #pipe: Pipe<ToSupervisor>;
  readonly #asks = new Asks<Claim | undefined>();
  #handlers: DirectoryHandlers | undefined;

  constructor(pipe: Pipe<ToSupervisor>) {
    this.#pipe = pipe;
  }

  get isConnected(): boolean {
    return this.#handlers !== undefined;
  }

  async open(self: Life, handlers: DirectoryHandlers): Promise<void> {
    this.#handlers = handlers;
    // What is known comes ahead of the answer, on the same pipe.
    await this.#ask((ask) => ({ call: 'open', self, ask }));
  }

  attach(agentKey: string, client: string): void {
    this.#say({ call: 'attach', agentKey, client });
  }

  detach(agentKey: string, client: string): void {
    this.#say({ call: 'detach', agentKey, client });
  }

  async claim(name: string): Promise<Claim> {
    const claim = await this.#ask((ask) => ({ call: 'claim', name, ask }));
    if (!claim) throw new Error('the supervisor has not said whose it is');
    return claim;
  }

  release(name: string): void {
    this.#say({ call: 'release', name });
  }

  /** The supervisor knows better: it has started that process, and is told when it ends. */
  buried(): void {}

  async register(name: string, record: string | undefined): Promise<void> {
    await this.#ask((ask) => ({ call: 'register', name, ...(record !== undefined && { record }), ask }));
  }

  async close(): Promise<void> {
    this.#handlers = undefined;
  }

  /** What the supervisor tells. */
  news(news: News): void {
    if (this.#handlers) deliver(news, this.#handlers);
  }

  /** What it answers. */
  answered(ask: number, { claim, error }: { claim?: Claim; error?: string }): void {
    if (error === undefined) this.#asks.answer(ask, claim);
    else this.#asks.fail(ask, new Error(error));
  }

  #say(call: DirectoryCall): void {
    this.#pipe.send({ type: 'directory', ...call });
  }

  #ask(call: (ask: number) => DirectoryCall): Promise<Claim | undefined> {
    // It is stopped, or hangs: what is asked of it would only wait.
    if (this.#pipe.hasRoom === false) return Promise.reject(new Error('the supervisor takes nothing just now'));
    return this.#asks.ask((ask) => this.#say(call(ask)), ANSWER_MS);
  }
}
