/** The ways to look at one turn, in the order in which they are offered. */
export const VIEWS = ['chart', 'sequence', 'transcript', 'waterfall', 'context'] as const;
/** See {@link VIEWS}. */
export type View = (typeof VIEWS)[number];

/** Which view of a turn is meant, and at which of its records (its `sequence`); none: as it stands, or ended. */
export interface Moment {
  view: View;
  event: number | undefined;
}

/** Reads a moment out of an address: `view=sequence&event=57`. What is none is as if it were not there. */
export function momentIn(query: URLSearchParams): Moment {
  const view = VIEWS.find((one) => one === query.get('view')) ?? 'chart';
  const event = query.get('event') ?? '';
  return { view, event: /^\d{1,15}$/.test(event) ? Number(event) : undefined };
}

/** The same for an address. */
export function fieldsOf({ view, event }: Moment): { view?: string; event?: number } {
  return { ...(view === 'chart' ? {} : { view }), ...(event === undefined ? {} : { event }) };
}
