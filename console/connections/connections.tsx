import type { ConnectionRow } from '../../protocol/status.ts';
import { Asking, useAsked } from '../asked.tsx';
import { withBroker } from '../brokers/broker-column.tsx';
import { askOthers } from '../brokers/rows.ts';
import { PageHead } from '../detail.tsx';
import { count } from '../format.ts';
import { route } from '../route.ts';
import { ofSession } from '../sign-out.ts';
import { Table } from '../table.tsx';
import { COLUMNS } from './columns.tsx';
import { ConnectionDetail } from './connection-detail.tsx';

/** A connection, and the broker that has it, where there are several. */
type ListedConnection = ConnectionRow & { readonly broker: string | undefined };

/** As many as the daemon tells of at once. */
const MAX_ROWS = 1_000;
const POLL_MS = 2_000;

const connections = ofSession<{ rows: readonly ListedConnection[]; total: number } | undefined>(undefined);

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
    const own = await host.request('broker.status', { connections_limit: MAX_ROWS });
    const others = await askOthers(host, own, MAX_ROWS);
    const all = [[own.cluster?.id, own] as const, ...others];
    connections.value = {
      rows: all.flatMap(([broker, { connections }]) => connections.rows.map((row) => ({ ...row, broker }))),
      total: all.reduce((sum, [, { connections }]) => sum + connections.total, 0),
    };
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
          columns={withBroker<ListedConnection>(COLUMNS, all.rows, ({ broker }) => broker, 2)}
          rows={all.rows}
          most={MAX_ROWS}
          keyOf={({ client_id, broker = '' }) => `${broker}/${client_id}`}
          more={all.total - all.rows.length}
          empty="None."
        />
      )}
    </>
  );
}
