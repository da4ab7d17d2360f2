import type { Fleet } from '../load/fleet.ts';
import { Flood } from '../load/flood.ts';
import type { Plan } from '../load/plan.ts';
import { runStream, type StreamResult } from '../load/stream-run.ts';
import type { Target } from '../targets/target.ts';

/** The usual company: 10 agents, 10 hosts, 100 turns. */
export const HUNDRED = { agents: 10, hosts: 10, turns: 100 };

/** Streams a plan as fast as the target takes it. */
export function flood(target: Target, fleet: Fleet, plan: Plan): Promise<StreamResult> {
  return runStream(target, fleet, plan, new Flood(fleet, plan));
}
