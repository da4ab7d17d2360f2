import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { natsServer, startOverNats } from '../targets/over-nats.ts';
import { measureOpening } from './cluster-opening.ts';
import { cpuPerDelta, measurePairs, outcomeOfPair, ratioGoal, type Side } from './pair.ts';
import { pacing, type Way } from './ways.ts';

/** How brokers are joined, what a delta may cost then that crosses, against one process, and what one that does not. */
export interface Joined {
  as: string;
  /** Without where its hosts are. */
  side: Omit<Side, 'name' | 'placed'>;
  most: { apart: number; together: number };
}

const ALONE: Side = { name: 'one process', flags: [] };
const UNIX: Joined = {
  as: 'over Unix sockets',
  side: { flags: ['--workers', '2'] },
  most: { apart: 1.25, together: 1.05 },
};

/** How the deltas come: undefined, as fast as they go. */
const RHYTHMS: readonly { as: string; way: Way | undefined }[] = [
  { as: '100 turns at once', way: undefined },
  { as: '100 turns, 20,000 a second', way: pacing(20_000) },
];

/** What it costs a delta that its host is at another broker, what it costs that there is one, and opening a chat there. */
export const clusterScenario: Scenario = {
  name: 'cluster',
  does: '100 turns over two brokers, against one process: all crossing, and none; opening a chat across',
  run,
};

async function run(setting: Setting): Promise<Outcome> {
  const program = natsServer();
  if (program === undefined) console.log('cluster over NATS: skipped, no nats-server found (NATS_SERVER says where)\n');
  const all = [UNIX, ...(program === undefined ? [] : [overNats(program)])];
  const outcomes: Outcome[] = [];
  for (const joined of all) for (const rhythm of RHYTHMS) outcomes.push(await measure(setting, joined, rhythm));
  outcomes.push(await measureOpening(setting, ALONE, all));
  return {
    tables: outcomes.flatMap(({ tables }) => tables),
    goals: outcomes.flatMap(({ goals }) => goals),
    waited: Math.max(...outcomes.map(({ waited = 0 }) => waited)),
    raw: outcomes.map(({ raw }) => raw),
  };
}

const overNats = (program: string): Joined => ({
  as: 'over NATS',
  side: { flags: [], start: (cores, name) => startOverNats(program, cores, name) },
  most: { apart: 1.67, together: 1.05 },
});

async function measure(setting: Setting, { as, side, most }: Joined, rhythm: (typeof RHYTHMS)[number]) {
  const tables = [];
  const goals = [];
  const raw = [];
  let waited = 0;
  for (const placed of ['apart', 'together'] as const) {
    const name = `two brokers ${as}, hosts ${placed === 'apart' ? 'at the other' : 'at the agent’s'}`;
    const results = await measurePairs(setting, [{ ...side, name, placed }, ALONE], undefined, rhythm.way);
    const what = placed === 'apart' ? 'A delta that crosses' : 'A delta that does not cross';
    const goal = `CPU of ${what.toLowerCase()} ${as}, ${rhythm.as}, against one process`;
    const outcome = outcomeOfPair(results, `${what} ${as} (${rhythm.as}; CPU of all processes)`, [
      ratioGoal(results, cpuPerDelta, [name, ALONE.name], goal, most[placed]),
    ]);
    tables.push(...outcome.tables);
    goals.push(...outcome.goals);
    raw.push(outcome.raw);
    waited = Math.max(waited, outcome.waited ?? 0);
  }
  return { tables, goals, waited, raw };
}
