import { useState } from 'preact/hooks';
import { RpcError, type SessionRow } from '../../client/browser.ts';
import { shownAt } from '../broker-clock.ts';
import { withBroker } from '../brokers/broker-column.tsx';
import { age, count } from '../format.ts';
import { Id } from '../id.tsx';
import { link } from '../route.ts';
import { host } from '../session.ts';
import { ofSession } from '../sign-out.ts';
import { type Column, Free, Table } from '../table.tsx';
import { usePoll } from '../use-poll.ts';
import { status } from './history.ts';

const POLL_MS = 1_000;
/** A long list takes both sides time: it is asked for less often. */
const LONG = 500;
const LONG_POLL_MS = 5_000;
/** Rows that are drawn. */
const MAX_ROWS = 100;

const turns = ofSession<readonly SessionRow[] | undefined>(undefined);

/** The live turns, everybody's. */
export function Turns() {
  const rows = turns.value;
  usePoll((rows?.length ?? 0) > LONG ? LONG_POLL_MS : POLL_MS, async (connection) => {
    turns.value = await connection.sessions();
  });
  return (
    <section aria-labelledby="turns">
      <h2 id="turns">
        Live turns <span class="soft">{rows?.length}</span>
      </h2>
      {rows ? (
        <Table
          label="Live turns"
          columns={withBroker(COLUMNS, rows, ({ broker }) => broker, 2)}
          rows={rows}
          most={MAX_ROWS}
          keyOf={(row) => row.turn_id}
          empty={
            <>
              Nobody is chatting. Try it in the <a href={link('chat')}>playground</a>.
            </>
          }
        />
      ) : null}
    </section>
  );
}

const TONES = {
  dispatching: 'off',
  streaming: 'good',
  parked: 'warn',
  detached: 'warn',
  orphaned: 'warn',
  recovering: 'warn',
  cancelling: 'bad',
} as const;

const COLUMNS: readonly Column<SessionRow>[] = [
  { title: 'Turn', isHeading: true, by: ({ turn_id }) => turn_id, cell: ({ turn_id }) => <TurnId id={turn_id} /> },
  { title: 'Agent', by: ({ agent_id }) => agent_id, cell: ({ agent_id }) => <Free text={agent_id} isCode /> },
  {
    title: 'By',
    by: ({ front }) => front ?? 'WebSocket',
    cell: ({ front }) => front ?? <span class="soft">WebSocket</span>,
  },
  {
    title: 'State',
    by: ({ status }) => status,
    cell: (row) => (
      <span class="state" data-tone={TONES[row.status]}>
        {row.status}
      </span>
    ),
  },
  {
    title: 'Age',
    isNumber: true,
    by: ({ created_at }) => -created_at,
    cell: ({ created_at }) => age(shownAt.value - created_at * 1_000),
  },
  { title: 'Events', isNumber: true, by: ({ seq }) => seq, cell: ({ seq }) => count(seq) },
  { title: 'Session', by: ({ session_id }) => session_id, cell: ({ session_id }) => <Id id={session_id} /> },
  { title: '', isNumber: true, cell: (row) => <Cancel turn={row} /> },
];

/** A turn's id, and where its chart can be seen, the way there. */
function TurnId({ id }: { id: string }) {
  return status.value?.inspect ? (
    <a href={link('charts', id)}>
      <Id id={id} />
    </a>
  ) : (
    <Id id={id} />
  );
}

/** Ends somebody's turn: asked twice, because there is no way back. */
function Cancel({ turn }: { turn: SessionRow }) {
  const [isAsked, setAsked] = useState(false);
  const [problem, setProblem] = useState('');
  const press = async () => {
    if (!isAsked) return setAsked(true);
    setAsked(false);
    try {
      await host.peek()?.request('agents.chat.cancel', { session_id: turn.session_id });
    } catch (error) {
      setProblem(error instanceof RpcError ? error.message : 'The connection was lost.');
    }
  };
  return (
    <>
      <button
        type="button"
        class={isAsked ? 'danger small' : 'small'}
        onClick={press}
        onBlur={() => setAsked(false)}
        aria-label={isAsked ? `Really cancel ${turn.turn_id}` : `Cancel ${turn.turn_id}`}
      >
        {isAsked ? 'Really cancel' : 'Cancel'}
      </button>
      {problem ? <span role="alert"> {problem}</span> : null}
    </>
  );
}
