import { useEffect } from 'preact/hooks';
import type { Host } from '../client/browser.ts';
import { host } from './session.ts';

/**
 * Asks the daemon again and again while the page is to be seen, at once and then `ms` after each answer.
 *
 * @param ask - asks, and keeps the answer. What it rejects with is ignored: the next one may do better, and of a lost
 *   connection the whole page tells.
 */
export function usePoll(ms: number, ask: (host: Host) => Promise<void>, inputs: readonly unknown[] = []): void {
  const connection = host.value;
  useEffect(() => {
    if (!connection) return;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let isOver = false;
    let isAsking = false;
    const next = async () => {
      if (isAsking || isOver || document.visibilityState !== 'visible') return;
      isAsking = true;
      clearTimeout(timer);
      await ask(connection).catch(() => {});
      isAsking = false;
      if (!isOver) timer = setTimeout(next, ms);
    };
    void next();
    document.addEventListener('visibilitychange', next);
    return () => {
      isOver = true;
      clearTimeout(timer);
      document.removeEventListener('visibilitychange', next);
    };
  }, [connection, ms, ...inputs]);
}
