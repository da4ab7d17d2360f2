import { AckPolicy, DeliverPolicy, nanos } from '../sdks/nats.ts';
import { NatsError } from './errors.ts';
import type { Line, Msg } from './line.ts';
import { isGone, type Store } from './store.ts';

/** It is looked so often whether something was missed. Milliseconds. */
const CHECK_MS = 5_000;
/** What could not be read is read again after so long. Milliseconds. */
const RETRY_MS = 250;
/** A reading in which nothing comes for so long has failed. Milliseconds. */
const READ_MS = 2_000;

/** What a bucket has under a key, as it was stored. */
export interface Change {
  readonly key: string;
  readonly revision: number;
  /** Undefined where there is nothing any more. */
  readonly value: Buffer | undefined;
}

/** Who hears of a {@link Watch}. Never throws. */
export interface WatchHandlers {
  /** In the order of revisions, but perhaps more than once. */
  changed(change: Change): void;
  /** The bucket is another one: all that was told of it is no more. */
  emptied(): void;
  /** Everything that was there when NATS was back has been told. */
  caughtUp(): void;
}

/**
 * Hears of all changes of a bucket: as the servers tell them, and by reading whatever was missed, because NATS was away, or
 * a server died with a change that it had stored and not told.
 */
export class Watch {
  readonly #store: Store;
  readonly #stream: string;
  readonly #bucket: string;
  readonly #handlers: WatchHandlers;
  /** Everything up to that revision was told. */
  #last = 0;
  /** The newest that was heard of. */
  #newest = 0;
  #reading: Promise<void> | undefined;
  #isFresh = false;
  #isClosed = false;
  #timer: NodeJS.Timeout | undefined;
  #retry: NodeJS.Timeout | undefined;

  constructor(store: Store, bucket: string, handlers: WatchHandlers) {
    this.#store = store;
    this.#bucket = bucket;
    this.#stream = `KV_${bucket}`;
    this.#handlers = handlers;
  }

  /** False while what was told may be old: NATS is away, or has no majority. */
  get isFresh(): boolean {
    return this.#isFresh && this.#store.line.isConnected;
  }

  /**
   * Tells all that is there, then what changes.
   * @throws {NatsError} where it cannot be read
   */
  async open(changes: string): Promise<void> {
    const { line } = this.#store;
    line.nats.subscribe(`${changes}.>`, {
      callback: (error, message) => {
        if (error || this.#isClosed) return;
        const revision = Number(message.headers?.get('Nats-Sequence'));
        const value = isGone(message.headers) ? undefined : Buffer.from(message.data);
        this.#heard({ key: message.subject.slice(changes.length + 1), revision, value });
      },
    });
    line.listen({ connected: () => this.check(), disconnected: () => this.#old() });
    await this.#store.starting(() => this.#read());
    if (this.#newest > this.#last) this.check();
    this.#timer = setInterval(() => this.check(), CHECK_MS).unref();
  }

  /** Looks whether something was missed; again and again where that cannot be seen. */
  check(): void {
    if (this.#isClosed || this.#reading || !this.#store.line.isConnected) return;
    this.#read().then(
      () => {
        if (this.#newest > this.#last) this.check();
      },
      () => {
        this.#old();
        clearTimeout(this.#retry);
        this.#retry = setTimeout(() => this.check(), RETRY_MS).unref();
      },
    );
  }

  close(): void {
    this.#isClosed = true;
    clearInterval(this.#timer);
    clearTimeout(this.#retry);
  }

  #old(): void {
    this.#isFresh = false;
  }

  #heard(change: Change): void {
    if (!(change.revision > this.#last)) return;
    this.#newest = Math.max(this.#newest, change.revision);
    if (this.#reading || change.revision !== this.#last + 1) {
      this.check();
      return;
    }
    this.#last = change.revision;
    this.#handlers.changed(change);
  }

  #read(): Promise<void> {
    this.#reading ??= this.#readMissed().finally(() => {
      this.#reading = undefined;
    });
    return this.#reading;
  }

  async #readMissed(): Promise<void> {
    const last = await this.#store.lastRevision(this.#stream);
    if (last < this.#last) {
      this.#last = 0;
      this.#newest = last;
      this.#handlers.emptied();
    }
    if (last > this.#last) await this.#readFrom(this.#last + 1);
    this.#last = Math.max(this.#last, last);
    if (this.#isFresh || this.#isClosed || !this.#store.line.isConnected) return;
    this.#isFresh = true;
    this.#handlers.caughtUp();
  }

  /** A consumer of its own, for once: one that lasts may die with its server, which is noticed late. */
  async #readFrom(from: number): Promise<void> {
    const { line, jsm } = this.#store;
    const reading = new Reading(line, this.prefix, (change) => {
      if (this.#isClosed || change.revision <= this.#last) return;
      this.#last = change.revision;
      this.#handlers.changed(change);
    });
    let name: string | undefined;
    try {
      const consumer = await jsm.consumers.add(this.#stream, {
        deliver_subject: reading.inbox,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: from,
        ack_policy: AckPolicy.None,
        flow_control: true,
        idle_heartbeat: nanos(READ_MS / 4),
        inactive_threshold: nanos(2 * READ_MS),
        mem_storage: true,
        num_replicas: 1,
      });
      name = consumer.name;
      // There was something, and it is gone.
      if (consumer.num_pending === 0 && consumer.delivered.consumer_seq === 0) reading.end();
      await reading.done;
    } catch (error) {
      throw error instanceof NatsError ? error : new NatsError('away', 'NATS does not tell', { cause: error });
    } finally {
      reading.end();
      if (name !== undefined && line.isConnected) void jsm.consumers.delete(this.#stream, name).catch(() => {});
    }
  }

  /** What its subjects begin with. */
  get prefix(): string {
    return `$KV.${this.#bucket}.`;
  }
}

/** All messages that one consumer has, in their order. */
class Reading {
  readonly inbox: string;
  /** Settles when the last has come. Rejects with a {@link NatsError} where one is missing, or nothing comes any more. */
  readonly done: Promise<void>;
  readonly #line: Line;
  readonly #prefix: string;
  readonly #take: (change: Change) => void;
  readonly #subscription: { unsubscribe(): void };
  #settle: (error?: NatsError) => void = () => {};
  #timer: NodeJS.Timeout | undefined;
  #count = 0;

  /** @param prefix - what its subjects begin with */
  constructor(line: Line, prefix: string, take: (change: Change) => void) {
    this.#line = line;
    this.#prefix = prefix;
    this.#take = take;
    this.inbox = line.newInbox();
    this.done = new Promise<void>((resolve, reject) => {
      this.#settle = (error) => (error ? reject(error) : resolve());
    });
    this.done.catch(() => {});
    this.#subscription = line.nats.subscribe(this.inbox, {
      callback: (error, message) => (error ? this.#fail() : this.#heard(message)),
    });
    this.#wait();
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#subscription.unsubscribe();
    this.#settle();
  }

  #fail(): void {
    this.#settle(new NatsError('away', 'NATS has stopped telling'));
  }

  #wait(): void {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#fail(), READ_MS);
  }

  #heard(message: Msg): void {
    this.#wait();
    if (!message.subject.startsWith(this.#prefix)) {
      this.#control(message);
      return;
    }
    const { revision, count, pending } = placeOf(message.reply ?? '');
    this.#count += 1;
    if (count !== this.#count) {
      this.#fail();
      return;
    }
    const value = isGone(message.headers) ? undefined : Buffer.from(message.data);
    this.#take({ key: message.subject.slice(this.#prefix.length), revision, value });
    if (pending === 0) this.#settle();
  }

  /** How fast the server may go, or that it has nothing more. */
  #control(message: Msg): void {
    const stalled = message.headers?.get('Nats-Consumer-Stalled');
    if (message.reply) message.respond();
    else if (stalled) this.#line.nats.publish(stalled);
    else this.#settle();
  }
}

/** Which revision a message of a consumer has, its number there, and how many follow it: the subject of its answer says so. */
function placeOf(reply: string): { revision: number; count: number; pending: number } {
  const tokens = reply.split('.');
  // Servers of old leave out the domain and the account.
  const at = tokens.length >= 11 ? 7 : 5;
  return { revision: Number(tokens[at]), count: Number(tokens[at + 1]), pending: Number(tokens[at + 3]) };
}
