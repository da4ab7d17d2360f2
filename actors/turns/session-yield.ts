import type { Kernel } from '../kernel/kernel.ts';
import type { SessionAnswer, SessionWish } from './claims.ts';
import { TURNS } from './turns.ts';

/**
 * Another broker wants a session that this one holds, or may have something of. What lives stays; what has ended, and is found by
 * its host's token, the other one is told of.
 * @param self - this broker's name
 */
export function yieldSession(kernel: Kernel, self: string, wish: SessionWish): SessionAnswer {
  const { session_key: sessionKey, token_hash: hash, opened } = wish;
  const { sessions, logs, claims, recovery, elsewhere } = kernel.get(TURNS);
  if (!claims) return { is: 'free', opened: [] };
  const now = kernel.clock.now();
  const live = sessions.live(sessionKey);
  const waiting = sessions.waiting(sessionKey);
  if (hash !== undefined) {
    const isHere =
      live?.opening?.tokenHash === hash ||
      waiting.some(({ opening }) => opening?.tokenHash === hash) ||
      logs.openedIn(sessionKey, now).some(({ opening }) => opening?.tokenHash === hash);
    if (isHere) return { is: 'at', broker: self };
    const broker = claims.elsewhere.find(sessionKey, hash, now);
    if (broker !== undefined) return { is: 'at', broker };
  }
  const isOnItsWay = claims.pending([sessionKey]) ?? elsewhere?.pending([sessionKey]) ?? recovery?.knows(sessionKey);
  if (live || waiting.length > 0 || isOnItsWay) {
    // Whoever has it knows of all that was opened in it.
    claims.elsewhere.learn(sessionKey, opened, now);
    return { is: 'busy' };
  }
  return { is: 'free', opened: claims.yield(wish) };
}
