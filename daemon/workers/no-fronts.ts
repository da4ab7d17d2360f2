import type { Broker } from '../../broker.ts';
import { FRONTS, frontsNamed } from '../../fronts/list.ts';

/** What somebody is told who asks for a front of a daemon of several processes. */
const WHY = 'fronts are not served by a daemon of several processes yet: start it without --workers';

/**
 * Says at the path of each front why it is not served: what a front keeps between two requests is in one process, and
 * the second request may come to another.
 */
export function refuseFronts(broker: Broker, names: readonly string[]): void {
  for (const name of frontsNamed(names)) {
    const path = FRONTS[name]?.path;
    if (path === undefined) continue;
    broker.route(
      path,
      (request, response) => {
        response.writeHead(501, { 'content-type': 'application/json' });
        response.end(request.method === 'HEAD' ? undefined : `${JSON.stringify({ error: { message: WHY } })}\n`);
      },
      async () => ({ status: 501, message: WHY }),
    );
  }
}
