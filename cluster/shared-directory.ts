import type { Claim, Directory, DirectoryHandlers } from './directory.ts';
import { DirectoryBook, deliver, type Life } from './directory-book.ts';

/** One broker's {@link Directory} over a book that several brokers of this process share. */
export class SharedDirectory implements Directory {
  readonly #book: DirectoryBook;
  #self: Life | undefined;

  /** @param book - the same one for all brokers of a cluster */
  constructor(book: DirectoryBook = new DirectoryBook()) {
    this.#book = book;
  }

  /** Another broker's directory over the same book. */
  another(): SharedDirectory {
    return new SharedDirectory(this.#book);
  }

  get isConnected(): boolean {
    return this.#self !== undefined;
  }

  async open(self: Life, handlers: DirectoryHandlers): Promise<void> {
    this.#self = self;
    // Each in a step of its own, in this order: nobody is called from inside a call of theirs.
    this.#book.enter(self, (news) =>
      queueMicrotask(() => {
        if (this.#self === self) deliver(news, handlers);
      }),
    );
    // Behind what was known.
    await Promise.resolve();
  }

  attach(agentKey: string, client: string): void {
    if (this.#self) this.#book.attach(this.#self, agentKey, client);
  }

  detach(agentKey: string, client: string): void {
    if (this.#self) this.#book.detach(this.#self, agentKey, client);
  }

  async claim(name: string): Promise<Claim> {
    return this.#book.claim(this.#opened(), name);
  }

  release(name: string): void {
    if (this.#self) this.#book.release(this.#self, name);
  }

  /** It takes everybody's word: in one process nobody is stopped and goes on later. */
  buried(broker: string, epoch: string): void {
    this.#book.bury({ id: broker, epoch });
  }

  async register(name: string, record: string | undefined): Promise<void> {
    this.#book.register(this.#opened(), name, record);
  }

  async close(): Promise<void> {
    const self = this.#self;
    this.#self = undefined;
    if (self) this.#book.bury(self);
  }

  #opened(): Life {
    if (!this.#self) throw new Error('the directory is not open');
    return this.#self;
  }
}
