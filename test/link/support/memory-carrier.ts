import type { Carrier, CarrierHandlers } from '../../../link/carrier.ts';
import type { StillClock } from './still-clock.ts';

/** Brokers in one process, each within reach of all others that are there: as over NATS, anybody may have sent a frame. */
export class MemoryNet {
  readonly #carriers = new Map<string, CarrierHandlers>();
  /** How a broker's life ends, by its name. */
  readonly #lives = new Map<string, () => void>();
  /** Frames of that broker go nowhere. */
  readonly silent = new Set<string>();
  /** Frames to that broker go nowhere. */
  readonly deaf = new Set<string>();
  /** What is on its way from one broker to another, where that takes longer: see {@link hold}. */
  readonly #held = new Map<string, Buffer[]>();
  /** Nobody hears anybody, and knows so. */
  isAway = false;
  readonly #clock: StillClock;

  /** @param clock - frames arrive at the end of its tick, never inside of a call */
  constructor(clock: StillClock) {
    this.#clock = clock;
  }

  carrier(id: string): Carrier {
    const others = () => [...this.#carriers].filter(([peer]) => peer !== id);
    const net = this;
    let isDead = false;
    this.#lives.set(id, () => {
      isDead = true;
      this.#carriers.delete(id);
    });
    return {
      get isConnected() {
        return !net.isAway;
      },
      open: async (handlers) => {
        this.#carriers.set(id, handlers);
        for (const [peer, theirs] of others()) {
          handlers.reachable(peer);
          theirs.reachable(id);
        }
      },
      send: (peer, frame) => {
        if (this.isAway) return false;
        const held = this.#held.get(`${id} ${peer}`);
        if (held) held.push(Buffer.from(frame));
        else if (!isDead && !this.silent.has(id) && !this.deaf.has(peer)) this.give(peer, frame);
        return true;
      },
      // Its own come back to it.
      announce: (frame) => {
        if (!this.isAway && !isDead && !this.silent.has(id))
          for (const [peer, { frame: take }] of this.#carriers)
            if (!this.deaf.has(peer)) take(Buffer.from(frame), undefined);
      },
      reaches: (peer) => !this.isAway && this.#carriers.has(peer),
      close: async () => {
        if (isDead) return;
        this.#carriers.delete(id);
        for (const [, theirs] of others()) theirs.unreachable(id);
      },
    };
  }

  /** That broker was killed: it says and hears nothing any more, and nobody is told. Another one may come by its name. */
  kill(id: string): void {
    this.#lives.get(id)?.();
  }

  /** What carries all frames is gone, or there again. */
  away(isAway: boolean): void {
    this.isAway = isAway;
    for (const [id, handlers] of this.#carriers)
      for (const peer of this.#carriers.keys()) {
        if (peer === id) continue;
        if (isAway) handlers.unreachable(peer);
        else handlers.reachable(peer);
      }
  }

  /** What one broker says to another arrives when the function that this gives is called, in order. */
  hold(from: string, to: string): () => void {
    const held: Buffer[] = [];
    this.#held.set(`${from} ${to}`, held);
    return () => {
      this.#held.delete(`${from} ${to}`);
      for (const frame of held) this.give(to, frame);
    };
  }

  /** A frame arrives that may be anybody's work. */
  give(to: string, frame: Buffer): void {
    const copy = Buffer.from(frame);
    this.#clock.nextTick(() => this.#carriers.get(to)?.frame(copy, undefined));
  }
}
