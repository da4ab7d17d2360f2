import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { v7 as uuid } from 'uuid';
import { openMemory } from '../../broker.ts';
import { lmdbFactStore } from '../../memory/lmdb-fact-store.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { median, quantile } from '../stats.ts';

const SCOPE: MemoryScope = { kind: 'agent', id: 'bench' };
/** Words of a fact, and how many different ones there are: about as in English, the n-th most frequent one 1/n as often. */
const WORDS = { subject: 2, body: 12, query: 3 };
const VOCABULARY = 20_000;

/** What an agent's memory costs: opening it, and asking it. */
export const factsScenario: Scenario = {
  name: 'facts',
  does: "an agent's memory: opening it up to the first answer, then queries of three words, and of the most frequent one",
  run,
};

interface Round {
  openMs: number;
  /** Of it, what the processor worked. */
  openCpuMs: number;
  /** The longest time in which nobody else was served. */
  stallMs: number;
  queries: Float64Array;
  commonMs: number;
}

async function run({ sizes: { facts, rounds } }: Setting): Promise<Outcome> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-facts-'));
  const word = zipf();
  try {
    await fill(directory, facts, word);
    const results: Round[] = [];
    // The first one does not count: the program itself is cold.
    for (let round = 0; round <= rounds; round += 1) results.push(await measure(directory, word));
    results.shift();
    const of = (read: (round: Round) => number) => results.map(read);
    const slowest = of(({ queries }) => quantile(queries, 0.99));
    const open = of(({ openMs }) => openMs);
    const common = of(({ commonMs }) => commonMs);
    return {
      tables: [
        {
          title: `An agent's memory of ${number(facts, 0)} facts`,
          columns: ['', 'ms'],
          rows: [
            ['opening, up to the first answer', withSpread(open, 0)],
            [
              'of it, processor time',
              withSpread(
                of(({ openCpuMs }) => openCpuMs),
                0,
              ),
            ],
            [
              'the longest stall meanwhile',
              withSpread(
                of(({ stallMs }) => stallMs),
                1,
              ),
            ],
            [
              'a query, median',
              withSpread(
                of(({ queries }) => quantile(queries, 0.5)),
                2,
              ),
            ],
            ['a query, 99 of 100', withSpread(slowest, 2)],
            ['a query for the most frequent word', withSpread(common, 2)],
          ],
        },
      ],
      goals: [
        {
          what: 'opening a memory',
          wanted: '< 2,000 ms',
          measured: `${number(median(open), 0)} ms`,
          met: median(open) < 2_000,
        },
        {
          what: 'a query of it, 99 of 100',
          wanted: '< 20 ms',
          measured: `${number(median(slowest), 2)} ms`,
          met: median(slowest) < 20,
        },
        {
          what: 'a query for the most frequent word',
          wanted: '< 20 ms',
          measured: `${number(median(common), 2)} ms`,
          met: median(common) < 20,
        },
      ],
      waited: Math.max(0, 1 - median(of(({ openMs, openCpuMs }) => openCpuMs / openMs))),
      raw: { facts, rounds: results.map(({ queries, ...rest }) => ({ ...rest, queries: [...queries] })) },
    };
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(directory: string, facts: number, word: () => string): Promise<void> {
  const store = lmdbFactStore(directory);
  const text = (words: number) => Array.from({ length: words }, word).join(' ');
  const writes: Promise<void>[] = [];
  for (let n = 0; n < facts; n += 1) {
    const fact = { id: uuid(), subject: text(WORDS.subject), body: text(WORDS.body), kind: 'fact', created_at: n };
    writes.push(store.put(SCOPE.id, fact));
    if (writes.length === 1_000) await Promise.all(writes.splice(0));
  }
  await Promise.all(writes);
  await store.close();
}

async function measure(directory: string, word: () => string): Promise<Round> {
  const stalls = monitorEventLoopDelay({ resolution: 1 });
  stalls.enable();
  const cpu = process.cpuUsage();
  const began = performance.now();
  const memory = openMemory(directory);
  await memory.query(SCOPE, word(), 10);
  const openMs = performance.now() - began;
  const { user, system } = process.cpuUsage(cpu);
  stalls.disable();
  const queries = Float64Array.from({ length: 1_000 }, () => 0);
  for (const n of queries.keys()) {
    const query = Array.from({ length: WORDS.query }, word).join(' ');
    queries[n] = await time(() => memory.query(SCOPE, query, 10));
  }
  const common: number[] = [];
  for (let n = 0; n < 20; n += 1) common.push(await time(() => memory.query(SCOPE, 'w1', 10)));
  const commonMs = median(common);
  await memory.close();
  return { openMs, openCpuMs: (user + system) / 1_000, stallMs: stalls.max / 1e6, queries, commonMs };
}

async function time(work: () => Promise<unknown>): Promise<number> {
  const began = performance.now();
  await work();
  return performance.now() - began;
}

/** Gives words, `w1` the most often. The same ones at every run. */
function zipf(): () => string {
  const sums: number[] = [];
  let sum = 0;
  for (let rank = 1; rank <= VOCABULARY; rank += 1) {
    sum += 1 / rank;
    sums.push(sum);
  }
  let seed = 1;
  const random = () => {
    seed = (Math.imul(seed, 1_664_525) + 1_013_904_223) >>> 0;
    return seed / 2 ** 32;
  };
  return () => {
    const wanted = random() * sum;
    let [low, high] = [0, VOCABULARY - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) < wanted) low = middle + 1;
      else high = middle;
    }
    return `w${low + 1}`;
  };
}
