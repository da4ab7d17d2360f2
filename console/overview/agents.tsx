import type { AgentRow } from '../../client/browser.ts';
import { AgentState, stateOf } from '../agents/agent-state.tsx';
import { NEW } from '../agents/new.ts';
import { agents, saidByAgents, useAgents } from '../agents.ts';
import { withBroker } from '../brokers/broker-column.tsx';
import { link } from '../route.ts';
import { type Column, Free, Table } from '../table.tsx';

/** Rows that are drawn. */
const MAX_ROWS = 200;

/** Every agent that the daemon knows. */
export function Agents() {
  useAgents();
  const rows = agents.value;
  return (
    <section aria-labelledby="agents">
      <h2 id="agents">
        <a href={link('agents')}>Agents</a>
      </h2>
      {rows ? (
        <Table
          label="Agents"
          columns={withBroker(COLUMNS, rows, ({ broker }) => broker, 3)}
          rows={rows}
          most={MAX_ROWS}
          keyOf={({ spec }) => spec.id}
          empty={
            <>
              None yet. <a href={link('agents', NEW)}>Add one</a>, or let{' '}
              <code>npx switchboard agents add my-agent</code> make one known and print its token; <code>--demo</code>{' '}
              brings one along.
            </>
          }
        />
      ) : null}
    </section>
  );
}

const COLUMNS: readonly Column<AgentRow>[] = [
  {
    title: 'Agent',
    isHeading: true,
    by: ({ spec }) => spec.id,
    cell: ({ spec }) => (
      <a href={link('agents', spec.id)}>
        <Free text={spec.id} isCode />
      </a>
    ),
  },
  {
    title: 'Name',
    by: ({ spec }) => spec.name,
    cell: ({ spec }) => (spec.name === spec.id ? '' : <Free text={spec.name} />),
  },
  { title: 'State', by: stateOf, cell: (row) => <AgentState row={row} /> },
  {
    title: 'Says',
    by: ({ spec }) => saidByAgents.value.get(spec.id)?.current_task ?? undefined,
    cell: ({ spec }) => <Said id={spec.id} />,
  },
  { title: 'Turns', isNumber: true, by: ({ turns }) => turns, cell: ({ turns }) => turns },
  {
    title: 'Capabilities',
    by: ({ spec }) => spec.capabilities.join(', '),
    cell: ({ spec }) => <Free text={spec.capabilities.join(', ')} />,
  },
];

/** How an agent says that it stands, and the last that its program has complained of. */
function Said({ id }: { id: string }) {
  const agent = saidByAgents.value.get(id);
  if (!agent || agent.current_task === null) return null;
  const attached = Object(agent.metadata.attached) as { last_words?: unknown };
  const { last_words: words } = attached;
  return (
    <>
      <span data-tone={agent.status === 'errored' ? 'bad' : undefined}>
        <Free text={agent.current_task} />
      </span>
      {typeof words === 'string' && agent.status === 'errored' ? (
        <div>
          <Free text={words} isCode />
        </div>
      ) : null}
    </>
  );
}
