import { useState } from 'preact/hooks';
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
import { Whose } from './whose.tsx';

/** As many as the daemon tells of at once. */
const MAX_ROWS = 1_000;
const POLL_MS = 2_000;
/** From so many on there is a field to look for one. */
const MANY = 12;

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
  const [wanted, setWanted] = useState('');
  const problem = useAsked(POLL_MS, async (host) => {
    connections.value = (await host.request('broker.status', { connections_limit: MAX_ROWS })).connections;
  });
  const all = connections.value;
  const rows = (all?.rows ?? []).filter((row) => isLike(row, wanted));
  return (
    <>
      <PageHead>
        <h1>
          Connections <span class="soft">{all === undefined ? '' : count(all.total)}</span>
        </h1>
        {wanted !== '' || rows.length > MANY ? (
          <input
            type="search"
            aria-label="Find a connection"
            placeholder="Find"
            maxLength={256}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        ) : null}
      </PageHead>
      <Asking words={problem} isThere={all !== undefined} />
      {all === undefined ? null : (
        <Table
          label="Connections"
          stacks
          columns={COLUMNS}
          rows={rows}
          keyOf={({ client_id }) => client_id}
          more={wanted === '' ? all.total - all.rows.length : 0}
          empty="None is like that."
        />
      )}
    </>
  );
}

function isLike({ client_id, role, agent_id, via, principal, name }: ConnectionRow, wanted: string): boolean {
  const word = wanted.trim().toLowerCase();
  const texts = [client_id, role, agent_id, via, principal?.sub, principal?.tenant, name];
  return texts.some((text) => text?.toLowerCase().includes(word));
}

const COLUMNS: readonly Column<ConnectionRow>[] = [
  {
    title: 'Connection',
    isHeading: true,
    cell: ({ client_id }) => (
      <a href={link('connections', client_id)}>
        <Id id={client_id} />
      </a>
    ),
  },
  {
    title: 'Role',
    cell: ({ role, agent_id }) =>
      agent_id === null ? (
        role
      ) : (
        <>
          agent <Free text={agent_id} isCode />
        </>
      ),
  },
  { title: 'Whose', cell: (row) => <Whose row={row} /> },
  { title: 'Via', cell: ({ via }) => via },
  { title: 'Since', isNumber: true, cell: ({ since }) => age(shownAt.value - since) },
  { title: 'Waiting', isNumber: true, cell: ({ waiting_bytes }) => bytes(waiting_bytes) },
  { title: 'Turns', isNumber: true, cell: ({ turns }) => turns },
  { title: 'Tools', isNumber: true, cell: ({ tools }) => tools },
];
