import { useState } from 'preact/hooks';
import type { SessionRow } from '../../client/browser.ts';
import type { ConnectionRow } from '../../protocol/status.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { Asking, useAsked } from '../asked.tsx';
import { shownAt } from '../broker-clock.ts';
import { BrokerName } from '../brokers/broker-column.tsx';
import { askOthers } from '../brokers/rows.ts';
import { Ago, Fact, PageHead } from '../detail.tsx';
import { age, bytes, count } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { type Column, Free, Table } from '../table.tsx';
import { Whose } from './whose.tsx';

const POLL_MS = 2_000;
/** Turns that are drawn. */
const MAX_TURNS = 200;

/** Everything that the daemon tells of one connection. */
interface Told {
  /** As it was last, while it was there. */
  row: ConnectionRow | undefined;
  /** The broker that has it, where there are several. */
  broker: string | undefined;
  isThere: boolean;
  turns: readonly SessionRow[];
}

/** One connection: whose it is, what waits for it, its tools and its live turns. */
export function ConnectionDetail({ id }: { id: string }) {
  const [told, setTold] = useState<Told>();
  const problem = useAsked(
    POLL_MS,
    async (host) => {
      const [own, sessions] = await Promise.all([
        host.request('broker.status', { client_id: id, connections_limit: 1 }),
        host.sessions(),
      ]);
      // A daemon before this one tells of any, whoever is asked for.
      const isIt = ({ client_id }: ConnectionRow) => client_id === id;
      const others = own.connections.rows.some(isIt) ? [] : await askOthers(host, own, 1, id);
      const all = [[own.cluster?.id, own] as const, ...others];
      const [broker, found] = all.find(([, { connections }]) => connections.rows.some(isIt)) ?? [];
      const row = found?.connections.rows.find(isIt);
      const isIts = (turn: SessionRow) =>
        turn.host_client_id === id || (row?.agent_id != null && turn.agent_id === row.agent_id);
      setTold((before) => ({
        row: row ?? before?.row,
        broker: broker ?? before?.broker,
        isThere: row !== undefined,
        turns: row ? sessions.filter(isIts) : [],
      }));
    },
    [id],
  );
  const row = told?.row;
  const fronts = new Set(told?.turns.flatMap(({ front }) => front ?? []));
  return (
    <>
      <PageHead>
        <h1>
          <a href={link('connections')}>Connections</a> <span aria-hidden="true">›</span> <Id id={id} />
        </h1>
      </PageHead>
      <Asking words={problem} isThere={told !== undefined} />
      {told && !told.isThere ? (
        <p class="page-said" role="status">
          {row ? 'It has ended. What is shown is from before.' : 'There is no connection of that id: it has ended.'}
        </p>
      ) : null}
      {row ? (
        <>
          <dl class="detail">
            <Fact name="Id">
              <code>{visibleLine(row.client_id)}</code>
            </Fact>
            <Fact name="Role">{row.role}</Fact>
            <Fact name="Agent">
              {row.agent_id === null ? undefined : (
                <a href={link('agents', row.agent_id)}>
                  <code>{visibleLine(row.agent_id)}</code>
                </a>
              )}
            </Fact>
            <Fact name="Whose">
              <Whose row={row} />
            </Fact>
            <Fact name="Via">{row.via}</Fact>
            <Fact name="Broker">{told?.broker === undefined ? undefined : <BrokerName id={told.broker} />}</Fact>
            <Fact name="Stands for">
              {row.guest_of === undefined ? undefined : (
                <>
                  <a href={link('connections', row.guest_of.client_id)}>
                    <Id id={row.guest_of.client_id} />
                  </a>{' '}
                  at broker {visibleLine(row.guest_of.broker)}
                </>
              )}
            </Fact>
            <Fact name="Front">{fronts.size > 0 ? [...fronts].join(', ') : undefined}</Fact>
            <Fact name="Connected">
              <Ago at={row.since} />
            </Fact>
            <Fact name="Waits to be written to it">{bytes(row.waiting_bytes)}</Fact>
            <Fact name="Has not answered">
              {row.pending_calls === undefined
                ? undefined
                : row.pending_calls === 1
                  ? '1 request'
                  : `${count(row.pending_calls)} requests`}
            </Fact>
          </dl>
          <p class="soft">
            No method of the wire closes one connection.{' '}
            {row.agent_id !== null ? (
              <>
                To keep this one out, <a href={link('agents', row.agent_id)}>remove its agent</a>.
              </>
            ) : (
              <>
                Who came by a key is out when <a href={link('keys')}>that is revoked</a>.
              </>
            )}
          </p>
          <section class="detail-part" aria-labelledby="connection-tools">
            <h2 id="connection-tools">
              Tools <span class="soft">{count(row.tools)}</span>
            </h2>
            <ul class="names">
              {row.tool_names?.map((name) => (
                <li key={name}>
                  <code>{visibleLine(name)}</code>
                </li>
              ))}
            </ul>
            {row.tools === 0 ? <p class="empty">It offers none.</p> : null}
          </section>
          <section class="detail-part" aria-labelledby="connection-turns">
            <h2 id="connection-turns">
              Live turns <span class="soft">{count(told?.turns.length ?? 0)}</span>
            </h2>
            <Table
              label="Its live turns"
              columns={COLUMNS}
              rows={told?.turns ?? []}
              most={MAX_TURNS}
              keyOf={({ turn_id }) => turn_id}
              empty="None."
            />
          </section>
        </>
      ) : null}
    </>
  );
}

const COLUMNS: readonly Column<SessionRow>[] = [
  {
    title: 'Turn',
    isHeading: true,
    by: ({ turn_id }) => turn_id,
    cell: ({ turn_id }) => (
      <a href={link('charts', turn_id)}>
        <Id id={turn_id} />
      </a>
    ),
  },
  { title: 'Agent', by: ({ agent_id }) => agent_id, cell: ({ agent_id }) => <Free text={agent_id} isCode /> },
  { title: 'State', by: ({ status }) => status, cell: ({ status }) => status },
  {
    title: 'Age',
    isNumber: true,
    by: ({ created_at }) => -created_at,
    cell: ({ created_at }) => age(shownAt.value - created_at * 1_000),
  },
];
