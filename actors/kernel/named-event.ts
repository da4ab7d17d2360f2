import type { Happening } from './event-log.ts';
import { seenBySort } from './seen-by-sort.ts';
import type { Viewer } from './sight.ts';

/** What an event says of a thing. */
type Said = Pick<Happening, 'message' | 'payload'>;

/**
 * What an event says of a thing that has one id for its owner, and a marked one for everybody else who sees it: both are put
 * together here, once, so that a kept event keeps nothing of the thing.
 * @param isOwners - whether a reader calls it by the owner's id
 * @param say - called at once, with the one id and then, if it is another, with the other
 */
export function namedEvent(
  id: string,
  marked: string,
  isOwners: (reader: Viewer) => boolean,
  say: (id: string) => Said,
): Said & Pick<Happening, 'view'> {
  const own = say(id);
  if (marked === id) return own;
  const others = say(marked);
  return {
    ...own,
    view: seenBySort(
      (reader) => (isOwners(reader) ? undefined : true),
      (event) => ({ ...event, ...others }),
    ),
  };
}
