import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionError } from '../client/node.ts';

/** Between two looks for a daemon that is not there. Milliseconds. */
const PAUSE_MS = 1_000;

/**
 * Connects, again and again while nobody is there.
 * @param signal ends the waiting; this then rejects with its reason.
 * @param waits hears of the first failure: from then on it waits.
 * @throws whatever `connect` throws that waiting does not mend
 */
export async function untilThere<T>(
  connect: () => Promise<T>,
  signal: AbortSignal,
  waits: (error: ConnectionError) => void,
): Promise<T> {
  for (let tries = 0; ; tries++) {
    signal.throwIfAborted();
    try {
      return await connect();
    } catch (error) {
      if (!(error instanceof ConnectionError) || !error.retryable) throw error;
      if (tries === 0) waits(error);
    }
    await delay(PAUSE_MS, undefined, { signal });
  }
}
