/** Hears of a fault, for a log: `count` times so far, this one included, since it was last told. */
export type FaultReport = (error: unknown, what: string, count: number) => void;

/** Each kind of fault is told at most this often, in milliseconds: a log that a fault can flood hides all others. */
const QUIET_MS = 10_000;

/** What went wrong where nobody waits for an answer. Told at once, and then no more than every ten seconds. */
export class Faults {
  readonly #report: FaultReport;
  readonly #quiet = new Map<string, { error: unknown; count: number; timer: NodeJS.Timeout }>();

  /** @param report - never throws. */
  constructor(report: FaultReport) {
    this.#report = report;
  }

  /** @param what - its kind, a text of ours: there are as many as places in the code, and prefixes. */
  report(error: unknown, what: string): void {
    const quiet = this.#quiet.get(what);
    if (!quiet) {
      this.#tell(error, what, 1);
      return;
    }
    quiet.error = error;
    quiet.count += 1;
  }

  /** Tells what is still untold. */
  stop(): void {
    for (const [what, { error, count, timer }] of [...this.#quiet]) {
      clearTimeout(timer);
      this.#quiet.delete(what);
      if (count > 0) this.#report(error, what, count);
    }
  }

  #tell(error: unknown, what: string, count: number): void {
    const timer = setTimeout(() => this.#again(what), QUIET_MS);
    timer.unref();
    this.#quiet.set(what, { error: undefined, count: 0, timer });
    this.#report(error, what, count);
  }

  #again(what: string): void {
    const { error, count } = this.#quiet.get(what) ?? { error: undefined, count: 0 };
    this.#quiet.delete(what);
    if (count > 0) this.#tell(error, what, count);
  }
}
