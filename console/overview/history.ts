import type { BrokerStatus } from '../../protocol/status.ts';
import { ofSession, onSignOut } from '../sign-out.ts';

/** How far back the plots go. Milliseconds. */
export const SPAN_MS = 120_000;
/** Farther apart than this, two samples have nothing to do with each other: nobody was looking in between. */
export const GAP_MS = 5_000;

/** What the plots show of one moment. */
export interface Sample {
  /** Unix milliseconds. */
  at: number;
  eventsPerSecond: number | undefined;
  tokensPerSecond: number | undefined;
  /** Undefined where nothing was routed. */
  routingMs: number | undefined;
  queueBytes: number;
  loopDelayMs: number;
}

/** The last status that the daemon has told. */
export const status = ofSession<BrokerStatus | undefined>(undefined);

/** The last two minutes, oldest first. It outlives a look at another page. */
export const samples = ofSession<readonly Sample[]>([]);

let before: { at: number; status: BrokerStatus } | undefined;
onSignOut(() => {
  before = undefined;
});

/** Takes in a status of now. */
export function note(current: BrokerStatus, at = Date.now()): void {
  // Another daemon, or the same one started again, counts from nothing.
  const isSame = before?.status.pid === current.pid && before.status.started_at === current.started_at;
  const last = isSame && before && at - before.at <= GAP_MS ? before : undefined;
  const perSecond = (key: 'events' | 'tokens') =>
    last && at > last.at ? ((current.totals[key] - last.status.totals[key]) / (at - last.at)) * 1_000 : undefined;
  const sample: Sample = {
    at,
    eventsPerSecond: perSecond('events'),
    tokensPerSecond: perSecond('tokens'),
    routingMs: current.routing_ms.samples > 0 ? current.routing_ms.p99 : undefined,
    queueBytes: current.queue_bytes.total,
    loopDelayMs: current.event_loop_delay_ms.p99,
  };
  const kept = isSame ? samples.peek().filter((one) => at - one.at <= SPAN_MS) : [];
  samples.value = [...kept, sample];
  before = { at, status: current };
  status.value = current;
}
