import type { Registry } from 'prom-client';
import type { ClusterMetrics, GatheredMetrics } from '../cluster/cluster-options.ts';
import { mergedMetrics, registryOf, tellMetrics } from './merged.ts';

/** What `/metrics` answers: of this broker, or of several as one. */
export class Scrape {
  readonly #make: () => Registry;
  readonly #others: ClusterMetrics | undefined;
  #registry: Registry | undefined;

  /** @param make - makes this broker's own, at the first scrape that can. */
  constructor(make: () => Registry, others: ClusterMetrics | undefined) {
    this.#make = make;
    this.#others = others;
    others?.serve(() => tellMetrics(this.#own()));
  }

  async read(): Promise<{ text: string; contentType: string }> {
    const own = this.#own();
    if (!this.#others) return { text: await own.metrics(), contentType: own.contentType };
    // Together: others take as long as they take. Where nobody can be asked this one tells its own.
    const [mine, gathered] = await Promise.all([tellMetrics(own), this.#others.gather().catch(() => undefined)]);
    if (!gathered) return { text: await own.metrics(), contentType: own.contentType };
    const all = mergedMetrics([mine, ...gathered.answers]);
    const text = `${(await all.metrics()).trimEnd()}\n\n${await workers(gathered).metrics()}`;
    return { text, contentType: own.contentType };
  }

  #own(): Registry {
    this.#registry ??= this.#make();
    return this.#registry;
  }
}

/** Whose metrics these are. */
function workers({ workers, silent, down, restarts }: GatheredMetrics): Registry {
  return registryOf([
    {
      name: 'switchboard_workers',
      help: 'Processes of this daemon: whose metrics these are, who did not tell them in time, and who does not run now.',
      type: 'gauge',
      values: Object.entries({ told: workers - silent - down, silent, down }).map(([state, value]) => ({
        labels: { state },
        value,
      })),
    },
    {
      name: 'switchboard_worker_restarts_total',
      help: 'How often a process was started again since the start.',
      type: 'counter',
      values: restarts.map(([worker, value]) => ({ labels: { worker }, value })),
    },
  ]);
}
