import type { TurnStatus } from '../protocol/chat.ts';

/** How a turn ended: its chart's finals. */
export type TurnEnding = 'done' | 'failed' | 'cancelled' | 'abandoned' | 'refused' | 'moved';

/** The value of a turn's snapshot: what stands in each region while it is live. */
export type TurnValue = 'begun' | 'dispatching' | 'opening' | TurnEnding | { live: LiveTurn };

/** Where the regions of a live turn stand. */
export interface LiveTurn {
  /** `accepted` is left at once, here as below: nobody sees it. */
  host: 'accepted' | 'here' | 'away' | 'gone';
  agent: 'accepted' | 'here' | 'away' | 'recovering';
  work: 'accepted' | 'streaming' | 'parked' | 'cancelling';
}

/**
 * Where a turn stands, in the one word that the wire, metrics and burials have for it: a turn that is about to end is
 * `cancelling` whoever has gone; one without its agent is `recovering` since a restart, else `orphaned`, whether its host is there
 * or not; and otherwise `detached` says more than what its agent does.
 */
export function turnStatusOf(value: TurnValue): TurnStatus | TurnEnding {
  if (typeof value !== 'string') return liveStatusOf(value.live);
  return value === 'begun' || value === 'opening' ? 'dispatching' : value;
}

/** The same of a live turn. */
export function liveStatusOf({ host, agent, work }: LiveTurn): Exclude<TurnStatus, 'dispatching'> {
  if (work === 'cancelling') return 'cancelling';
  if (agent === 'recovering') return 'recovering';
  if (agent === 'away') return 'orphaned';
  if (host !== 'here') return 'detached';
  return work === 'parked' ? 'parked' : 'streaming';
}
