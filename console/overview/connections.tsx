import { OVERVIEW_COLUMNS } from '../connections/columns.tsx';
import { link } from '../route.ts';
import { Table } from '../table.tsx';
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
        columns={OVERVIEW_COLUMNS}
        rows={rows}
        keyOf={(row) => row.client_id}
        more={total - rows.length}
        empty="None."
      />
    </section>
  );
}
