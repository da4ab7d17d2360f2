import { ConnectionLostError } from './errors.ts';
import type { Peer } from './peer.ts';

/** How often it is looked whether anything was heard. Milliseconds. */
const TICK = 15_000;
/** After so many silent ticks the broker is asked something. In Node its pings, every 30 s, come first. */
const ASK_AFTER = 3;

/**
 * Notices a connection that is dead without a word, as after a change of networks: who only reads would wait for ever.
 * Counts ticks, not time, so that a process that was busy or asleep has read what waits for it before it judges.
 */
export function watchHeartbeat(peer: Peer): void {
  let heard = peer.heard;
  let silent = 0;
  const timer = setInterval(() => {
    if (peer.isOver) {
      clearInterval(timer);
      return;
    }
    silent = peer.heard === heard ? silent + 1 : 0;
    heard = peer.heard;
    // Anything would do that has an answer; this every broker knows and may be asked again and again.
    if (silent === ASK_AFTER) void peer.request('server.handshake', { protocol_version: 3 }).catch(() => {});
    if (silent > ASK_AFTER) {
      clearInterval(timer);
      const seconds = (silent * TICK) / 1_000;
      peer.drop(new ConnectionLostError(1006, `nothing was heard for ${seconds} s`));
    }
  }, TICK);
  // Nothing but the socket keeps the process alive. Browsers have numbers for timers.
  (timer as number | { unref(): void } as { unref?(): void }).unref?.();
}
