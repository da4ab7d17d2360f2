import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { Histogram } from './histogram.ts';
import type { LoadNews, LoadOrder, LoadPlan, LoadReport } from './load/messages.ts';

/** What all load processes together have done since the last look. */
export interface FleetReport {
  live: number;
  connections: number;
  counts: Map<string, number>;
  latencies: Histogram;
  breaches: string[];
  breachCount: number;
}

/** The load processes, as one. */
export class Fleet {
  readonly #processes: ChildProcess[];
  /** Rejects when one of them ends before it should. */
  readonly #failed: Promise<never>;
  #isEnding = false;

  constructor(count: number) {
    const script = fileURLToPath(new URL('./load/main.js', import.meta.url));
    this.#processes = Array.from({ length: count }, () => fork(script));
    this.#failed = new Promise((_, reject) => {
      for (const child of this.#processes) {
        child.once('exit', (code, signal) => {
          if (!this.#isEnding) reject(new Error(`a load process ended with ${code ?? signal}`));
        });
      }
    });
    this.#failed.catch(() => {});
  }

  /** Opens all connections, and begins once all agents are there. Resolves when the load is what it should be. */
  async begin(planOf: (index: number) => LoadPlan): Promise<void> {
    await this.#askAll('connected', (index) => ({ do: 'connect', plan: planOf(index) }));
    await this.#askAll('warm', () => ({ do: 'begin' }));
  }

  /** The daemon is about to be killed, or was: what its clients come to is judged by that. */
  died(): void {
    for (const child of this.#processes) child.send({ do: 'died' } satisfies LoadOrder);
  }

  /** Whether latencies are no fault of the daemon's now. */
  mute(muted: boolean): void {
    for (const child of this.#processes) child.send({ do: 'mute', muted } satisfies LoadOrder);
  }

  async report(): Promise<FleetReport> {
    const all = await this.#askAll('report', () => ({ do: 'report' }));
    const reports: LoadReport[] = all.flatMap((news) => (news.news === 'report' ? [news.report] : []));
    const counts = new Map<string, number>();
    const latencies = new Histogram();
    for (const report of reports) {
      for (const [what, times] of Object.entries(report.counts)) counts.set(what, (counts.get(what) ?? 0) + times);
      latencies.add(report.latencies);
    }
    const sum = (read: (report: LoadReport) => number) => reports.reduce((total, each) => total + read(each), 0);
    return {
      live: sum(({ live }) => live),
      connections: sum(({ connections }) => connections),
      counts,
      latencies,
      breaches: reports.flatMap(({ breaches }) => breaches),
      breachCount: sum(({ breachCount }) => breachCount),
    };
  }

  /** Begins nothing more. Resolves when every turn has ended and every connection is closed. */
  async finish(): Promise<void> {
    await this.#askAll('done', () => ({ do: 'finish' }));
  }

  /** Ends every process at once. Synchronous: it also runs while this process exits. */
  stop(): void {
    this.#isEnding = true;
    for (const child of this.#processes) child.kill('SIGKILL');
  }

  /** Tells each process something, and waits for an answer of each. */
  #askAll(wanted: LoadNews['news'], order: (index: number) => LoadOrder): Promise<LoadNews[]> {
    const asked = this.#processes.map(
      (child, index) =>
        new Promise<LoadNews>((resolve) => {
          const read = (news: LoadNews) => {
            if (news.news !== wanted) return;
            child.off('message', read);
            resolve(news);
          };
          child.on('message', read);
          child.send(order(index));
        }),
    );
    return Promise.race([Promise.all(asked), this.#failed]);
  }
}
