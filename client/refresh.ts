import type { Peer } from './peer.ts';
import { quietly } from './quietly.ts';

/** So long after one try there is no other: the broker waits 85 seconds in all. */
const AGAIN_MS = 10_000;
const TRIES = 8;

/** What is being done for each connection: one after the other. */
const renewing = new WeakMap<Peer, Promise<void>>();

/**
 * Has a connection go on by its next JWT. Where there is none in time, the broker closes it.
 * @param said - with `session.expiring`
 */
export function refreshJwt(peer: Peer | undefined, next: () => string | Promise<string>, said: unknown): void {
  if (!peer) return;
  const { expires_at } = Object(said);
  const before = renewing.get(peer) ?? Promise.resolve();
  renewing.set(
    peer,
    before.then(() => refresh(peer, next, expires_at)),
  );
}

/** Takes its time in the end as well: of tokens that last less than a minute each is told of at once. @param end - of the last */
async function refresh(peer: Peer, next: () => string | Promise<string>, end: unknown): Promise<void> {
  let isDone = false;
  for (let tries = 0; tries < TRIES && !isDone && !peer.isOver; tries += 1) {
    try {
      const jwt = await next();
      const { expires_at } = Object(await peer.request('session.refresh', { jwt }));
      // Who keeps tokens may not have a later one yet.
      isDone = expires_at !== end;
    } catch (error) {
      if (peer.isOver) return;
      quietly(() => {
        throw new Error('the JWT of this connection could not be renewed', { cause: error });
      });
    }
    await pause(peer);
  }
}

/** Until the next try, or the end of the connection. */
async function pause(peer: Peer): Promise<void> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const waited = new Promise<void>((resolve) => {
    timer = setTimeout(resolve, AGAIN_MS);
  });
  await Promise.race([waited, peer.gone]);
  clearTimeout(timer);
}
