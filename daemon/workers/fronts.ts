import { rmSync } from 'node:fs';
import type { Logger } from 'pino';
import { type Broker, type FrontsOptions, mountFronts } from '../../broker.ts';
import { makePrivate } from '../../link/unix-carrier.ts';
import { RelayReceiver } from '../../transport/relay-receiver.ts';
import { RelaySender } from '../../transport/relay-sender.ts';
import type { Teardown } from '../teardown.ts';
import { frontsSocket, linkDirectory } from './place.ts';

/** How long answers that are under way have when all turns have ended. Milliseconds. */
const LAST_ANSWERS_MS = 500;

/** Serves fronts by one of several workers. @throws {Error} where its socket cannot be had */
export type ServeFronts = (broker: Broker, options: FrontsOptions) => Promise<void>;

/** What a front keeps between two requests is at the home worker: that serves them, and for the others too. */
export function serveFrontsForAll(home: string, log: Logger, teardown: Teardown): ServeFronts {
  return async (broker, options) => {
    const receiver = new RelayReceiver(broker.limits, (err, what, count) => log.error({ err, count }, what));
    mountFronts(
      also(broker, (prefix, handler, sockets) => {
        broker.route(prefix, handler, sockets);
        receiver.route(prefix, handler, sockets);
      }),
      options,
    );
    makePrivate(linkDirectory(home));
    const path = frontsSocket(home);
    // One of an earlier life: this one has the worker's lock.
    rmSync(path, { force: true });
    await receiver.listen(path);
    teardown.onStop(() => receiver.close());
  };
}

/** Another worker leads what comes for a front to the home worker. */
export function leadFrontsHome(home: string, teardown: Teardown): ServeFronts {
  return async (broker, options) => {
    const sender = new RelaySender(frontsSocket(home), broker.limits);
    mountFronts(
      also(broker, (prefix, _handler, sockets) => {
        broker.route(prefix, sender.answer, sockets && sender.sockets);
      }),
      options,
    );
    teardown.onStop(() => sender.close());
    // Ahead of the broker's end, and behind its turns': see {@link untilAnswered}.
    answering.set(broker, sender);
  };
}

const answering = new WeakMap<Broker, RelaySender>();

/** Until what fronts have still to write, of turns that have ended, is written. It takes no long time. */
export const untilAnswered = async (broker: Broker): Promise<void> => answering.get(broker)?.idle(LAST_ANSWERS_MS);

/** The same broker, whose routes are looked at first. */
function also(broker: Broker, route: (...how: Parameters<Broker['route']>) => void): Broker {
  const seen: Broker = {
    ...broker,
    route(...how) {
      route(...how);
      return seen;
    },
  };
  return seen;
}
