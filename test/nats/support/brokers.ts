import { randomUUID } from 'node:crypto';
import { NatsCarrier } from '../../../nats/carrier.ts';
import type { NatsOptions } from '../../../nats/options.ts';
import { own } from '../../e2e/support/cleanup.ts';
import { brokerOf, slowClock } from '../../link/support/broker.ts';
import type { NatsServer } from '../../support/nats-servers.ts';

/** A name that no other test's cluster has. */
export const newCluster = (): string => `t-${randomUUID()}`;

/** How a broker of a test reaches those servers, the first of them first. */
export function optionsOf(
  servers: readonly NatsServer[],
  cluster: string,
  id: string,
  also: Partial<NatsOptions> = {},
): NatsOptions {
  return { servers: servers.map(({ url }) => url), cluster, self: { id, epoch: randomUUID() }, ...also };
}

/** A broker with links over NATS, and nothing else. Its clock is slow where `clock` is not given. */
export async function natsBroker(options: NatsOptions, { clock = slowClock, also = {} } = {}) {
  const carrier = new NatsCarrier(options);
  const broker = brokerOf(options.self.id, carrier, { epoch: options.self.epoch, clock, also });
  await broker.peers.open();
  own(() => broker.peers.close());
  return { ...broker, carrier };
}
