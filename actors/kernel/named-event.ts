import type { Principal } from '../../protocol/principal.ts';
import type { Happening } from './event-log.ts';

/** What an event says of a thing. */
type Said = Pick<Happening, 'message' | 'payload'>;

/**
 * What an event says of a thing that has one id for its owner, and a marked one for everybody else who sees it: both are put
 * together here, once, so that a kept event keeps nothing of the thing.
 * @param whose - who calls it by the owner's id
 * @param say - called at once, with the one id and then, if it is another, with the other
 */
export function namedEvent(
  id: string,
  marked: string,
  whose: { readonly owner: Principal; readonly isRoom?: true },
  say: (id: string) => Said,
): Said & Pick<Happening, 'views'> {
  const own = say(id);
  return marked === id ? own : { ...own, views: { is: 'named', ...whose, others: { ...say(marked) } } };
}
