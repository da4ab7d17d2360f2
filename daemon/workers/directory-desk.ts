import { DirectoryBook, type Life } from '../../cluster/directory-book.ts';
import type { DirectoryCall, Pipe, ToWorker } from './messages.ts';

/** The supervisor's side of the workers' directories: one book for all. */
export class DirectoryDesk {
  readonly #book = new DirectoryBook();
  /** The life that a process has told to be its own. */
  readonly #lives = new Map<Pipe<ToWorker>, Life>();

  /** Takes what a worker says. Never throws. */
  take(from: Pipe<ToWorker>, call: DirectoryCall): void {
    if (call.call === 'open') {
      this.#lives.set(from, call.self);
      this.#book.enter(call.self, (news) => from.send({ type: 'news', news }));
      from.send({ type: 'answer', ask: call.ask });
      return;
    }
    const life = this.#lives.get(from);
    if (!life) return;
    switch (call.call) {
      case 'attach':
        this.#book.attach(life, call.agentKey, call.client);
        break;
      case 'detach':
        this.#book.detach(life, call.agentKey, call.client);
        break;
      case 'release':
        this.#book.release(life, call.name);
        break;
      case 'claim':
        this.#answer(from, call.ask, () => ({ claim: this.#book.claim(life, call.name) }));
        break;
      case 'register':
        this.#answer(from, call.ask, () => {
          this.#book.register(life, call.name, call.record);
          return {};
        });
    }
  }

  /**
   * A process is gone, and its life over. No worker's word is taken for that: one that was stopped for a while goes on, and
   * has what it had.
   */
  gone(from: Pipe<ToWorker>): void {
    const life = this.#lives.get(from);
    this.#lives.delete(from);
    if (life) this.#book.bury(life);
  }

  #answer(from: Pipe<ToWorker>, ask: number, step: () => object): void {
    try {
      from.send({ type: 'answer', ask, ...step() });
    } catch (error) {
      from.send({ type: 'answer', ask, error: (error as Error).message });
    }
  }
}
