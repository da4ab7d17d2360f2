import type { Fleet } from './fleet.ts';
import type { Plan } from './plan.ts';
import { type Sender, writeFrames } from './stream-run.ts';

/** Deltas on their way beyond which the load waits for the target, and falls behind its schedule. */
const MAX_IN_FLIGHT = 20_000;

/**
 * Sends each delta alone, when it is due: turn by turn, at an even rate. It polls between them rather than sleep, because
 * a timer is no finer than a millisecond; the load has a core of its own to do so.
 */
export class Pace implements Sender {
  /** From write to receipt of each delta, in ms, in no particular order. */
  readonly latencies: Float64Array;
  /** How far behind its schedule the load was at worst, in ms. */
  maxLagMs = 0;
  readonly #fleet: Fleet;
  readonly #plan: Plan;
  readonly #intervalMs: number;
  readonly #total: number;
  readonly #sentAt: Float64Array;
  #sent = 0;
  #arrived = 0;
  #startedAt = 0;

  constructor(fleet: Fleet, plan: Plan, perSecond: number) {
    this.#fleet = fleet;
    this.#plan = plan;
    this.#intervalMs = 1000 / perSecond;
    this.#total = plan.turns * plan.deltas;
    this.#sentAt = new Float64Array(this.#total);
    this.latencies = new Float64Array(this.#total);
  }

  start(): void {
    this.#startedAt = performance.now();
    this.#tick();
  }

  arrived(turn: number, sequence: number, count: number): void {
    const now = performance.now();
    for (let each = sequence; each < sequence + count; each += 1) {
      const index = (each - 1) * this.#plan.turns + turn;
      this.latencies[index] = now - (this.#sentAt[index] as number);
    }
    this.#arrived += count;
  }

  #tick = (): void => {
    for (;;) {
      if (this.#sent === this.#total) return;
      const now = performance.now();
      const lag = now - (this.#startedAt + this.#sent * this.#intervalMs);
      if (lag < 0 || this.#sent - this.#arrived >= MAX_IN_FLIGHT) break;
      if (lag > this.maxLagMs) this.maxLagMs = lag;
      this.#sentAt[this.#sent] = now;
      this.#send(this.#sent);
      this.#sent += 1;
    }
    setImmediate(this.#tick);
  };

  /** The `index`th delta of all: they go round the turns, so an agent's are in the order of its stream. */
  #send(index: number): void {
    const { turns, agents } = this.#plan;
    const turn = index % turns;
    const frame = Math.floor(index / turns) * (turns / agents) + Math.floor(turn / agents);
    writeFrames(this.#fleet, this.#plan, turn % agents, frame, frame + 1);
  }
}
