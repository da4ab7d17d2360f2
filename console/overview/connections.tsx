import type { ConnectionRow } from '../../protocol/status.ts';
import { shownAt } from '../broker-clock.ts';
import { age, bytes } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { type Column, Free, Table } from '../table.tsx';
import { status } from './history.ts';

/** Who is connected: first those for whom most waits to be written. */
export function Connections() {
  const { value } = status;
  if (!value) return null;
  const { rows, total } = value.connections;
  return (
    <section aria-labelledby="connections">
      <h2 id="connections">
        <a href={link('connections')}>Connections</a> <span class="soft">{total}</span>
      </h2>
      <Table
        label="Connections"
        columns={COLUMNS}
        rows={rows}
        keyOf={(row) => row.client_id}
        more={total - rows.length}
        empty="None."
      />
    </section>
  );
}

const COLUMNS: readonly Column<ConnectionRow>[] = [
  {
    title: 'Connection',
    isHeading: true,
    by: ({ client_id }) => client_id,
    cell: (row) => (
      <a href={link('connections', row.client_id)}>
        <Id id={row.client_id} />
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
  { title: 'Via', by: ({ via }) => via, cell: ({ via }) => via },
  { title: 'Since', isNumber: true, by: ({ since }) => -since, cell: ({ since }) => age(shownAt.value - since) },
  {
    title: 'Waiting',
    isNumber: true,
    by: ({ waiting_bytes }) => waiting_bytes,
    cell: ({ waiting_bytes }) => bytes(waiting_bytes),
  },
  { title: 'Turns', isNumber: true, by: ({ turns }) => turns, cell: ({ turns }) => turns },
  { title: 'Tools', isNumber: true, by: ({ tools }) => tools, cell: ({ tools }) => tools },
];
