import { FIRSTS, firstBytes } from '../load/first-bytes.ts';
import { Fleet } from '../load/fleet.ts';
import { Flood } from '../load/flood.ts';
import { Pace } from '../load/pace.ts';
import { makePlan, type Plan } from '../load/plan.ts';
import { runSse } from '../load/sse-run.ts';
import { runStream, type StreamResult } from '../load/stream-run.ts';
import { number, withSpread } from '../report.ts';
import type { Outcome, Scenario, Setting } from '../scenario.ts';
import { median } from '../stats.ts';
import { startDaemon } from '../targets/known.ts';
import { openStreams } from './open-streams.ts';

const WORK = { agents: 10, hosts: 100, turns: 100 };
const PER_SECOND = 5_000;
/** A delta by SSE may cost so many times one by a WebSocket, each host having one stream. */
const MOST = 1.5;
/** The goal for the first byte of an answer. */
const FIRST_MS = 5;

/** What a delta costs by a front, against a host of the WebSocket. */
export const frontsScenario: Scenario = {
  name: 'fronts',
  does: 'chats by the OpenAI front: CPU a delta against hosts, the time to the first byte, and 5,000 that say nothing',
  run,
};

type Way = [name: string, run: typeof runSse, rhythm: (fleet: Fleet, plan: Plan) => Flood | Pace];

const flooding = (fleet: Fleet, plan: Plan) => new Flood(fleet, plan);
const paced = (fleet: Fleet, plan: Plan) => new Pace(fleet, plan, PER_SECOND);
const WAYS: readonly Way[] = [
  ['WebSocket', runStream, flooding],
  ['SSE', runSse, flooding],
  ['WebSocket, 5,000 a second', runStream, paced],
  ['SSE, 5,000 a second', runSse, paced],
];

async function run(setting: Setting): Promise<Outcome> {
  const streamed = await answers(setting);
  const idle = await openStreams(setting, FIRST_MS);
  return {
    tables: [...streamed.tables, ...idle.tables],
    goals: [...streamed.goals, ...idle.goals],
    raw: { ...(streamed.raw as object), idle: idle.raw },
  };
}

async function answers({ cores, sizes }: Setting): Promise<Outcome> {
  const target = await startDaemon(cores);
  try {
    const fleet = await Fleet.open(target, WORK.agents, WORK.hosts);
    const fast = makePlan({ ...WORK, deltas: sizes.deltas });
    const slow = makePlan({ ...WORK, deltas: Math.round((PER_SECOND * sizes.pacedSeconds) / WORK.turns) });
    const results = new Map<string, StreamResult[]>(WAYS.map(([name]) => [name, []]));
    // The first round does not count.
    for (let round = 0; round <= sizes.rounds; round += 1)
      for (const [name, way, rhythm] of WAYS) {
        const plan = rhythm === paced ? slow : fast;
        const result = await way(target, fleet, plan, rhythm(fleet, plan));
        if (round > 0) results.get(name)?.push(result);
      }
    const firsts = await firstBytes(target, fleet);
    fleet.close();
    const costs = (name: string) => (results.get(name) ?? []).map(({ cpuPerDeltaUs }) => cpuPerDeltaUs);
    const ratio = (name: string) => median(costs(`SSE${name}`)) / median(costs(`WebSocket${name}`));
    const over = Math.max(ratio(''), ratio(', 5,000 a second'));
    const first = median(firsts);
    return {
      tables: [
        {
          title: '100 chats, one to each host',
          columns: ['', 'deltas/s', 'CPU µs/delta', 'CPU : WebSocket'],
          rows: WAYS.map(([name]) => [
            name,
            withSpread(
              (results.get(name) ?? []).map(({ perSecond }) => perSecond),
              0,
            ),
            withSpread(costs(name), 2),
            name.startsWith('SSE') ? number(ratio(name.slice('SSE'.length)), 2) : '–',
          ]),
        },
        {
          title: 'From the agent’s first token to the first byte of it, ms',
          columns: ['', `median of ${FIRSTS}, with least and greatest`],
          rows: [['SSE', withSpread(firsts, 2)]],
        },
      ],
      goals: [
        {
          what: 'CPU of a delta by SSE',
          wanted: `≤ ${number(MOST, 1)} × WebSocket`,
          measured: number(over, 2),
          met: over <= MOST,
        },
        {
          what: 'first byte after the agent’s first token',
          wanted: `≤ ${FIRST_MS} ms`,
          measured: `${number(first, 2)} ms`,
          met: first <= FIRST_MS,
        },
      ],
      raw: { results: Object.fromEntries(results), firsts },
    };
  } finally {
    target.stop();
  }
}
