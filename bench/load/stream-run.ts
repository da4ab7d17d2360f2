import type { Target } from '../targets/target.ts';
import { type Arrival, Checker } from './checker.ts';
import type { Fleet } from './fleet.ts';
import { type Cost, measure } from './measure.ts';
import { framesOf, type Plan } from './plan.ts';

/** How long nothing at all may arrive before a run counts as failed. */
const STALL_MS = 20_000;

/** How one run went: its cost, and the latency where it was paced. */
export interface StreamResult extends Cost {
  deltas: number;
  perSecond: number;
  cpuPerDeltaUs: number;
  /** From the write of a delta to its receipt, in ms. */
  p50Ms?: number;
  /** See {@link StreamResult.p50Ms}. */
  p99Ms?: number;
  /** How far the load fell behind its own schedule at worst, in ms. */
  maxLagMs?: number;
  /** Where it crossed between brokers: how many a message of their link had. */
  perMessage?: number;
}

/** Sends the deltas of a plan, in whatever rhythm; `arrived` is told of each one that a host has received. */
export interface Sender {
  arrived: Arrival;
  /** Called when a chunk that hosts received has been worked off. */
  chunkDone?(): void;
  /** Begins to send. */
  start(): void;
}

/**
 * Opens a plan's turns, has their deltas sent, waits until every one has arrived where it should, and ends the turns.
 * Only the deltas are measured.
 */
export async function runStream(target: Target, fleet: Fleet, plan: Plan, sender: Sender): Promise<StreamResult> {
  await fleet.openTurns(plan.sessions);
  const checker = new Checker(plan, target.stamps, sender.arrived.bind(sender));
  let finish = () => {};
  const finished = new Promise<void>((resolve) => {
    finish = resolve;
  });
  for (const [index, host] of fleet.hosts.entries()) {
    host.onText = (data, start, end) => checker.frame(index, data, start, end);
    host.onChunk = () => {
      if (checker.missing === 0) finish();
      else sender.chunkDone?.();
    };
  }
  const cost = await measure(target, async () => {
    const watch = watchStall(target, checker);
    sender.start();
    await finished;
    clearInterval(watch);
  });
  // The checker listens on: a delta that came twice would come before the end of its turn.
  await fleet.endTurns(plan.sessions);
  checker.finish();
  for (const host of fleet.hosts) {
    host.onText = undefined;
    host.onChunk = undefined;
  }
  const deltas = checker.received;
  return { ...cost, deltas, perSecond: (deltas * 1000) / cost.wallMs, cpuPerDeltaUs: cost.cpuUs / deltas };
}

/** Frames of an agent's stream, written at once. */
export function writeFrames(fleet: Fleet, plan: Plan, agent: number, from: number, to: number): void {
  const [wire, stream] = [fleet.agents[agent], plan.streams[agent]];
  if (wire && stream && to > from) wire.write(framesOf(stream, from, to));
}

function watchStall(target: Target, checker: Checker): NodeJS.Timeout {
  let before = -1;
  return setInterval(() => {
    if (checker.received === before) throw new Error(`${target.name} stalled with ${checker.missing} deltas missing`);
    before = checker.received;
  }, STALL_MS);
}
