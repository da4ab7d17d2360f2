import { setTimeout as sleep } from 'node:timers/promises';
import type { SoakedDaemon } from './daemon.ts';
import type { Fleet } from './fleet.ts';
import { Random } from './load/random.ts';
import type { Options } from './options.ts';
import type { ProbeAnswer } from './probe.ts';
import { countsText, headText, rowText, type Sample } from './report.ts';
import { judgeDeaths, judgeLoad, judgeMemory, LEAST_DEATHS } from './verdict.ts';

/** How often it is looked. Milliseconds. */
const INTERVAL = 10_000;
/** How long the load runs before anything is measured: caches fill, code is compiled. Milliseconds. */
const WARM_UP = 20_000;
/** Load processes; the daemon is a third. */
export const PROCESSES = 2;
/** One connection of so many is an agent's. */
const HOSTS_PER_AGENT = 20;
/** Clients of each process that come back, beside all others: so many that their chats meet the cuts, and cost little. */
const LASTING = { agents: 2, hosts: 4, turns: 8 };
/** What chats are counted as that were going on when the daemon died. */
const OUTLIVED = 'turns that outlived the daemon';
const LOST = 'turns that went with the daemon';
/** Ended turns, for each live one, that a daemon is given to keep before anything is measured. */
const ENDED_PER_TURN = 10;
/** How long what clients have left behind may take to go. Milliseconds. */
const GONE_WITHIN = 15_000;
/** Broken promises that are told in words. */
const TOLD = 20;

/** One soak, from the first connection to the verdict. */
export class Run {
  /** What was broken, in words. */
  readonly broken: string[] = [];
  readonly #options: Options;
  readonly #daemon: SoakedDaemon;
  readonly #fleet: Fleet;
  readonly #samples: Sample[] = [];
  readonly #counts = new Map<string, number>();
  #brokenCount = 0;
  #isProven = false;
  #deaths = 0;
  #last: { reportedAt: number; probedAt: number; probe: ProbeAnswer } | undefined;

  constructor(options: Options, daemon: SoakedDaemon, fleet: Fleet) {
    this.#options = options;
    this.#daemon = daemon;
    this.#fleet = fleet;
  }

  /** @param stop ends the measuring early. */
  async measure(stop: AbortSignal): Promise<void> {
    const { minutes, connections, turns, seed, restarts } = this.#options;
    const lasts = restarts > 0;
    await this.#fleet.begin((index) => ({
      url: this.#daemon.url,
      home: this.#daemon.home,
      tokens: this.#daemon.tokens,
      index,
      processes: PROCESSES,
      connections: share(connections, index),
      turns: share(turns, index),
      agents: Math.ceil(connections / HOSTS_PER_AGENT / PROCESSES),
      ended: share(turns * ENDED_PER_TURN, index),
      lasting: lasts
        ? {
            agents: Math.ceil(connections / HOSTS_PER_AGENT / PROCESSES),
            hosts: Math.ceil((share(connections, index) * (HOSTS_PER_AGENT - 1)) / HOSTS_PER_AGENT),
            turns: share(turns, index),
          }
        : LASTING,
      lasts,
      seed,
    }));
    console.log('connected, and as many turns live as should: warming up');
    await sleep(Math.min(WARM_UP, minutes * 60_000), undefined, { signal: stop }).catch(() => {});
    await this.#look(0);
    if (lasts) return this.#die(stop);
    const start = performance.now();
    console.log(`\n${headText()}`);
    while (!stop.aborted) {
      // The next that is still to come: on a busy machine a look can be late.
      const next = Math.floor((performance.now() - start) / INTERVAL) + 1;
      const end = Math.min(next * INTERVAL, minutes * 60_000);
      await sleep(start + end - performance.now(), undefined, { signal: stop }).catch(() => {});
      const sample = await this.#look((performance.now() - start) / 1_000);
      if (sample) console.log(rowText(sample));
      if (end === minutes * 60_000) return;
    }
  }

  /** Has the daemon die again and again, and come back: for as long as was asked, and until that says something. */
  async #die(stop: AbortSignal): Promise<void> {
    const { minutes, restarts, seed } = this.#options;
    const random = new Random(seed);
    const end = performance.now() + minutes * 60_000;
    while (!stop.aborted && (performance.now() < end || this.#deaths < LEAST_DEATHS)) {
      const pause = random.between(restarts * 500, restarts * 1_500);
      const left = end - performance.now();
      // What is over is waited for no less: turns have to be going on at each death.
      await sleep(left > 0 ? Math.min(pause, left) : pause, undefined, { signal: stop }).catch(() => {});
      if (stop.aborted) return;
      const begun = performance.now();
      this.#fleet.died();
      await this.#daemon.die();
      // What has begun since is over, too.
      this.#fleet.died();
      await this.#daemon.comeBack();
      this.#deaths += 1;
      this.#last = undefined;
      await this.#look(0);
      const back = (performance.now() - begun).toFixed(0);
      console.log(
        `death ${this.#deaths}: back after ${back} ms; ${this.#over()}; ${this.#brokenCount} promises broken`,
      );
    }
  }

  #over(): string {
    const count = (what: string) => this.#counts.get(what) ?? 0;
    return `${count(OUTLIVED)} turns have outlived the daemon, ${count(LOST)} went with it`;
  }

  /** Lets every turn end, and looks whether anything is left. */
  async finish(): Promise<void> {
    await this.#fleet.finish();
    await this.#look(0);
    const left = await this.#left();
    if (left.length > 0) this.#break(`with all clients gone there are still ${left.join(', ')}`);
    for (const error of this.#daemon.errors) this.#break(`the daemon logged ${error}`);
    const failure = await this.#daemon.stop();
    if (failure !== undefined) this.#break(failure);
  }

  /** The summary. Says what was broken, if anything was. */
  summarize(): void {
    const { text, grows } = judgeMemory(this.#samples);
    for (const each of grows) this.#break(each);
    console.log(`\nDone and seen, the warm-up and the end included:\n${countsText(this.#counts)}`);
    console.log(`\nMemory:\n${text}`);
    const lacking =
      this.#options.restarts > 0
        ? judgeDeaths(this.#deaths, (this.#counts.get(OUTLIVED) ?? 0) + (this.#counts.get(LOST) ?? 0))
        : judgeLoad(this.#samples, this.#options);
    this.#isProven = lacking === undefined;
    if (lacking !== undefined) console.log(`\nNothing is proven: ${lacking}.`);
    if (this.#brokenCount === 0) console.log(this.#isProven ? '\nEvery promise was kept.' : 'No promise was broken.');
    else console.log(`\nBROKEN, ${this.#brokenCount} times:\n${this.broken.map((words) => `  ${words}`).join('\n')}`);
  }

  /** It cannot go on. */
  fail(error: unknown): void {
    this.#break(error instanceof Error ? (error.stack ?? error.message) : String(error));
  }

  /** Whether what was looked at is enough to say that the promises hold. Known once it is summarized. */
  get isProven(): boolean {
    return this.#isProven;
  }

  get isBroken(): boolean {
    return this.#brokenCount > 0;
  }

  #break(words: string, times = 1): void {
    this.#brokenCount += times;
    if (this.broken.length < TOLD) this.broken.push(words);
  }

  async #look(at: number): Promise<Sample | undefined> {
    const load = await this.#fleet.report();
    const reportedAt = performance.now();
    for (const [what, times] of load.counts) this.#counts.set(what, (this.#counts.get(what) ?? 0) + times);
    for (const words of load.breaches) this.#break(words);
    this.#brokenCount += load.breachCount - load.breaches.length;

    const metric = await this.#daemon.metrics();
    this.#fleet.mute(true);
    const probe = await this.#daemon.probe();
    this.#fleet.mute(false);
    const before = this.#last;
    this.#last = { reportedAt, probedAt: performance.now(), probe };
    if (!before || at === 0) return undefined;
    // Each by its own time: on a busy machine the two are not taken in the same moment.
    const seconds = (reportedAt - before.reportedAt) / 1_000;
    const cpuSeconds = (this.#last.probedAt - before.probedAt) / 1_000;
    const sample = {
      at,
      seconds,
      load,
      probe,
      cpu: (probe.cpu - before.probe.cpu) / cpuSeconds / 1e6,
      connections: metric('connections'),
      turns: metric('turns'),
      queued: metric('queue_bytes'),
      logged: metric('resume_log_bytes'),
    };
    this.#samples.push(sample);
    return sample;
  }

  /** What the daemon still has of clients that are all gone. */
  async #left(): Promise<string[]> {
    const names = ['connections', 'turns', 'approvals_pending', 'queue_bytes'];
    for (const until = Date.now() + GONE_WITHIN; ; await sleep(200)) {
      const metric = await this.#daemon.metrics();
      const left = names.filter((name) => metric(name) > 0).map((name) => `${metric(name)} ${name}`);
      if (left.length === 0 || Date.now() > until) return left;
    }
  }
}

/** A process's share of so many. */
function share(count: number, index: number): number {
  return Math.floor((count * (index + 1)) / PROCESSES) - Math.floor((count * index) / PROCESSES);
}
