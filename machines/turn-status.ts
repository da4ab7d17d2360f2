import type { TurnStatus } from '../protocol/chat.ts';

/** How a turn ended: its chart's finals. */
export type TurnEnding = 'done' | 'failed' | 'cancelled' | 'abandoned' | 'refused';

/** The value of a turn's snapshot: what stands in each region while it is live. */
export type TurnValue = 'dispatching' | TurnEnding | { live: LiveTurn };

/** Where the regions of a live turn stand. */
export interface LiveTurn {
  host: 'here' | 'away' | 'gone';
  /** `accepted` is left at once: nobody sees it. */
  work: 'accepted' | 'streaming' | 'parked' | 'cancelling';
}

/**
 * Where a turn stands, in the one word that the wire, metrics and burials have for it: a turn that is about to end is
 * `cancelling` whoever has gone, and otherwise `detached` says more than what its agent does.
 */
export function turnStatusOf(value: TurnValue): TurnStatus | TurnEnding {
  return typeof value === 'string' ? value : liveStatusOf(value.live);
}

/** The same of a live turn. */
export function liveStatusOf({ host, work }: LiveTurn): Exclude<TurnStatus, 'dispatching'> {
  if (work === 'cancelling') return 'cancelling';
  if (host !== 'here') return 'detached';
  return work === 'parked' ? 'parked' : 'streaming';
}
