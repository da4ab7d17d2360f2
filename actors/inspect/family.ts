import { metric } from '../kernel/metric.ts';
import type { Chart, Family } from '../requests/family.ts';
import { OWN_FEED } from '../shown/feeds.ts';
import { INSPECTION, InspectFeed } from './feed.ts';
import { inspectMethods } from './methods.ts';

/** Live statecharts for whoever watches (`docs/protocol.md` section 12). */
export const inspect: Family<{ inspect?: boolean | undefined; charts: readonly Chart[] }> = {
  name: 'inspect',
  install(kernel, { inspect: isOn = false, charts }) {
    const feed = isOn ? kernel.put(INSPECTION, new InspectFeed(kernel, charts)) : undefined;
    if (feed) kernel.put(OWN_FEED, feed);
    return {
      methods: inspectMethods,
      metrics: [
        metric('gauge', 'inspect_watchers', 'Connections that watch the statecharts.', () => feed?.watchers ?? 0),
        metric(
          'counter',
          'inspect_dropped_total',
          'Inspection records dropped for slow watchers since the start.',
          () => feed?.dropped ?? 0,
        ),
      ],
      status: () => ({
        inspect: feed !== undefined,
        inspect_watchers: feed?.watchers ?? 0,
        inspect_dropped: feed?.dropped ?? 0,
      }),
      connectionEnded: (client) => feed?.unsubscribe(client),
    };
  },
};
