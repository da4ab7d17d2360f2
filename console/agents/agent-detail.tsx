import { useState } from 'preact/hooks';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { BrokerName } from '../brokers/broker-column.tsx';
import { Confirm } from '../confirm.tsx';
import { Ago, Fact, JsonTree } from '../detail.tsx';
import { count, words } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { AgentForm } from './agent-form.tsx';
import { AgentState } from './agent-state.tsx';
import { brokerOf, type ListedAgent, programOf } from './rows.ts';
import { remove, upsert } from './wish.ts';

interface AgentDetailProps {
  agent: ListedAgent;
  onChanged(said: string, token: string | undefined): void;
  onRemoved(): void;
}

/** One agent: how it stands, what its program says, and what can be done with it. */
export function AgentDetail({ agent: { id, row, said }, onChanged, onRemoved }: AgentDetailProps) {
  const [asks, setAsks] = useState<'rotate' | 'remove' | 'change'>();
  const program = programOf(said);
  const broker = brokerOf({ id, row, said });
  const name = row?.spec.name ?? said?.name ?? id;
  const capabilities = row?.spec.capabilities ?? said?.capabilities ?? [];
  const { attached: _, ...rest } = said?.metadata ?? {};
  // What a program says of itself stands above.
  const metadata = { ...(program ? rest : said?.metadata), ...row?.spec.metadata };
  return (
    <>
      {row ? (
        <div class="buttons agent-does">
          <button type="button" onClick={() => setAsks('change')}>
            Change
          </button>
          <button type="button" onClick={() => setAsks('rotate')}>
            Rotate its token
          </button>
          <button type="button" class="danger" onClick={() => setAsks('remove')}>
            Remove
          </button>
        </div>
      ) : null}
      {asks === 'change' && row ? (
        <AgentForm
          row={row}
          onDone={(_id, token) => {
            setAsks(undefined);
            onChanged(`The agent ${visibleLine(id)} is changed.`, token);
          }}
          onCancel={() => setAsks(undefined)}
        />
      ) : null}
      <dl class="detail">
        <Fact name="State">
          <AgentState row={row} />
        </Fact>
        <Fact name="Name">{name === id ? undefined : visibleLine(name)}</Fact>
        <Fact name="Connection">
          {row?.session_id == null ? undefined : (
            <a href={link('connections', row.session_id)}>
              <Id id={row.session_id} />
            </a>
          )}
        </Fact>
        <Fact name="Broker">{broker === undefined ? undefined : <BrokerName id={broker} />}</Fact>
        <Fact name="Live turns">{row ? count(row.turns) : undefined}</Fact>
        <Fact name="Capabilities">{capabilities.length > 0 ? visibleLine(capabilities.join(', ')) : undefined}</Fact>
        {said ? (
          <>
            <Fact name="Kind">{said.kind === 'attached' ? undefined : visibleLine(said.kind)}</Fact>
            <Fact name="It says">
              <span data-tone={said.status === 'errored' ? 'bad' : undefined}>{words(said.status)}</span>
              {said.current_task === null ? null : <>: {visibleLine(said.current_task)}</>}
            </Fact>
            <Fact name="Since">
              <Ago at={said.updated_at} />
            </Fact>
            <Fact name="Project">{said.project === undefined ? undefined : visibleLine(said.project)}</Fact>
          </>
        ) : null}
        {program ? (
          <>
            <Fact name="Program">{visibleLine(program.what ?? program.state)}</Fact>
            <Fact name="Program’s state">
              {visibleLine([program.state, program.reason].filter(Boolean).join(': '))}
            </Fact>
            <Fact name="Mode">{program.mode === undefined ? undefined : visibleLine(program.mode)}</Fact>
            <Fact name={program.processes.length === 1 ? 'Process' : 'Processes'}>
              {program.processes.length > 0 ? program.processes.join(', ') : undefined}
            </Fact>
          </>
        ) : (
          <Fact name="Process">{said?.pid === undefined ? undefined : String(said.pid)}</Fact>
        )}
      </dl>
      {program?.lastWords === undefined ? null : (
        <section class="detail-part" aria-labelledby="last-words">
          <h2 id="last-words">Last words of its program</h2>
          {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard */}
          <pre class="last-words" tabIndex={0}>
            {visible(program.lastWords)}
          </pre>
        </section>
      )}
      {Object.keys(metadata).length > 0 ? (
        <section class="detail-part" aria-labelledby="agent-metadata">
          <h2 id="agent-metadata">Metadata</h2>
          <JsonTree value={metadata} />
        </section>
      ) : null}
      {asks === 'rotate' ? (
        <Confirm
          title={
            <>
              A new token for <bdi>{visibleLine(id)}</bdi>?
            </>
          }
          yes={['Rotate', 'Rotating …']}
          no="Keep the old one"
          act={async () => {
            const outcome = await upsert({ id }, true);
            if ('problem' in outcome) return outcome.problem;
            onChanged(`The agent ${visibleLine(id)} has a new token.`, outcome.token);
            return undefined;
          }}
          onDone={() => setAsks(undefined)}
          onKept={() => setAsks((now) => (now === 'rotate' ? undefined : now))}
        >
          The old one lets nobody in any more. {row?.attached ? 'Who is attached by it stays until it goes.' : ''}
        </Confirm>
      ) : null}
      {asks === 'remove' ? (
        <Confirm
          title={
            <>
              Remove the agent <bdi>{visibleLine(id)}</bdi>?
            </>
          }
          yes={['Remove', 'Removing …']}
          no="Keep it"
          act={() => remove(id)}
          onDone={onRemoved}
          onKept={() => setAsks((now) => (now === 'remove' ? undefined : now))}
        >
          {row?.attached
            ? `It is attached: its connection is closed, and its ${row.turns === 1 ? 'turn ends' : 'turns end'}. `
            : ''}
          Its token lets nobody in any more, and its facts and meetings are forgotten. None of it can be brought back.
        </Confirm>
      ) : null}
    </>
  );
}
