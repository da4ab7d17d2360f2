import type { ConnectionRow } from '../../protocol/status.ts';
import { shownAt } from '../broker-clock.ts';
import { age, bytes } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { type Column, Free } from '../table.tsx';
import { Whose, whoseIs } from './whose.tsx';

const WHOSE: Column<ConnectionRow> = { title: 'Whose', by: whoseIs, cell: (row) => <Whose row={row} /> };

/** What a table of connections has; the overview's, which stands beside others, all but whose they are. */
export const OVERVIEW_COLUMNS: readonly Column<ConnectionRow>[] = [
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

/** The same, with whose each is. */
export const COLUMNS: readonly Column<ConnectionRow>[] = OVERVIEW_COLUMNS.toSpliced(2, 0, WHOSE);
