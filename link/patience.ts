import { AWAY_MS } from '../protocol/patience.ts';

/** So long those get, once this process is back, whose word may be waiting. Milliseconds. */
const RETURN_MS = 1_000;

/** Judges nobody for time in which this process was stopped: what came meanwhile is read after its timers have run. */
export class Patience {
  #judgesFrom = Number.NEGATIVE_INFINITY;

  /** A timer that was due then runs now. */
  ran(due: number, now: number): void {
    if (now - due > AWAY_MS) this.#judgesFrom = now + RETURN_MS;
  }

  mayJudge(now: number): boolean {
    return now >= this.#judgesFrom;
  }
}
