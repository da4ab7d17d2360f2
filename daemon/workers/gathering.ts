import type { GatheredMetrics } from '../../cluster/cluster-options.ts';
import type { Pipe, ToWorker } from './messages.ts';

/** Who has not answered by then is left out. Milliseconds. */
const GATHER_MS = 1_000;

/** Asks workers for their metrics, on behalf of the one that is scraped. */
export class Gatherings {
  readonly #open = new Map<number, { take(from: Pipe<ToWorker>, text: string | undefined): void }>();
  #last = 0;

  /** @returns what came in time, and how many did not answer */
  ask(others: readonly Pipe<ToWorker>[]): Promise<Pick<GatheredMetrics, 'answers' | 'silent'>> {
    this.#last += 1;
    const ask = this.#last;
    return new Promise((resolve) => {
      const answers: string[] = [];
      const waiting = new Set(others);
      const finish = () => {
        clearTimeout(timer);
        this.#open.delete(ask);
        resolve({ answers, silent: others.length - answers.length });
      };
      const timer = setTimeout(finish, GATHER_MS);
      const take = (from: Pipe<ToWorker>, text: string | undefined) => {
        if (!waiting.delete(from)) return;
        if (text !== undefined) answers.push(text);
        if (waiting.size === 0) finish();
      };
      this.#open.set(ask, { take });
      if (waiting.size === 0) finish();
      for (const other of others) other.send({ type: 'read', ask });
    });
  }

  take(from: Pipe<ToWorker>, ask: number, text: string): void {
    this.#open.get(ask)?.take(from, text);
  }

  /** It will not answer: it counts as one that did not. */
  gone(from: Pipe<ToWorker>): void {
    for (const { take } of [...this.#open.values()]) take(from, undefined);
  }
}
