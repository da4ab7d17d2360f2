import { computed, effect, signal } from '@preact/signals';
import type { Host } from '../client/browser.ts';
import { now } from './clock.ts';
import { host, session } from './session.ts';

/** An answer that took no longer tells the time well enough. Milliseconds. */
const QUICK_MS = 200;
const TRIES = 3;

/** How far the broker's clock is ahead of the browser's, which may be wrong or another machine's. Milliseconds. */
const ahead = signal(0);

/** What the broker's clock shows, once a second while the page is to be seen: what its deadlines are measured by. */
export const brokerTime = computed(() => now.value + ahead.value);

/** The moment of what is shown, by the broker's clock: while the connection is lost, when it was. For ages. */
export const shownAt = computed(() =>
  session.value.kind === 'lost' ? session.value.since + ahead.value : brokerTime.value,
);

/** What the broker's clock shows at this moment. Unix milliseconds. */
export const brokerNow = (): number => Date.now() + ahead.peek();

/** Compares the clocks whenever there is a connection. */
export function startBrokerClock(): void {
  effect(() => {
    // What it asks is refused where the connection is lost; the next one is asked again.
    if (host.value) compare(host.value).catch(() => {});
  });
}

async function compare(connection: Host): Promise<void> {
  let best = Number.POSITIVE_INFINITY;
  for (let tries = 0; tries < TRIES && best > QUICK_MS; tries += 1) {
    const asked = Date.now();
    const { started_at, uptime_ms } = await connection.request('broker.status', { connections_limit: 1 });
    const took = Date.now() - asked;
    if (took >= best) continue;
    best = took;
    // Read half-way, as far as anybody can say.
    ahead.value = started_at + uptime_ms - (asked + took / 2);
  }
}
