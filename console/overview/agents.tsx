import { signal } from '@preact/signals';
import type { AgentRow } from '../../client/browser.ts';
import { agentChanges } from '../feed.ts';
import { type Column, Table } from '../table.tsx';
import { usePoll } from '../use-poll.ts';

const POLL_MS = 5_000;
/** Rows that are drawn. */
const MAX_ROWS = 200;

const agents = signal<readonly AgentRow[] | undefined>(undefined);

/** Every agent that the daemon knows. */
export function Agents() {
  usePoll(
    POLL_MS,
    async (host) => {
      const rows = await host.agents.list();
      agents.value = rows.sort((one, other) => Number(other.attached) - Number(one.attached));
    },
    // When one comes or goes, at once.
    [agentChanges.value],
  );
  const rows = agents.value;
  return (
    <section aria-labelledby="agents">
      <h2 id="agents">Agents</h2>
      {rows ? (
        <Table
          label="Agents"
          columns={COLUMNS}
          rows={rows.slice(0, MAX_ROWS)}
          keyOf={({ spec }) => spec.id}
          more={rows.length - MAX_ROWS}
          empty={
            <>
              None yet. <code>npx switchboard agents add my-agent</code> makes one known and prints its token;{' '}
              <code>--demo</code> brings one along.
            </>
          }
        />
      ) : null}
    </section>
  );
}

const COLUMNS: readonly Column<AgentRow>[] = [
  { title: 'Agent', isHeading: true, cell: ({ spec }) => <code>{spec.id}</code> },
  { title: 'Name', cell: ({ spec }) => (spec.name === spec.id ? '' : spec.name) },
  {
    title: 'State',
    cell: ({ attached }) => (
      <span class="state" data-tone={attached ? 'good' : 'off'}>
        {attached ? 'attached' : 'not attached'}
      </span>
    ),
  },
  { title: 'Turns', isNumber: true, cell: ({ turns }) => turns },
  { title: 'Capabilities', cell: ({ spec }) => spec.capabilities.join(', ') },
];
