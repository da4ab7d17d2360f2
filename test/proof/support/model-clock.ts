import type { Timer } from './model-records.ts';

/** Of the model, its time: what is due at the same moment is done in the order in which it was armed. */
export abstract class ModelClock {
  now = 0;
  #timers: Timer[] = [];
  #order = 0;

  /** When something is due next. */
  get nextDue(): number {
    return Math.min(...this.#timers.map(({ at }) => at));
  }

  /** Lets time pass until then, and does what is due. */
  passTo(now: number): void {
    this.now = now;
    const due = this.#timers.filter(({ at }) => at <= now).sort((a, b) => a.at - b.at || a.order - b.order);
    for (const timer of due) {
      // Unless one before it made it needless.
      if (!this.#timers.includes(timer)) continue;
      this.disarm(timer);
      timer.run();
      this.bury();
    }
  }

  /** Called after whatever was due. */
  protected abstract bury(): void;

  protected arm(ms: number, run: () => void): Timer {
    this.#order += 1;
    const timer = { at: this.now + ms, order: this.#order, run };
    this.#timers.push(timer);
    return timer;
  }

  protected disarm(timer: Timer | undefined): void {
    this.#timers = this.#timers.filter((other) => other !== timer);
  }
}
