import { setTimeout as delay } from 'node:timers/promises';
import type { StopTogether } from '../../cluster/cluster-options.ts';

/** How often the supervisor looks whether all have finished. Milliseconds. */
const LOOK_MS = 50;

/** A worker's part in a stop of all. */
export class WorkerStop implements StopTogether {
  readonly #isHome: boolean;
  #own: { turns(): number; changed(): void } | undefined;
  #isHeld = false;

  constructor(isHome: boolean) {
    this.#isHome = isHome;
  }

  get held(): 'until drained' | 'until last' | undefined {
    if (!this.#isHeld) return undefined;
    return this.#isHome ? 'until last' : 'until drained';
  }

  /** Live turns that it has, or whose hosts it has. */
  get turns(): number {
    return this.#own?.turns() ?? 0;
  }

  serve(own: { turns(): number; changed(): void }): void {
    this.#own = own;
  }

  /** All stop: this one goes on until it is released. */
  hold(): void {
    this.#isHeld = true;
  }

  release(): void {
    if (!this.#isHeld) return;
    this.#isHeld = false;
    this.#own?.changed();
  }
}

/** A worker, as far as the order of a stop goes. */
export interface Stoppable {
  /** Has it stop, and wait to be released. Resolves when it is gone. */
  stop(): Promise<void>;
  /** It may end, as soon as it has no turns. */
  release(): void;
  /** It has no live turns, or is not there; false until it has said so. */
  readonly isDone: boolean;
}

/**
 * Stops all: none ends before the turns of all have ended, or have had their time; the first, which has what the others need
 * for their turns, ends when they are gone.
 * @param drainMs - how long turns have
 */
export async function stopInOrder([home, ...others]: readonly Stoppable[], drainMs: number): Promise<void> {
  const homeGone = home?.stop();
  const gone = others.map((other) => other.stop());
  const end = performance.now() + drainMs;
  const isDone = () => [home, ...others].every((seat) => seat === undefined || seat.isDone);
  while (!isDone() && performance.now() < end) await delay(LOOK_MS);
  for (const other of others) other.release();
  await Promise.all(gone);
  home?.release();
  await homeGone;
}
