import type { Host } from '../../client/browser.ts';
import type { BrokerStatus } from '../../protocol/status.ts';

/** One broker, as the page lists it. */
export interface ListedBroker {
  readonly id: string;
  /** The one that the page is connected to. */
  readonly isOwn: boolean;
  /** It keeps what there is once. */
  readonly isHome: boolean;
  readonly status: 'alive' | 'suspect' | 'dead';
  /** Whether the page's own broker can ask it. */
  readonly isLinked: boolean;
  readonly urls: readonly string[];
  readonly turns: number;
  readonly load: number;
  /** What it says of itself; undefined where it has not answered. */
  readonly said: BrokerStatus | undefined;
}

/** All brokers, as one of them knows, by their names. Undefined where it is alone. @param said - what others say, by their ids */
export function brokersOf(
  own: BrokerStatus,
  said: ReadonlyMap<string, BrokerStatus> = new Map(),
): ListedBroker[] | undefined {
  const { cluster } = own;
  if (!cluster) return undefined;
  const { id, home, urls, turns, load } = cluster;
  const first: ListedBroker = {
    ...{ id, urls, turns, load, isOwn: true, isHome: id === home, status: 'alive', isLinked: true, said: own },
  };
  const others = cluster.brokers.map(({ link, ...row }): ListedBroker => {
    return { ...row, isOwn: false, isHome: row.id === home, isLinked: link, said: said.get(row.id) };
  });
  return [first, ...others].sort((one, other) => one.id.localeCompare(other.id, 'en', { numeric: true }));
}

/**
 * How the other brokers say that they are. Who does not answer is left out.
 * @param limit - connections that each tells of @param client - the one that is asked for
 */
export async function askOthers(
  host: Host,
  own: BrokerStatus,
  limit: number,
  client?: string,
): Promise<Map<string, BrokerStatus>> {
  const said = new Map<string, BrokerStatus>();
  const asked = { connections_limit: limit, ...(client === undefined ? {} : { client_id: client }) };
  const ask = async (id: string) => {
    try {
      said.set(id, await host.request('broker.status', { broker: id, ...asked }));
    } catch {
      // The list says that it cannot be reached.
    }
  };
  await Promise.all((own.cluster?.brokers ?? []).filter(({ link }) => link).map(({ id }) => ask(id)));
  return said;
}
