import type { Client } from './client.ts';
import type { ViewFor as View } from './event-log.ts';

type Seen = ReturnType<View>;

/**
 * A view of an event that is made once for each sort of readers: all who see the same are given the same object.
 * @param sortOf - which sort a reader is; undefined: one that sees the event as it is
 */
export function seenBySort<T>(sortOf: (reader: Client) => T | undefined, make: (event: Seen, sort: T) => Seen): View {
  const made = new Map<T, Seen>();
  return (event, reader) => {
    const sort = sortOf(reader);
    if (sort === undefined) return event;
    const seen = made.get(sort) ?? make(event, sort);
    made.set(sort, seen);
    return seen;
  };
}
