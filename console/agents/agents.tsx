import { useRef, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { noteAgentChange } from '../agent-changes.ts';
import { agents, saidByAgents, useAgents } from '../agents.ts';
import { withBroker } from '../brokers/broker-column.tsx';
import { PageHead } from '../detail.tsx';
import { count } from '../format.ts';
import { go, link, route } from '../route.ts';
import { ShownOnce } from '../shown-once.tsx';
import { type Column, Free, Table } from '../table.tsx';
import { AgentDetail } from './agent-detail.tsx';
import { AgentForm } from './agent-form.tsx';
import { AgentState, stateOf } from './agent-state.tsx';
import { NEW } from './new.ts';
import { brokerOf, type ListedAgent, listAgents, programOf } from './rows.ts';
import './agents.css';

/** Rows that are drawn. */
const MAX_ROWS = 300;

/** A token that was just made. */
interface Fresh {
  id: string;
  token: string;
}

/** The agents that there are; makes them known, gives them new tokens, forgets them. */
export function Agents() {
  useAgents();
  const heading = useRef<HTMLHeadingElement>(null);
  const [fresh, setFresh] = useState<Fresh>();
  const [said, setSaid] = useState('');
  const chosen = route.value[1] || undefined;
  const isAdding = chosen === NEW;
  const all = agents.value && listAgents(agents.value, saidByAgents.value);
  const toHeading = () => heading.current?.focus();
  const show = (id: string, token: string | undefined, words: string) => {
    setFresh(token === undefined ? undefined : { id, token });
    setSaid(words);
    noteAgentChange();
  };
  const agent = isAdding ? undefined : all?.find(({ id }) => id === chosen);
  return (
    <div class="agents">
      <PageHead>
        <h1 ref={heading} tabIndex={-1}>
          {agent ? (
            <>
              <a href={link('agents')}>Agents</a> <span aria-hidden="true">›</span> <Free text={agent.id} isCode />
            </>
          ) : (
            'Agents'
          )}
        </h1>
        {chosen === undefined ? (
          <button
            type="button"
            class="primary"
            onClick={() => {
              setFresh(undefined);
              setSaid('');
              go('agents', NEW);
            }}
          >
            Add an agent
          </button>
        ) : null}
      </PageHead>
      {isAdding ? (
        <AgentForm
          taken={new Set(agents.value?.map(({ spec }) => spec.id))}
          onDone={(id, token) => {
            show(
              id,
              token,
              token === undefined ? `The agent ${visibleLine(id)} was there already, and is changed.` : '',
            );
            go('agents', id);
          }}
          onCancel={() => {
            go('agents');
            toHeading();
          }}
        />
      ) : null}
      {fresh ? (
        <ShownOnce
          key={fresh.token}
          title={
            <>
              The token of the agent <bdi>{visibleLine(fresh.id)}</bdi>
            </>
          }
          secret={fresh.token}
          note="Its program comes in by it. The daemon keeps only a hash: it cannot show it again."
          onDone={() => {
            setFresh(undefined);
            toHeading();
          }}
        />
      ) : null}
      <p class="page-said" role="status" aria-label="Done">
        {said}
      </p>
      {all === undefined ? (
        <p class="empty">Asking the daemon …</p>
      ) : agent ? (
        <AgentDetail
          key={agent.id}
          agent={agent}
          onChanged={(words, token) => show(agent.id, token, words)}
          onRemoved={() => {
            show(agent.id, undefined, `The agent ${visibleLine(agent.id)} is forgotten.`);
            go('agents');
            toHeading();
          }}
        />
      ) : isAdding ? null : chosen === undefined ? (
        <Table
          label="Agents"
          columns={withBroker(COLUMNS, all, brokerOf, 3)}
          rows={all}
          most={MAX_ROWS}
          keyOf={({ id }) => id}
          empty={
            <>
              None yet. Add one here, or with <code>npx switchboard agents add ID</code>;{' '}
              <code>switchboard attach</code> brings a program that speaks ACP or A2A, or a model.
            </>
          }
        />
      ) : (
        <p class="empty">
          There is no agent <code>{visibleLine(chosen)}</code>. <a href={link('agents')}>All agents</a>
        </p>
      )}
    </div>
  );
}

const COLUMNS: readonly Column<ListedAgent>[] = [
  {
    title: 'Agent',
    isHeading: true,
    by: ({ id }) => id,
    cell: ({ id }) => (
      <a href={link('agents', id)}>
        <Free text={id} isCode />
      </a>
    ),
  },
  {
    title: 'Name',
    by: ({ row, said }) => row?.spec.name ?? said?.name,
    cell: ({ id, row, said }) => {
      const name = row?.spec.name ?? said?.name ?? id;
      return name === id ? '' : <Free text={name} />;
    },
  },
  { title: 'State', by: ({ row }) => stateOf(row), cell: ({ row }) => <AgentState row={row} /> },
  {
    title: 'Kind',
    by: ({ said }) => said?.kind,
    cell: ({ said }) => (said && said.kind !== 'attached' ? <Free text={said.kind} /> : ''),
  },
  {
    title: 'Says',
    by: ({ said }) => said?.current_task ?? undefined,
    cell: ({ said }) => (said?.current_task == null ? '' : <Free text={said.current_task} />),
  },
  {
    title: 'Last words',
    by: ({ said }) => lastLine(programOf(said)?.lastWords),
    cell: ({ said }) => <LastWords words={programOf(said)?.lastWords} />,
  },
  { title: 'Turns', isNumber: true, by: ({ row }) => row?.turns, cell: ({ row }) => (row ? count(row.turns) : '') },
  {
    title: 'Capabilities',
    by: ({ row, said }) => (row?.spec.capabilities ?? said?.capabilities ?? []).join(', '),
    cell: ({ row, said }) => {
      const capabilities = row?.spec.capabilities ?? said?.capabilities ?? [];
      return capabilities.length === 0 ? '' : <Free text={capabilities.join(', ')} />;
    },
  },
];

const lastLine = (words: string | undefined) => words?.trimEnd().split('\n').at(-1);

/** The last line that a program has complained of. */
function LastWords({ words }: { words: string | undefined }) {
  const last = lastLine(words);
  return last === undefined ? null : <Free text={last} isCode />;
}
