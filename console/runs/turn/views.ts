/** What of a turn stands in the middle of its page; the address names it. */
export const TURN_VIEWS = ['chart', 'sequence', 'transcript', 'waterfall', 'context'] as const;
/** See {@link TURN_VIEWS}. */
export type TurnView = (typeof TURN_VIEWS)[number];

/** The view that an address names; the chart where it names none. */
export const viewOf = (name: string | undefined): TurnView => TURN_VIEWS.find((view) => view === name) ?? 'chart';

/** Where somebody has gone to in a turn: to another view, or to another record. */
export interface TurnMoment {
  readonly view?: TurnView;
  /** The number of a record; undefined: the end, wherever that is. */
  readonly event?: number | undefined;
}
