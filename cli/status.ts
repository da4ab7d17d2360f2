import type { Command } from 'commander';
import { took } from '../protocol/durations.ts';
import type { BrokerStatus } from '../protocol/status.ts';
import { visibleLine } from '../protocol/visible.ts';
import { type Io, tell } from './io.ts';
import { Output } from './output.ts';
import { table } from './table.ts';
import { type ConnectionFlags, connectionFlags, jsonText, withHost } from './with-host.ts';

interface StatusFlags extends ConnectionFlags {
  broker?: string;
  json?: boolean;
}

/** `switchboard status`: how the daemon is, and the brokers of its cluster. */
export function addStatus(program: Command, io: Io): void {
  connectionFlags(program.command('status'), true)
    .description('how the daemon is, and of several brokers how each stands')
    .option('--broker <id>', 'of this broker of the cluster (default: the one that answers)')
    .option('--json', "the daemon's answer as it is")
    .action((flags: StatusFlags) => show(io, flags));
}

async function show(io: Io, { broker, json, ...connection }: StatusFlags): Promise<void> {
  const status = await withHost(io, { ...connection, management: true }, (host) =>
    host.request('broker.status', { connections_limit: 1, ...(broker === undefined ? {} : { broker }) }),
  );
  const output = new Output(io.stdout);
  if (json) return output.write(`${jsonText(status)}\n`);
  await output.write(table(factsOf(status)));
  if (status.cluster) await output.write(`\n${table(brokersOf(status.cluster))}`);
  else tell(io, 'it is one broker, and knows of no other');
}

function factsOf({ state, version, pid, uptime_ms, connections, agents, turns, ...status }: BrokerStatus): string[][] {
  const live = Object.values(turns).reduce((sum, one) => sum + one, 0);
  return [
    ['state', state],
    ['version', visibleLine(version)],
    ['process', String(pid)],
    ['up', took(uptime_ms)],
    ['connections', String(connections.total)],
    ['agents', `${agents.attached} of ${agents.known} attached`],
    ['turns', `${live} live, ${status.totals.turns} since the start`],
    ['approvals', `${status.approvals_pending} wait`],
    ['memory', `${Math.round(status.memory.rss / 1_048_576)} MiB`],
  ];
}

const HEADING = ['BROKER', 'ROLE', 'STATUS', 'LINK', 'TURNS', 'LOAD', 'ADDRESSES'];

/** The one that answers first. */
function brokersOf({ home, brokers, ...own }: NonNullable<BrokerStatus['cluster']>): string[][] {
  const first = { ...own, status: 'alive', link: true };
  return [
    HEADING,
    ...[first, ...brokers].map(({ id, status, link, turns, load, urls }) => {
      const roles = [...(id === home ? ['home'] : []), ...(id === own.id ? ['answers'] : [])];
      const isLinked = id === own.id ? '-' : link ? 'open' : 'none';
      const cells = [
        id,
        roles.join(', ') || '-',
        status,
        isLinked,
        String(turns),
        load.toFixed(2),
        urls.join(' ') || '-',
      ];
      return cells.map(visibleLine);
    }),
  ];
}
