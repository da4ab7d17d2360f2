import { Histogram } from '../histogram.ts';
import type { LoadReport } from './messages.ts';

/** Breaches that are told in words; of the others their number is enough. */
const TOLD = 10;

/** µs of a clock that all processes of a machine share. */
export function nowUs(): number {
  const [seconds, nanoseconds] = process.hrtime();
  return seconds * 1e6 + Math.floor(nanoseconds / 1_000);
}

/** What this process has done and seen since it was last asked. */
export class Ledger {
  #counts = new Map<string, number>();
  #breaches: string[] = [];
  #breachCount = 0;
  readonly #latencies = new Histogram();
  #mutedUntil = 0;

  /** Something was done, or seen. */
  count(what: string, times = 1): void {
    this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
  }

  /** A promise was broken. */
  breach(words: string): void {
    this.#breachCount += 1;
    if (this.#breaches.length < TOLD) this.#breaches.push(words);
  }

  /** A piece that was written then has been read now. */
  arrived(sentAt: number): void {
    if (sentAt >= this.#mutedUntil) this.#latencies.record(nowUs() - sentAt);
  }

  /** No latencies of what is sent from now on, or until now. */
  mute(muted: boolean): void {
    this.#mutedUntil = muted ? Number.POSITIVE_INFINITY : nowUs();
  }

  report(live: number, connections: number): LoadReport {
    const report = {
      live,
      connections,
      counts: Object.fromEntries(this.#counts),
      latencies: [...this.#latencies.counts],
      breaches: this.#breaches,
      breachCount: this.#breachCount,
    };
    this.#counts = new Map();
    this.#latencies.clear();
    this.#breaches = [];
    this.#breachCount = 0;
    return report;
  }
}
