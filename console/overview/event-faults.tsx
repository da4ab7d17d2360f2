import type { EventFaultRow } from '../../protocol/status.ts';
import { brokerTime } from '../broker-clock.ts';
import { age, count } from '../format.ts';
import { Id } from '../id.tsx';
import { type Column, Free, Table } from '../table.tsx';

/** Rows that are drawn. */
const MAX_ROWS = 20;

/** Events of agents that were not as they should be: what a host does not see, or sees otherwise, and why. */
export function EventFaults({ rows }: { rows: readonly EventFaultRow[] }) {
  if (rows.length === 0) return null;
  return (
    <section aria-labelledby="event-faults">
      <h2 id="event-faults">Malformed events</h2>
      <Table
        label="Malformed events"
        columns={COLUMNS}
        rows={rows}
        most={MAX_ROWS}
        keyOf={({ tenant, agent_id, kind }) => `${tenant}/${agent_id} ${kind}`}
        empty="None."
      />
    </section>
  );
}

const COLUMNS: readonly Column<EventFaultRow>[] = [
  {
    title: 'Agent',
    by: ({ agent_id }) => agent_id,
    isHeading: true,
    cell: ({ tenant, agent_id }) => <Free text={tenant === 'default' ? agent_id : `${tenant}/${agent_id}`} isCode />,
  },
  { title: 'Kind', by: ({ kind }) => kind, cell: ({ kind }) => <code>{kind}</code> },
  {
    title: 'Field',
    by: ({ field, why }) => field || (why ?? undefined),
    cell: ({ field, why }) => <Free text={field || (why ?? 'the event as a whole')} isCode={field !== ''} />,
  },
  { title: 'Dropped', isNumber: true, by: ({ dropped }) => dropped, cell: ({ dropped }) => count(dropped) },
  { title: 'Mended', isNumber: true, by: ({ mended }) => mended, cell: ({ mended }) => count(mended) },
  {
    title: 'Last',
    isNumber: true,
    by: ({ last_at }) => last_at,
    cell: ({ last_at }) => `${age(Math.max(0, brokerTime.value - last_at))} ago`,
  },
  {
    title: 'Session',
    by: ({ session_id }) => session_id ?? undefined,
    cell: ({ session_id }) => (session_id === null ? '-' : <Id id={session_id} />),
  },
];
