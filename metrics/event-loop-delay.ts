import { type IntervalHistogram, monitorEventLoopDelay } from 'node:perf_hooks';

/** How often a timer looks whether it is late, in milliseconds. */
const RESOLUTION_MS = 20;
/** How often counting begins anew, in milliseconds: what is read covers one to two such spans. */
const SPAN_MS = 5_000;
/** After so many spans in which nobody asked, nothing is measured any more. */
const IDLE_SPANS = 12;

interface Delays {
  p50: number;
  p99: number;
  max: number;
}

/**
 * How late timers are in this process, lately: what is left of the event loop for everybody else. Measured only while
 * somebody asks, since each look wakes the process: from the first question on, until a minute has gone by without one.
 */
export class EventLoopDelay {
  #histogram: IntervalHistogram | undefined;
  #timer: NodeJS.Timeout | undefined;
  #before: Delays | undefined;
  #idleSpans = 0;

  /** Milliseconds beyond what was asked for, over the last 5 to 10 s. Zeros where nothing was measured yet. */
  read(): Delays {
    this.#idleSpans = 0;
    this.#histogram ??= this.#start();
    const [now, before] = [delaysOf(this.#histogram), this.#before];
    if (!before) return now;
    return {
      p50: Math.max(now.p50, before.p50),
      p99: Math.max(now.p99, before.p99),
      max: Math.max(now.max, before.max),
    };
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#histogram?.disable();
    this.#histogram = undefined;
    this.#before = undefined;
  }

  #start(): IntervalHistogram {
    const histogram = monitorEventLoopDelay({ resolution: RESOLUTION_MS });
    histogram.enable();
    this.#timer = setInterval(() => {
      this.#idleSpans += 1;
      if (this.#idleSpans > IDLE_SPANS) {
        this.stop();
        return;
      }
      this.#before = delaysOf(histogram);
      histogram.reset();
    }, SPAN_MS);
    this.#timer.unref();
    return histogram;
  }
}

function delaysOf(histogram: IntervalHistogram): Delays {
  // What it measures is the whole wait, the resolution included. Empty, it says 0.
  const late = (ns: number) => Math.max(0, ns / 1e6 - RESOLUTION_MS);
  return {
    p50: late(histogram.percentile(50)),
    p99: late(histogram.percentile(99)),
    max: histogram.count === 0 ? 0 : late(histogram.max),
  };
}
