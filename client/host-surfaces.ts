import { isObject } from '../protocol/json.ts';
import type { ResultOf } from '../protocol/methods.ts';
import type { SurfaceEvent, SurfaceRow } from '../protocol/surfaces.ts';
import { BufferOverflowError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT, EventQueue } from './event-queue.ts';
import type { SubscribeOptions } from './host-events.ts';
import { checkCall } from './known-options.ts';
import type { Peer } from './peer.ts';
import type { RequestFunction } from './request.ts';
import type { SurfaceSubscription, Surfaces } from './surfaces.ts';

/** The subscriptions to surfaces of a host, each for as long as its connection. */
export class HostSurfaces {
  readonly #open = new Set<SubscriptionRun>();
  /** How many wait for the broker's answer. */
  #opening = 0;

  /** What a host offers. @param peer asked at each subscription, because a host's changes when it reconnects. */
  on(peer: () => Peer, request: RequestFunction): Surfaces {
    return {
      list: async () => (await request('a2ui.surfaces', {})).surfaces,
      get: async (surfaceId) => (await request('a2ui.get', { surfaceId })).surface,
      replay: (surfaceId) => request('a2ui/replay', { surfaceId }),
      apply: (envelope) => request('a2ui.apply', { envelope }),
      ingest: async (payload, options = {}) => {
        checkCall('surfaces.ingest', options);
        return (await request('a2ui.ingest', { ...options, payload } as never)).applied;
      },
      act: (action) => request('a2ui.action', action),
      capabilities: () => request('a2ui.capabilities', {}),
      reap: async () => (await request('a2ui.reap', {})).removed,
      subscribe: (options) => this.#subscribe(peer(), options),
    };
  }

  async #subscribe(peer: Peer, options: Pick<SubscribeOptions, 'bufferLimit'> = {}): Promise<SurfaceSubscription> {
    checkCall('subscribe', options);
    const { bufferLimit = DEFAULT_BUFFER_LIMIT } = options;
    return new Promise((resolve, reject) => {
      const run = new SubscriptionRun(bufferLimit, () => this.#forget(peer, run));
      this.#opening += 1;
      peer.call(
        'a2ui/subscribe',
        {},
        {
          result: (value) => {
            // Events follow the answer: this runs before the next frame is read.
            this.#opening -= 1;
            run.surfaces = (value as ResultOf<'a2ui/subscribe'>).surfaces;
            this.#open.add(run);
            resolve(run);
          },
          error: (error) => {
            this.#opening -= 1;
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
    if (!isObject(params) || typeof params.kind !== 'string') return;
    for (const run of [...this.#open]) run.event(params as SurfaceEvent, size);
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
