import type { HostEvent } from '../protocol/host.ts';
import { isObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { BufferOverflowError, type SwitchboardError } from './errors.ts';
import { EventQueue } from './event-queue.ts';
import type { Peer } from './peer.ts';

/** How much may wait to be read unless told otherwise. Characters of JSON. */
const DEFAULT_BUFFER_LIMIT = 16 * 1024 * 1024;

/** What `host.subscribe` answers: everything that was before the first event. */
export type HostSnapshot = ResultOf<'host.subscribe'>;

/** How to subscribe. */
export interface SubscribeOptions {
  /** How much may wait to be read, in characters of JSON, before reading ends in a `BufferOverflowError`. Default 16 Mi. */
  bufferLimit?: number | undefined;
}

/**
 * What happens at the broker, from a snapshot on: none missing, none twice. Iterating yields the events after the
 * snapshot; they can be read once, and reading throws what became of the connection, after the events that came before.
 *
 * Leaving the loop closes it. The wire knows no unsubscribing, so a connection that has subscribed once is sent events
 * until it ends; closing stops keeping them.
 */
export interface HostSubscription extends AsyncIterable<HostEvent> {
  readonly snapshot: HostSnapshot;
  /** Ends the iteration at once; what was not read is forgotten. Harmless when called again. */
  close(): void;
}

/** The subscriptions of one connection. */
export class HostEvents {
  readonly #open = new Set<SubscriptionRun>();

  /** @throws {RpcError} refused. @throws {SwitchboardError} what became of the connection. */
  async subscribe(
    peer: Peer,
    { bufferLimit = DEFAULT_BUFFER_LIMIT }: SubscribeOptions = {},
  ): Promise<HostSubscription> {
    await peer.request('server.handshake', { protocol_version: 3 });
    return new Promise((resolve, reject) => {
      const run = new SubscriptionRun(bufferLimit, () => this.#open.delete(run));
      // Registered before the broker is asked, for the first event may be in the same packet as the snapshot.
      this.#open.add(run);
      peer.call(
        'host.subscribe',
        {},
        {
          result: (value) => {
            run.start(value as HostSnapshot);
            resolve(run);
          },
          error: (error) => {
            run.close();
            reject(error);
          },
        },
      );
    });
  }

  /** `host.event`; `size` is its frame's length in characters. */
  event(params: unknown, size: number): void {
    if (!isObject(params) || typeof params.sequence !== 'number') return;
    for (const run of [...this.#open]) run.event(params as HostEvent, size);
  }

  /** The connection is over. */
  ended(error: SwitchboardError): void {
    for (const run of [...this.#open]) run.end(error);
  }
}

class SubscriptionRun implements HostSubscription {
  readonly #limit: number;
  readonly #queue: EventQueue<HostEvent>;
  readonly #forget: () => void;
  /** What came before the snapshot did. */
  #early: { event: HostEvent; size: number }[] = [];
  #snapshot: HostSnapshot | undefined;
  #read = false;

  constructor(limit: number, forget: () => void) {
    this.#limit = limit;
    this.#queue = new EventQueue(limit);
    this.#forget = forget;
  }

  get snapshot(): HostSnapshot {
    if (!this.#snapshot) throw new TypeError('not subscribed yet');
    return this.#snapshot;
  }

  start(snapshot: HostSnapshot): void {
    this.#snapshot = snapshot;
    for (const { event, size } of this.#early) this.event(event, size);
    this.#early = [];
  }

  event(event: HostEvent, size: number): void {
    if (!this.#snapshot) {
      this.#early.push({ event, size });
      return;
    }
    // The snapshot tells of it already.
    if (event.sequence <= this.#snapshot.event_sequence) return;
    if (!this.#queue.push(event, size)) this.end(new BufferOverflowError(this.#limit));
  }

  end(error: SwitchboardError): void {
    this.#forget();
    this.#queue.end({ error });
  }

  close(): void {
    this.#forget();
    this.#queue.discard();
  }

  [Symbol.asyncIterator](): AsyncIterator<HostEvent, undefined> {
    if (this.#read) throw new TypeError('the events of a subscription can be read once');
    this.#read = true;
    return {
      next: () => this.#queue.next(),
      return: () => {
        this.close();
        return Promise.resolve({ value: undefined, done: true });
      },
    };
  }
}
