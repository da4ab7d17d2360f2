import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';
import { v7 as uuid } from 'uuid';
import { openMemory } from '../../broker.ts';
import { journalFactStore } from '../../memory/journal-fact-store.ts';
import type { MemoryScope } from '../../protocol/memory-provider.ts';
import { number, withSpread } from '../report.ts';
import type { Goal, Outcome, Scenario, Setting, Table } from '../scenario.ts';
import { median, quantile } from '../stats.ts';

const SCOPE: MemoryScope = { kind: 'agent', id: 'bench' };
/** Words of a fact, and how many different ones there are: about as in English, the n-th most frequent one 1/n as often. */
const WORDS = { subject: 2, body: 12, longBody: 2_700, query: 3 };
const VOCABULARY = 20_000;

/** Words of a query that has as many as fit. */
const MANY = 800;

/** What an agent's memory costs: opening it, and asking it. */
export const factsScenario: Scenario = {
  name: 'facts',
  does: "an agent's memory, of short facts and of very long ones: opening it up to the first answer, and queries",
  run,
};

/** So many facts of so many words, one kind after the other. */
type Contents = readonly { facts: number; words: number }[];

interface Round {
  openMs: number;
  /** Of it, what the processor worked. */
  openCpuMs: number;
  /** The longest time in which nobody else was served. */
  stallMs: number;
  queries: Float64Array;
  manyMs: number;
  commonMs: number;
  /** What the index takes of the heap, as the memory itself says. */
  heapMib: number;
}

async function run({ sizes: { facts, rounds } }: Setting): Promise<Outcome> {
  const short = [{ facts, words: WORDS.body }];
  // Enough short ones before the long ones that the most frequent word is in too many to be looked up.
  const long = [
    { facts: facts / 10, words: WORDS.body },
    { facts: facts / 100, words: WORDS.longBody },
  ];
  const ofShort = await measureRounds(short, rounds);
  const ofLong = await measureRounds(long, rounds);
  const { openMs, slowestMs, manyMs, commonMs } = medians(ofShort);
  const longOnes = medians(ofLong);
  return {
    tables: [
      table(`An agent's memory of ${number(facts, 0)} facts`, ofShort),
      table(`Of ${number(facts / 10, 0)} and ${number(facts / 100, 0)} of 12 to 16 KiB`, ofLong),
    ],
    goals: [
      under('opening a memory', openMs, 2_000, 0),
      under('a query of it, 99 of 100', slowestMs, 20),
      under(`a query of ${MANY} words`, manyMs, 20),
      under('a query for the most frequent word', commonMs, 20),
      under('the same of long facts', longOnes.commonMs, 20),
    ],
    waited: Math.max(0, 1 - median(ofShort.map(({ openMs: all, openCpuMs }) => openCpuMs / all))),
    raw: { facts, short: ofShort.map(plain), long: ofLong.map(plain) },
  };
}

function plain({ queries, ...rest }: Round) {
  return { ...rest, queries: [...queries] };
}

async function measureRounds(contents: Contents, rounds: number): Promise<Round[]> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-facts-'));
  const word = zipf();
  try {
    await fill(directory, contents, word);
    const results: Round[] = [];
    // The first one does not count: the program itself is cold.
    for (let round = 0; round <= rounds; round += 1) results.push(await measure(directory, word));
    return results.slice(1);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

function medians(rounds: readonly Round[]) {
  const of = (read: (round: Round) => number) => median(rounds.map(read));
  return {
    openMs: of(({ openMs }) => openMs),
    slowestMs: of(({ queries }) => quantile(queries, 0.99)),
    manyMs: of(({ manyMs }) => manyMs),
    commonMs: of(({ commonMs }) => commonMs),
  };
}

function under(what: string, measured: number, wanted: number, digits = 2): Goal {
  return {
    what,
    wanted: `< ${number(wanted, 0)} ms`,
    measured: `${number(measured, digits)} ms`,
    met: measured < wanted,
  };
}

function table(title: string, rounds: readonly Round[]): Table {
  const row = (what: string, read: (round: Round) => number, digits: number) => [
    what,
    withSpread(rounds.map(read), digits),
  ];
  return {
    title,
    columns: ['', 'ms'],
    rows: [
      row('opening, up to the first answer', ({ openMs }) => openMs, 0),
      row('of it, processor time', ({ openCpuMs }) => openCpuMs, 0),
      row('the longest stall meanwhile', ({ stallMs }) => stallMs, 1),
      row('a query, median', ({ queries }) => quantile(queries, 0.5), 2),
      row('a query, 99 of 100', ({ queries }) => quantile(queries, 0.99), 2),
      row(`a query of ${MANY} words`, ({ manyMs }) => manyMs, 2),
      row('a query for the most frequent word', ({ commonMs }) => commonMs, 2),
      row('no time: its heap by estimate, MiB', ({ heapMib }) => heapMib, 0),
    ],
  };
}

async function fill(directory: string, contents: Contents, word: () => string): Promise<void> {
  const store = journalFactStore(directory);
  const text = (words: number) => Array.from({ length: words }, word).join(' ');
  const writes: Promise<void>[] = [];
  for (const { facts, words } of contents) {
    for (let n = 0; n < facts; n += 1) {
      const fact = { id: uuid(), subject: text(WORDS.subject), body: text(words), kind: 'fact', created_at: n };
      writes.push(store.put(SCOPE.id, fact));
      if (writes.length === 1_000) await Promise.all(writes.splice(0));
    }
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
  const ask = (words: number) => {
    const query = Array.from({ length: words }, word).join(' ');
    return time(() => memory.query(SCOPE, query, 10));
  };
  const queries = Float64Array.from({ length: 1_000 }, () => 0);
  for (const n of queries.keys()) queries[n] = await ask(WORDS.query);
  const many: number[] = [];
  const common: number[] = [];
  for (let n = 0; n < 20; n += 1) {
    many.push(await ask(MANY));
    common.push(await time(() => memory.query(SCOPE, 'w1', 10)));
  }
  const heapMib = memory.heapBytes / 2 ** 20;
  await memory.close();
  return {
    openMs,
    openCpuMs: (user + system) / 1_000,
    stallMs: stalls.max / 1e6,
    queries,
    manyMs: median(many),
    commonMs: median(common),
    heapMib,
  };
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
