import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often a timer looks whether it is late, in milliseconds. */
const RESOLUTION_MS = 20;
/** How often counting begins anew, in milliseconds: what is read covers one to two such spans. */
const SPAN_MS = 5_000;

interface Delays {
  p50: number;
  p99: number;
  max: number;
}

/** How late timers are in this process, lately: what is left of the event loop for everybody else. */
export class EventLoopDelay {
  readonly #histogram: IntervalHistogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
  readonly #timer: NodeJS.Timeout;
  #before: Delays | undefined;

  constructor() {
    this.#histogram.enable();
    this.#timer = setInterval(() => {
      this.#before = this.#now();
      this.#histogram.reset();
    }, SPAN_MS);
    this.#timer.unref();
  }

  /** Milliseconds beyond what was asked for, over the last 5 to 10 s. */
  read(): Delays {
    const [now, before] = [this.#now(), this.#before];
    if (!before) return now;
    return {
      p50: Math.max(now.p50, before.p50),
      p99: Math.max(now.p99, before.p99),
      max: Math.max(now.max, before.max),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram.disable();
  }

  #now(): Delays {
    const histogram = this.#histogram;
    // What it measures is the whole wait, the resolution included. Empty, it says 0.
    const late = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
    return {
      p50: late(histogram.percentile(50)),
      p99: late(histogram.percentile(99)),
      max: histogram.count === 0 ? 0 : late(histogram.max),
    };
  }
}
