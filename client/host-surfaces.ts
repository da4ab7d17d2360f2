import type { ResultOf } from '../protocol/methods.ts';
import type { SurfaceEvent, SurfaceRow } from '../protocol/surfaces.ts';
import { BufferOverflowError, ProtocolError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT, EventQueue } from './event-queue.ts';
import type { SubscribeOptions } from './host-events.ts';
import { checkPart } from './part-options.ts';
import type { Peer } from './peer.ts';
import { misfits } from './shape.ts';
import type { SurfaceSubscription } from './surfaces.ts';

/** The subscriptions to surfaces of a host, each for as long as its connection. */
export class HostSurfaces {
  readonly #open = new Set<SubscriptionRun>();
  /** How many wait for the broker's answer. */
  #opening = 0;

  /** See `Surfaces.subscribe`. */
  async subscribe(peer: Peer, options: Pick<SubscribeOptions, 'bufferLimit'> = {}): Promise<SurfaceSubscription> {
    checkPart('subscribe', options);
    const { bufferLimit = DEFAULT_BUFFER_LIMIT } = options;
    return new Promise((resolve, reject) => {
      const run = new SubscriptionRun(bufferLimit, () => this.#forget(peer, run));
      this.#opening += 1;
      peer.call(
        'a2ui/subscribe',
        {},
        {
          // Events follow the answer: this runs before the next frame is read.
          result: () => {
            this.#opening -= 1;
            this.#open.add(run);
          },
          error: (error) => {
            this.#opening -= 1;
            reject(error);
          },
        },
      );
      // In the same breath: what changes meanwhile is in the listing, or comes as an event, or both.
      peer.call(
        'a2ui.surfaces',
        {},
        {
          result: (value) => {
            run.surfaces = value as ResultOf<'a2ui.surfaces'>;
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

  /** The last one to go takes the broker's subscription with it. */
  #forget(peer: Peer, run: SubscriptionRun): void {
    if (!this.#open.delete(run) || this.#open.size > 0 || this.#opening > 0) return;
    // Where the connection is over there is nothing left to take back.
    peer.request('a2ui/unsubscribe', {}).catch(() => {});
  }

  /** `a2ui.event`; `size` is its frame's length in characters. */
  event(params: unknown, size: number): void {
    const issues = misfits(params, { kind: 'string' });
    for (const run of [...this.#open]) {
      if (issues.length > 0) run.end(new ProtocolError('an event of the broker', issues));
      else run.event(params as SurfaceEvent, size);
    }
  }

  /** A connection is over; on the next one a host subscribes again. */
  ended(error: SwitchboardError): void {
    const runs = [...this.#open];
    this.#open.clear();
    for (const run of runs) run.end(error);
  }
}

class SubscriptionRun implements SurfaceSubscription {
  surfaces: readonly SurfaceRow[] = [];
  readonly #limit: number;
  readonly #queue: EventQueue<SurfaceEvent>;
  readonly #forget: () => void;

  constructor(limit: number, forget: () => void) {
    this.#limit = limit;
    this.#queue = new EventQueue(limit);
    this.#forget = forget;
  }

  event(event: SurfaceEvent, size: number): void {
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

  [Symbol.asyncIterator](): AsyncIterator<SurfaceEvent, undefined> {
    return this.#queue.readOnce('the events of a subscription', () => this.#forget());
  }
}
