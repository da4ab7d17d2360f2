/** A timer that is so late, in milliseconds, says that this process was away: stopped, asleep, or held up. */
export const AWAY_MS = 1_000;
/** So long those get, once it is back, whose word may be waiting in a socket. */
const RETURN_MS = 1_000;

/**
 * A timer that judges nobody for time in which this process was away. Timers run before anything is read: what had
 * arrived in time would be read too late. It keeps no process alive.
 */
export class PatientTimer {
  #timer: ReturnType<typeof setTimeout>;

  constructor(run: () => void, ms: number) {
    const due = performance.now() + ms;
    this.#timer = start(() => {
      if (performance.now() - due <= AWAY_MS) run();
      // Once: a process that is always late has deadlines too.
      else this.#timer = start(run, RETURN_MS);
    }, ms);
  }

  /** From now on it does nothing; one that has run is no error. */
  stop(): void {
    clearTimeout(this.#timer);
  }
}

function start(run: () => void, ms: number): ReturnType<typeof setTimeout> {
  const timer = setTimeout(run, ms);
  // A browser's timer is a number.
  if (typeof timer === 'object') timer.unref();
  return timer;
}
