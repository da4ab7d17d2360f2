/** Where time comes from. A test passes one that stands still until it is moved. */
export interface LinkClock {
  /** Milliseconds, never going backwards. */
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
  clearTimeout(timer: unknown): void;
  /** Runs `run` once whatever runs now is done, before anything else is read. */
  nextTick(run: () => void): void;
}

/** Real time. Its timers keep no process alive. */
export const systemLinkClock: LinkClock = {
  now: () => performance.now(),
  setTimeout: (run, ms) => setTimeout(run, ms).unref(),
  clearTimeout: (timer) => clearTimeout(timer as NodeJS.Timeout),
  nextTick: (run) => process.nextTick(run),
};
