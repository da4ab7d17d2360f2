import { setTimeout as sleep } from 'node:timers/promises';
import type { Target } from '../targets/target.ts';
import { END_AT_ONCE, type Fleet } from './fleet.ts';
import { type Cost, measure } from './measure.ts';
import { Refused } from './wire.ts';

/** How opening and ending turns went. */
export interface ChurnResult extends Cost {
  turns: number;
  wallPerTurnUs: number;
  cpuPerTurnUs: number;
  /** Requests that a rate limit put off; where there are any, the wall clock says nothing. */
  putOff: number;
}

let lanesSoFar = 0;

/**
 * Opens turns and ends them at once, one after another in each of `lanes` lanes. Every turn is a session of its own, so
 * whatever is kept by session shows.
 */
export async function churn(target: Target, fleet: Fleet, turns: number, lanes: number): Promise<ChurnResult> {
  let started = 0;
  let putOff = 0;
  const run = async (lane: number): Promise<void> => {
    lanesSoFar += 1;
    const prefix = `lane-${lanesSoFar}`;
    for (let turn = 0; started < turns; turn += 1) {
      started += 1;
      const sessionId = `${prefix}-${turn}`;
      const ended = fleet.terminal(sessionId);
      // Each turn another pair: a limit on one connection's requests then meets none of them.
      const [agent, host] = [(lane + turn) % fleet.agents.length, (lane * 7 + turn) % fleet.hosts.length];
      while (!(await isTaken(fleet, { agent, host, sessionId }))) putOff += 1;
      await ended;
    }
  };
  const cost = await measure(target, async () => {
    await Promise.all(Array.from({ length: lanes }, (_, lane) => run(lane)));
  });
  return { ...cost, turns, wallPerTurnUs: (cost.wallMs * 1000) / turns, cpuPerTurnUs: cost.cpuUs / turns, putOff };
}

async function isTaken(fleet: Fleet, turn: { agent: number; host: number; sessionId: string }): Promise<boolean> {
  try {
    await fleet.chat(turn, END_AT_ONCE);
    return true;
  } catch (error) {
    if (!(error instanceof Refused) || error.retryAfterMs === undefined) throw error;
    await sleep(error.retryAfterMs);
    return false;
  }
}
