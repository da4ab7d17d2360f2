/** Why a page that came through does not get a WebSocket: its origin is not allowed, or none is passed on. */
export type Hindrance = 'origin' | 'upgrade';

/**
 * Asks the daemon over plain HTTP why there is no connection: a browser does not tell what an upgrade was answered with.
 * Undefined: it does not answer at all, or not as one that would have taken it.
 */
export async function findHindrance(): Promise<Hindrance | undefined> {
  try {
    // A POST says its origin, as the WebSocket does; it is refused in either case.
    const { status } = await fetch('.', { method: 'POST' });
    if (status === 403) return 'origin';
    if (status === 405 && (await fetch('readyz')).status === 200) return 'upgrade';
  } catch {
    // Nobody is there.
  }
  return undefined;
}
