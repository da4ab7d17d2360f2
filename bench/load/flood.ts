import type { Fleet } from './fleet.ts';
import type { Plan } from './plan.ts';
import { type Sender, writeFrames } from './stream-run.ts';

/** Deltas of one agent that may be on their way at once: enough that the target never waits, few enough to stay small. */
const WINDOW = 200;

/** Sends as fast as the target takes it, with a bounded number of deltas on their way. */
export class Flood implements Sender {
  readonly #fleet: Fleet;
  readonly #plan: Plan;
  /** Frames of each agent that have been written, and deltas of it that are on their way. */
  readonly #sent: Uint32Array;
  readonly #inFlight: Uint32Array;

  constructor(fleet: Fleet, plan: Plan) {
    this.#fleet = fleet;
    this.#plan = plan;
    this.#sent = new Uint32Array(plan.agents);
    this.#inFlight = new Uint32Array(plan.agents);
  }

  start(): void {
    for (let agent = 0; agent < this.#plan.agents; agent += 1) this.#fill(agent);
  }

  arrived(turn: number, _sequence: number, count: number): void {
    const agent = turn % this.#plan.agents;
    this.#inFlight[agent] = (this.#inFlight[agent] as number) - count;
  }

  chunkDone(): void {
    for (let agent = 0; agent < this.#plan.agents; agent += 1) {
      // By halves: a write for each delta that arrived would be a read for each one at the target.
      if ((this.#inFlight[agent] as number) <= WINDOW / 2) this.#fill(agent);
    }
  }

  #fill(agent: number): void {
    const from = this.#sent[agent] as number;
    const to = Math.min(from + WINDOW - (this.#inFlight[agent] as number), this.#plan.streams[agent]?.ends.length ?? 0);
    this.#sent[agent] = to;
    this.#inFlight[agent] = (this.#inFlight[agent] as number) + to - from;
    writeFrames(this.#fleet, this.#plan, agent, from, to);
  }
}
