import type { LinkClock } from '../../../link/clock.ts';

interface Timer {
  at: number;
  run: () => void;
}

/** A clock that stands still until it is moved, and may be stopped as its process may be. */
export class StillClock implements LinkClock {
  #now = 0;
  readonly #timers = new Set<Timer>();
  #ticks: (() => void)[] = [];

  now(): number {
    return this.#now;
  }

  setTimeout(run: () => void, ms: number): unknown {
    const timer = { at: this.#now + ms, run };
    this.#timers.add(timer);
    return timer;
  }

  clearTimeout(timer: unknown): void {
    this.#timers.delete(timer as Timer);
  }

  nextTick(run: () => void): void {
    this.#ticks.push(run);
  }

  /** Timers that are armed. */
  get armed(): number {
    return this.#timers.size;
  }

  /** Runs what waits for the end of the tick. */
  settle(): void {
    for (let ticks = this.#ticks; ticks.length > 0; ticks = this.#ticks) {
      this.#ticks = [];
      for (const run of ticks) run();
    }
  }

  /** Time goes by, and each timer runs when it is due. */
  advance(ms: number): void {
    const end = this.#now + ms;
    this.settle();
    for (let next = this.#first(end); next; next = this.#first(end)) {
      this.#timers.delete(next);
      this.#now = Math.max(this.#now, next.at);
      next.run();
      this.settle();
    }
    this.#now = end;
  }

  /** Time goes by while nothing runs; what was due meanwhile runs late. */
  sleep(ms: number): void {
    this.#now += ms;
  }

  #first(until: number): Timer | undefined {
    let first: Timer | undefined;
    for (const timer of this.#timers) if (timer.at <= until && (!first || timer.at < first.at)) first = timer;
    return first;
  }
}
