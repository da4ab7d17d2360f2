import { PatientTimer } from '../../protocol/patience.ts';

/** Where time comes from. An embedder's tests pass XState's `SimulatedClock`. */
export interface BrokerClock {
  /** Milliseconds; since the Unix epoch with the default clock, and never going backwards. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
}

/**
 * Real time, monotonic: a corrected wall clock ends nobody's turn. And patient: after a stop of this process, what waits
 * in the sockets is read before a deadline runs.
 */
export const systemClock: BrokerClock = {
  now: () => performance.timeOrigin + performance.now(),
  setTimeout: (run, ms) => new PatientTimer(run, ms),
  clearTimeout: (timer) => (timer as PatientTimer).stop(),
};

/** One armed deadline; give it to {@link Deadlines.disarm}. */
export interface Deadline {
  readonly at: number;
  readonly run: () => void;
}

/** Deadlines are kept in buckets of this many milliseconds; one is never early, and at most this much late. */
const GRAIN_MS = 20;

/** So long those that are due at once run, and so many at least; then whatever else there is has its turn. Milliseconds. */
const SLICE_MS = 5;
const SLICE_STEPS = 64;

/**
 * Deadlines that thousands of actors hold, on one timer (law 5): arming and disarming cost the same however many
 * there are. A delay inside a chart is for the few.
 */
export class Deadlines {
  readonly #clock: BrokerClock;
  readonly #onError: (error: unknown) => void;
  readonly #buckets = new Map<number, Set<Deadline>>();
  #timer: unknown;
  #wakeAt = Number.POSITIVE_INFINITY;
  /** Some of those that are due have not run yet. */
  #rest: NodeJS.Immediate | undefined;

  /** `onError` hears of a deadline that threw. */
  constructor(clock: BrokerClock, onError: (error: unknown) => void = () => {}) {
    this.#clock = clock;
    this.#onError = onError;
  }

  /** Runs `run` once, `ms` from now, unless it is disarmed before. */
  arm(ms: number, run: () => void): Deadline {
    const at = Math.ceil((this.#clock.now() + ms) / GRAIN_MS) * GRAIN_MS;
    const deadline = { at, run };
    const bucket = this.#buckets.get(at);
    if (bucket) bucket.add(deadline);
    else this.#buckets.set(at, new Set([deadline]));
    if (at < this.#wakeAt) this.#wake(at);
    return deadline;
  }

  /** Forgets a deadline; one that ran, or none at all, is no error. */
  disarm(deadline: Deadline | undefined): void {
    if (!deadline) return;
    const bucket = this.#buckets.get(deadline.at);
    bucket?.delete(deadline);
    if (bucket?.size === 0) this.#buckets.delete(deadline.at);
  }

  /** Has a deadline run `ms` from now, unless it would later anyway. One that ran, or none at all, stays as it is. */
  putOff(deadline: Deadline | undefined, ms: number): Deadline | undefined {
    if (!deadline || deadline.at >= this.#clock.now() + ms) return deadline;
    if (!this.#buckets.get(deadline.at)?.has(deadline)) return deadline;
    this.disarm(deadline);
    return this.arm(ms, deadline.run);
  }

  /** How many are armed. */
  get size(): number {
    let size = 0;
    for (const bucket of this.#buckets.values()) size += bucket.size;
    return size;
  }

  /** Forgets them all and lets go of the timer. */
  clear(): void {
    this.#buckets.clear();
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#timer = undefined;
    clearImmediate(this.#rest);
    this.#rest = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
  }

  #wake(at: number): void {
    if (this.#timer !== undefined) this.#clock.clearTimeout(this.#timer);
    this.#wakeAt = at;
    this.#timer = this.#clock.setTimeout(() => this.#runDue(), Math.max(0, at - this.#clock.now()));
  }

  #runDue(): void {
    this.#timer = undefined;
    this.#rest = undefined;
    this.#wakeAt = Number.POSITIVE_INFINITY;
    const now = this.#clock.now();
    const since = performance.now();
    let steps = 0;
    const due = [...this.#buckets.keys()].filter((at) => at <= now).sort((a, b) => a - b);
    for (const at of due) {
      const bucket = this.#buckets.get(at) ?? new Set();
      for (const deadline of bucket) {
        // The others stay in place: a deadline may disarm its neighbour.
        bucket.delete(deadline);
        this.#run(deadline);
        steps += 1;
        if (steps < SLICE_STEPS || performance.now() - since < SLICE_MS) continue;
        // Until then nothing earlier can be armed.
        this.#wakeAt = Number.NEGATIVE_INFINITY;
        this.#rest = setImmediate(() => this.#runDue());
        return;
      }
      this.#buckets.delete(at);
    }
    let next = Number.POSITIVE_INFINITY;
    for (const at of this.#buckets.keys()) if (at < next) next = at;
    if (next < this.#wakeAt) this.#wake(next);
  }

  /** One that throws, a fault of ours, takes none of its neighbours with it: the timer is everybody's. */
  #run(deadline: Deadline): void {
    try {
      deadline.run();
    } catch (error) {
      this.#onError(error);
    }
  }
}
