import { setTimeout as sleep } from 'node:timers/promises';
import { churn } from '../load/churn.ts';
import { Fleet, openWire } from '../load/fleet.ts';
import { makePlan } from '../load/plan.ts';
import { Wire } from '../load/wire.ts';
import { number } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import type { Sizes } from '../sizes.ts';
import { BROKER, startBareWs, startDaemon } from '../targets/known.ts';
import type { Target } from '../targets/target.ts';

const COMPANY = { agents: 10, hosts: 20 };
/** Connections opened at once, within the listeners' backlog. */
const AT_ONCE = 50;

/** What something holds, each, in bytes. */
interface Each {
  heap: number;
  external: number;
  resident: number;
}

/** What a connection and a turn cost that do nothing, collected. */
export const memoryScenario: Scenario = {
  name: 'memory',
  does: 'memory of an idle connection, against ws alone, and of a live turn',
  run,
};

async function run({ cores, sizes }: Setting): Promise<Outcome> {
  const { connections, liveTurns } = sizes;
  const bare = await using(await startBareWs(cores), (target) => idle(target, sizes, () => Wire.open(target.url)));
  const connection = await using(await startDaemon(cores), (target) => {
    const credentials = { token: target.tokens?.daemon };
    return idle(target, sizes, () => openWire(target, credentials));
  });
  const turn = await using(await startDaemon(cores), (target) => live(target, sizes));
  const over = connection.heap - bare.heap;
  const rows = Object.entries({
    [`a connection, bare ws (of ${number(connections, 0)})`]: bare,
    [`a connection, ${BROKER} (of ${number(connections, 0)})`]: connection,
    [`a live turn, ${BROKER} (of ${number(liveTurns, 0)})`]: turn,
  }).map(([name, each]) => [name, number(each.heap, 0), number(each.external, 0), number(each.resident, 0)]);
  return {
    tables: [{ title: 'Memory, collected', columns: ['bytes each', 'heap', 'outside the heap', 'resident'], rows }],
    goals: [
      { what: 'heap a live turn', wanted: '≤ 4 KB', measured: kilobytes(turn.heap), met: turn.heap <= 4096 },
      { what: 'heap an idle connection over ws', wanted: '≤ 6 KB', measured: kilobytes(over), met: over <= 6144 },
    ],
    raw: { connections, bare, connection, liveTurns, turn },
  };
}

async function using<T>(target: Target, work: (target: Target) => Promise<T>): Promise<T> {
  try {
    return await work(target);
  } finally {
    target.stop();
  }
}

/** Idle connections. Some have come and gone before, so that what is made once is not counted. */
async function idle(target: Target, { connections: count, settleMs }: Sizes, open: () => Promise<Wire>): Promise<Each> {
  const openMany = async (many: number) => {
    const wires: Wire[] = [];
    while (wires.length < many) {
      const batch = Math.min(AT_ONCE, many - wires.length);
      wires.push(...(await Promise.all(Array.from({ length: batch }, open))));
    }
    return wires;
  };
  for (const wire of await openMany(Math.ceil(count / 4))) wire.close();
  let wires: Wire[] = [];
  const each = await growth(target, count, settleMs, async () => {
    wires = await openMany(count);
  });
  for (const wire of wires) wire.close();
  return each;
}

async function live(target: Target, { liveTurns: count, settleMs }: Sizes): Promise<Each> {
  const fleet = await Fleet.open(target, COMPANY.agents, COMPANY.hosts);
  const { sessions } = makePlan({ ...COMPANY, turns: count, deltas: 0 });
  await churn(target, fleet, Math.ceil(count / 4), COMPANY.hosts);
  const each = await growth(target, count, settleMs, () => fleet.openTurns(sessions));
  fleet.close();
  return each;
}

async function growth(target: Target, count: number, settleMs: number, work: () => Promise<void>): Promise<Each> {
  await sleep(settleMs);
  const before = await target.memory();
  await work();
  await sleep(settleMs);
  const after = await target.memory();
  return {
    heap: (after.heapUsed - before.heapUsed) / count,
    external: (after.external - before.external) / count,
    resident: (after.rss - before.rss) / count,
  };
}

function kilobytes(bytes: number): string {
  return `${number(bytes / 1024, 2)} KB`;
}
