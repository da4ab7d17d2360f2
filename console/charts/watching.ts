import { useEffect } from 'preact/hooks';
import { brokerNow } from '../broker-clock.ts';
import { host } from '../session.ts';
import { onSignOut } from '../sign-out.ts';
import { hearNotifications } from '../tap.ts';
import { Feed } from './feed.ts';

/** Who leaves the charts for longer than this, or hides the page, watches no more. Milliseconds. */
const LEFT_MS = 5_000;
const HIDDEN_MS = 60_000;

/** The page's one subscription. */
export const feed = new Feed({
  hear: (listener) => hearNotifications('inspect.event', listener),
  nextFrame: (run) => void requestAnimationFrame(run),
  now: brokerNow,
});

onSignOut(() => feed.reset());

let leaving: ReturnType<typeof setTimeout> | undefined;

/** Watches while a component is there and somebody may look at it. */
export function useFeed(): void {
  const connection = host.value;
  useEffect(() => {
    clearTimeout(leaving);
    // What was seen stays as it was until there is another connection.
    if (!connection) return feed.close();
    let hiding: ReturnType<typeof setTimeout> | undefined;
    const look = () => {
      clearTimeout(hiding);
      if (document.visibilityState === 'visible') feed.open(connection);
      else hiding = setTimeout(() => feed.close(), HIDDEN_MS);
    };
    look();
    document.addEventListener('visibilitychange', look);
    return () => {
      document.removeEventListener('visibilitychange', look);
      clearTimeout(hiding);
      // Whoever looks at another page for a moment finds everything as it was.
      leaving = setTimeout(() => feed.close(), LEFT_MS);
    };
  }, [connection]);
}
