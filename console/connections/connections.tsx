import type { ConnectionRow } from '../../protocol/status.ts';
import { Asking, useAsked } from '../asked.tsx';
import { shownAt } from '../broker-clock.ts';
import { PageHead } from '../detail.tsx';
import { age, bytes, count } from '../format.ts';
import { Id } from '../id.tsx';
import { link, route } from '../route.ts';
import { ofSession } from '../sign-out.ts';
import { type Column, Free, Table } from '../table.tsx';
import { ConnectionDetail } from './connection-detail.tsx';
import { Whose, whoseIs } from './whose.tsx';

/** As many as the daemon tells of at once. */
const MAX_ROWS = 1_000;
const POLL_MS = 2_000;

const connections = ofSession<{ rows: readonly ConnectionRow[]; total: number } | undefined>(undefined);

/** Who is connected, and of one that was chosen everything that the daemon tells. */
export function Connections() {
  const chosen = route.value[1] || undefined;
  return (
    <div class="connections">
      {chosen === undefined ? <ConnectionList /> : <ConnectionDetail key={chosen} id={chosen} />}
    </div>
  );
}

function ConnectionList() {
  const problem = useAsked(POLL_MS, async (host) => {
    connections.value = (await host.request('broker.status', { connections_limit: MAX_ROWS })).connections;
  });
  const all = connections.value;
  return (
    <>
      <PageHead>
        <h1>
          Connections <span class="soft">{all === undefined ? '' : count(all.total)}</span>
        </h1>
      </PageHead>
      <Asking words={problem} isThere={all !== undefined} />
      {all === undefined ? null : (
        <Table
          label="Connections"
          columns={COLUMNS}
          rows={all.rows}
          keyOf={({ client_id }) => client_id}
          more={all.total - all.rows.length}
          empty="None."
        />
      )}
    </>
  );
}

const COLUMNS: readonly Column<ConnectionRow>[] = [
  {
    title: 'Connection',
    isHeading: true,
    by: ({ client_id }) => client_id,
    cell: ({ client_id }) => (
      <a href={link('connections', client_id)}>
        <Id id={client_id} />
      </a>
    ),
  },
  {
    title: 'Role',
    by: ({ role, agent_id }) => (agent_id === null ? role : `agent ${agent_id}`),
    cell: ({ role, agent_id }) =>
      agent_id === null ? (
        role
      ) : (
        <>
          agent <Free text={agent_id} isCode />
        </>
      ),
  },
  { title: 'Whose', by: whoseIs, cell: (row) => <Whose row={row} /> },
  { title: 'Via', by: ({ via }) => via, cell: ({ via }) => via },
  { title: 'Since', isNumber: true, by: ({ since }) => -since, cell: ({ since }) => age(shownAt.value - since) },
  {
    title: 'Waiting',
    isNumber: true,
    by: (row) => row.waiting_bytes,
    cell: ({ waiting_bytes }) => bytes(waiting_bytes),
  },
  { title: 'Turns', isNumber: true, by: ({ turns }) => turns, cell: ({ turns }) => turns },
  { title: 'Tools', isNumber: true, by: ({ tools }) => tools, cell: ({ tools }) => tools },
];
