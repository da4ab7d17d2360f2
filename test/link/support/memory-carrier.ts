import type { Carrier, CarrierHandlers } from '../../../link/carrier.ts';
import type { StillClock } from './still-clock.ts';

/** Brokers in one process, each within reach of all others that are there: as over NATS, anybody may have sent a frame. */
export class MemoryNet {
  readonly #carriers = new Map<string, CarrierHandlers>();
  /** Frames of that broker go nowhere. */
  readonly silent = new Set<string>();
  readonly #clock: StillClock;

  /** @param clock - frames arrive at the end of its tick, never inside of a call */
  constructor(clock: StillClock) {
    this.#clock = clock;
  }

  carrier(id: string): Carrier {
    const others = () => [...this.#carriers].filter(([peer]) => peer !== id);
    return {
      open: async (handlers) => {
        this.#carriers.set(id, handlers);
        for (const [peer, theirs] of others()) {
          handlers.reachable(peer);
          theirs.reachable(id);
        }
      },
      send: (peer, frame) => {
        if (!this.silent.has(id)) this.give(peer, frame);
        return true;
      },
      // Its own come back to it.
      announce: (frame) => {
        if (!this.silent.has(id))
          for (const { frame: take } of this.#carriers.values()) take(Buffer.from(frame), undefined);
      },
      reaches: (peer) => this.#carriers.has(peer),
      close: async () => {
        this.#carriers.delete(id);
        for (const [, theirs] of others()) theirs.unreachable(id);
      },
    };
  }

  /** A frame arrives that may be anybody's work. */
  give(to: string, frame: Buffer): void {
    const copy = Buffer.from(frame);
    this.#clock.nextTick(() => this.#carriers.get(to)?.frame(copy, undefined));
  }
}
