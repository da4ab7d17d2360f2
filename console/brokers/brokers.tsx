import { visibleLine } from '../../protocol/visible.ts';
import { Asking, useAsked } from '../asked.tsx';
import { PageHead } from '../detail.tsx';
import { age, bytes, count } from '../format.ts';
import { ofSession } from '../sign-out.ts';
import { type Column, Free, Table } from '../table.tsx';
import { askOthers, brokersOf, type ListedBroker } from './rows.ts';

const POLL_MS = 2_000;

/** Undefined until the daemon has answered; `alone`: it is no cluster. */
const brokers = ofSession<readonly ListedBroker[] | 'alone' | undefined>(undefined);

/** The brokers that are one switchboard: how each stands, and to which one the page is connected. */
export function Brokers() {
  const problem = useAsked(POLL_MS, async (host) => {
    const own = await host.request('broker.status', { connections_limit: 1 });
    brokers.value = brokersOf(own, await askOthers(host, own, 1)) ?? 'alone';
  });
  const rows = brokers.value;
  return (
    <>
      <PageHead>
        <h1>
          Brokers <span class="soft">{Array.isArray(rows) ? count(rows.length) : ''}</span>
        </h1>
      </PageHead>
      <Asking words={problem} isThere={rows !== undefined} />
      {rows === 'alone' ? <Alone /> : null}
      {Array.isArray(rows) ? (
        <Table label="Brokers" columns={COLUMNS} rows={rows} keyOf={({ id }) => id} empty="None." />
      ) : null}
    </>
  );
}

function Alone() {
  return (
    <p class="empty">
      This daemon is one broker, and knows of no other. <code>npm start -- --workers 2</code> makes two of it on one
      machine, <code>--cluster-nats</code> joins those of several machines; either is one switchboard for hosts and
      agents.
    </p>
  );
}

const TONES = { alive: 'good', suspect: 'warn', dead: 'bad' } as const;

const COLUMNS: readonly Column<ListedBroker>[] = [
  {
    title: 'Broker',
    isHeading: true,
    by: ({ id }) => id,
    cell: ({ id, isOwn, isHome }) => (
      <>
        <code>{visibleLine(id)}</code>
        {isHome ? <span class="soft"> home</span> : null}
        {isOwn ? <strong> this page</strong> : null}
      </>
    ),
  },
  {
    title: 'Status',
    by: ({ status }) => status,
    cell: ({ status }) => (
      <span class="state" data-tone={TONES[status]}>
        {status}
      </span>
    ),
  },
  {
    title: 'Link',
    by: (row) => linkOf(row),
    cell: (row) => <span data-tone={row.isLinked ? undefined : 'bad'}>{linkOf(row)}</span>,
  },
  { title: 'Live turns', isNumber: true, by: ({ turns }) => turns, cell: ({ turns }) => count(turns) },
  {
    title: 'Connections',
    isNumber: true,
    by: ({ said }) => said?.connections.total,
    cell: ({ said }) => (said ? count(said.connections.total) : ''),
  },
  {
    title: 'Agents attached',
    isNumber: true,
    by: ({ said }) => said?.agents.attached,
    cell: ({ said }) => (said ? count(said.agents.attached) : ''),
  },
  { title: 'Load', isNumber: true, by: ({ load }) => load, cell: ({ load }) => `${Math.round(load * 100)} %` },
  {
    title: 'Memory',
    isNumber: true,
    by: ({ said }) => said?.memory.rss,
    cell: ({ said }) => (said ? bytes(said.memory.rss) : ''),
  },
  {
    title: 'Up',
    isNumber: true,
    by: ({ said }) => said?.uptime_ms,
    cell: ({ said }) => (said ? age(said.uptime_ms) : ''),
  },
  { title: 'Process', isNumber: true, by: ({ said }) => said?.pid, cell: ({ said }) => said?.pid ?? '' },
  {
    title: 'Addresses',
    by: ({ urls }) => urls.join(' '),
    cell: ({ urls, isOwn }) => (
      <Free text={visibleLine((urls.length > 0 ? urls : isOwn ? [location.origin] : []).join(' '))} />
    ),
  },
];

/** Whether the page's own broker can ask it. */
const linkOf = ({ isOwn, isLinked }: ListedBroker): string => (isOwn ? '–' : isLinked ? 'open' : 'none');
