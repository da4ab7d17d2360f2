import { execFile } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { openTurnJournal } from '../../broker.ts';
import { type ChurnResult, churn } from '../load/churn.ts';
import { Fleet } from '../load/fleet.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import type { StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import { type Goal, type Outcome, pick, type Scenario, type Setting, type Table } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Recovered } from '../targets/recovering.ts';
import { flood, HUNDRED } from './flooding.ts';

const LEVELS = ['off', 'process', 'disk'] as const;
/** Longer than any run. */
const WINDOW_MS = 600_000;
const LANES = 4;
/** A delta of a recovered turn, in characters: what a model says at a time, times thirty. */
const DELTA = 120;

const execute = promisify(execFile);

/** What it costs that turns outlive the daemon, and what it takes to find them again. */
export const journalScenario: Scenario = {
  name: 'journal',
  does: 'turns with a window, with --durable off, process and disk; a broker that finds 10,000 turns in a journal of 1 GiB',
  run,
};

interface Round {
  stream: StreamResult;
  churn: ChurnResult;
}

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const plan = makePlan({ ...HUNDRED, deltas: sizes.featureDeltas });
  const results = new Map<string, Round[]>(LEVELS.map((level) => [level, []]));
  for (let round = 0; round < sizes.rounds; round += 1) {
    for (const [level, result] of await measureAll(cores, plan, sizes.churned, round)) results.get(level)?.push(result);
  }
  const recovered = await recover(sizes.journalBytes, sizes.liveTurns);
  const delta = (level: string) => pick(results, level, ({ stream }) => stream.cpuPerDeltaUs);
  const turn = (level: string) => pick(results, level, (result) => result.churn.cpuPerTurnUs);
  return {
    tables: [
      {
        title: 'A delta of a turn that may be resumed (100 turns at once), and opening and ending one',
        columns: ['--durable', 'CPU µs/delta', ': off', 'deltas/s', 'CPU µs/turn', ': off'],
        rows: LEVELS.map((level) => [
          level,
          withSpread(delta(level), 2),
          number(ratioOf(delta, level), 3),
          withSpread(
            pick(results, level, ({ stream }) => stream.perSecond),
            0,
          ),
          withSpread(turn(level), 1),
          number(ratioOf(turn, level), 2),
        ]),
      },
      tableOf(recovered, sizes.journalBytes),
    ],
    goals: [
      atMost('CPU a delta, --durable process against off', ratioOf(delta, 'process'), 1.1, 3),
      atMost('CPU a delta, --durable disk against off', ratioOf(delta, 'disk'), 1.15, 3),
      atMost('opening and ending a turn, --durable process against off', ratioOf(turn, 'process'), 1.3, 2),
      atMost('finding turns again, s of CPU', recovered.doneCpuMs / 1000, 5, 2),
      atMost('memory for it above what the logs hold, MiB', recovered.aboveLogsMib, 300, 0),
    ],
    waited: Math.max(...LEVELS.map((level) => median(pick(results, level, ({ stream }) => stream.waited)))),
    raw: { rounds: Object.fromEntries(results), recovered },
  };
}

/** Round for round, and the median of that: what else the machine does meets both of a round alike. */
function ratioOf(of: (level: string) => number[], level: string): number {
  const off = of('off');
  return median(of(level).map((value, round) => value / (off[round] ?? Number.NaN)));
}

const atMost = (what: string, measured: number, most: number, digits: number): Goal => ({
  what,
  wanted: `≤ ${most}`,
  measured: number(measured, digits),
  met: measured <= most,
});

/** One round, with daemons of its own: see `pair.ts`. */
async function measureAll(
  cores: Cores | undefined,
  plan: Plan,
  churned: number,
  round: number,
): Promise<[level: string, result: Round][]> {
  const targets = await Promise.all(LEVELS.map((level) => startDaemon(cores, ['--durable', level], level)));
  try {
    const results: [string, Round][] = [];
    for (const index of targets.keys()) {
      const target = targets[(index + round) % targets.length];
      if (!target) continue;
      const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts);
      fleet.chatParams = { resume_window_ms: WINDOW_MS };
      await flood(target, fleet, plan);
      const stream = await flood(target, fleet, plan);
      await churn(target, fleet, churned, LANES);
      results.push([target.name, { stream, churn: await churn(target, fleet, churned, LANES) }]);
      fleet.close();
    }
    return results;
  } finally {
    for (const target of targets) target.stop();
  }
}

/** A journal of so many bytes in so many live turns, and a broker that is started on it, in a process of its own. */
async function recover(bytes: number, turns: number): Promise<Recovered> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-journal-'));
  try {
    await fill(directory, bytes, turns);
    const script = join(import.meta.dirname, '../targets/recovering.js');
    // As the daemon collects: see `daemon/collector.ts`.
    const flags = ['--max-semi-space-size=8', '--no-parallel-scavenge'];
    const { stdout } = await execute(process.execPath, [...flags, script, directory]);
    return JSON.parse(stdout) as Recovered;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function fill(directory: string, bytes: number, count: number): Promise<void> {
  const journal = await openTurnJournal({ directory, maxBytes: Number.MAX_SAFE_INTEGER });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  await journal.replay(() => undefined);
  const turns = Array.from({ length: count }, (_, index) => journal.open(factsOf(index)));
  for (let seq = 1; journal.stats.written < bytes; seq += 1) {
    for (const [index, turn] of turns.entries()) {
      journal.token(turn, seq, seq, `${turn}:${seq} `.padEnd(DELTA, 'word '));
      if (index % 200 === 0) await new Promise(setImmediate);
    }
  }
  await journal.close();
}

/** As a broker keeps them. */
function factsOf(index: number) {
  const id = String(index).padStart(12, '0');
  return {
    version: 1,
    id: `turn-019a2b3c-4d5e-7f60-8a9b-${id}`,
    session_id: `session-${index}`,
    session_key: `session-${index}`,
    owner: { tenant: 'default', sub: 'local' },
    agent_id: `agent-${index % 10}`,
    resumes: true,
    window_ms: WINDOW_MS,
    token_hash: 'q'.repeat(44),
    opener_id: 'client-019a2b3c-4d5e-7f60-8a9b-c0d1e2f3000a',
    created_at: 1_760_000_000_000,
  };
}

const tableOf = (recovered: Recovered, bytes: number): Table => ({
  title: `A broker that finds ${number(recovered.turns, 0)} turns in ${number(bytes / 1024 / 1024, 0)} MiB`,
  columns: [
    '',
    'listens after, s of CPU',
    'all there, s of CPU',
    'longest turn of the loop, ms',
    'logs, MiB',
    'above them, MiB',
  ],
  rows: [
    [
      'once',
      number(recovered.readyCpuMs / 1000, 2),
      number(recovered.doneCpuMs / 1000, 2),
      number(recovered.longestMs, 0),
      number(recovered.logsMib, 0),
      number(recovered.aboveLogsMib, 0),
    ],
  ],
});
