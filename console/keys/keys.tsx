import { useRef, useState } from 'preact/hooks';
import type { KeyRow, MadeKey } from '../../protocol/keys.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { shownAt } from '../broker-clock.ts';
import { age, count, moment } from '../format.ts';
import { type Column, Free, Table } from '../table.tsx';
import { KeyForm } from './key-form.tsx';
import { Made } from './made.tsx';
import { Revoking } from './revoking.tsx';
import { keyOf, keys, noteChange, problem, useKeys } from './rows.ts';
import './keys.css';

/** Rows that are drawn. */
const MAX_ROWS = 300;
/** From so many on there is a field to look for one. */
const MANY = 12;

/** Who may come in by a key; makes keys, and ends them. */
export function Keys() {
  const heading = useRef<HTMLHeadingElement>(null);
  const [isMaking, setMaking] = useState(false);
  const [made, setMade] = useState<MadeKey>();
  const [revoking, setRevoking] = useState<Asked>();
  const asked = useRef(0);
  const ask = (row: KeyRow) => {
    asked.current += 1;
    setRevoking({ row, number: asked.current });
  };
  const [wanted, setWanted] = useState('');
  useKeys(wanted);
  const [said, setSaid] = useState('');
  const all = keys.value;
  const rows = (all ?? []).filter((row) => matches(row, wanted));
  const toHeading = () => heading.current?.focus();
  return (
    <div class="keys">
      <header class="keys-head">
        <h1 ref={heading} tabIndex={-1}>
          Keys
        </h1>
        {isMaking ? null : (
          <button
            type="button"
            class="primary"
            onClick={() => {
              setMade(undefined);
              setSaid('');
              setMaking(true);
            }}
          >
            Make a key
          </button>
        )}
        {wanted !== '' || (all && all.length > MANY) ? (
          <input
            type="search"
            aria-label="Find a key"
            placeholder="Find"
            maxLength={256}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        ) : null}
      </header>
      <p class="soft">
        Each lets one person or program in, to its own things. The daemon’s own tokens are not among them.
      </p>
      {isMaking ? (
        <KeyForm
          onMade={(one) => {
            setMaking(false);
            setMade(one);
            noteChange();
          }}
          onCancel={() => {
            setMaking(false);
            toHeading();
          }}
        />
      ) : null}
      {made ? (
        <Made
          made={made}
          onDone={() => {
            setMade(undefined);
            toHeading();
          }}
        />
      ) : null}
      <p class="keys-said" role="status" aria-label="Revoked">
        {said}
      </p>
      {problem.value === undefined ? null : (
        <p class="problem" role="alert">
          The keys cannot be listed: {visibleLine(problem.value)}. It is tried again.
        </p>
      )}
      {all ? (
        <Table
          label="Keys"
          finds={false}
          columns={[...COLUMNS, { title: '', cell: (row) => <Revoke row={row} onAsk={ask} /> }]}
          rows={rows}
          most={MAX_ROWS}
          keyOf={(row) => keyOf(row)}
          empty={
            all.length > 0 || wanted !== '' ? (
              'None is like that.'
            ) : (
              <>
                None yet. Make one here, or with <code>npx switchboard keys add NAME</code>.
              </>
            )
          }
        />
      ) : problem.value === undefined ? (
        <p class="empty">Asking the daemon …</p>
      ) : null}
      {revoking ? (
        <Revoking
          key={revoking.number}
          row={all?.find((row) => keyOf(row) === keyOf(revoking.row)) ?? revoking.row}
          // A dialog says a moment later that it was closed: by then another may be open.
          onKept={() => setRevoking((now) => (now === revoking ? undefined : now))}
          onRevoked={() => {
            setRevoking(undefined);
            setSaid(`The key ${visibleLine(revoking.row.name)} is revoked.`);
            if (made && keyOf(made.key) === keyOf(revoking.row)) setMade(undefined);
            noteChange();
            toHeading();
          }}
        />
      ) : null}
    </div>
  );
}

/** A key of which somebody is asked whether to revoke it. */
interface Asked {
  row: KeyRow;
  /** Each time it is asked in a dialog of its own. */
  number: number;
}

/** Whether somebody who looks for that means this key. */
function matches({ name, sub, tenant }: KeyRow, wanted: string): boolean {
  const word = wanted.trim().toLowerCase();
  return [name, sub, tenant].some((text) => text.toLowerCase().includes(word));
}

function Revoke({ row, onAsk }: { row: KeyRow; onAsk(row: KeyRow): void }) {
  return (
    <button
      type="button"
      class="small danger"
      aria-label={`Revoke ${visibleLine(row.name)}`}
      onClick={() => onAsk(row)}
    >
      Revoke
    </button>
  );
}

const ago = (at: string) => (
  <time dateTime={at} title={moment(Date.parse(at))}>
    {age(shownAt.value - Date.parse(at))} ago
  </time>
);

const COLUMNS: readonly Column<KeyRow>[] = [
  { title: 'Key', isHeading: true, by: ({ name }) => name, cell: (row) => <Whose row={row} /> },
  { title: 'May', by: ({ scopes }) => scopes.join(', '), cell: (row) => <May row={row} /> },
  { title: 'Limits', cell: ({ limits }) => <Limits limits={limits} /> },
  { title: 'Made', by: ({ created_at }) => created_at, cell: ({ created_at }) => ago(created_at) },
  {
    title: 'Last used',
    by: ({ last_used_at }) => last_used_at,
    cell: ({ last_used_at: at }) => (at === undefined ? <span class="soft">never</span> : ago(at)),
  },
  { title: 'Ends', by: ({ expires_at }) => expires_at, cell: (row) => <Ends row={row} /> },
  {
    title: 'Connections',
    isNumber: true,
    by: ({ connections }) => connections,
    cell: ({ connections }) => count(connections),
  },
];

function Whose({ row: { name, sub, tenant } }: { row: KeyRow }) {
  return (
    <>
      <Free text={name} isCode />
      {sub === name ? null : (
        <span class="key-more">
          of <Free text={sub} />
        </span>
      )}
      {tenant === 'default' ? null : (
        <span class="key-more">
          tenant <Free text={tenant} />
        </span>
      )}
    </>
  );
}

function May({ row: { scopes, agents, fronts } }: { row: KeyRow }) {
  return (
    <>
      {scopes.join(', ')}
      {agents === undefined ? null : (
        <span class="key-more">
          with <Free text={agents.join(', ')} />
        </span>
      )}
      {fronts === undefined ? null : <span class="key-more">by {fronts.join(', ')}</span>}
    </>
  );
}

function Limits({ limits = {} }: Pick<KeyRow, 'limits'>) {
  const set = Object.entries(limits).flatMap(([name, most]) => (most === undefined ? [] : `${count(most)} ${name}`));
  return set.length === 0 ? <span class="soft">none</span> : <span class="key-limits">{set.join(', ')}</span>;
}

function Ends({ row: { expires_at, previous_until } }: { row: KeyRow }) {
  const left = (at: string) => (
    <time dateTime={at} title={moment(Date.parse(at))}>
      in {age(Date.parse(at) - shownAt.value)}
    </time>
  );
  return (
    <>
      {expires_at === undefined ? <span class="soft">never</span> : left(expires_at)}
      {previous_until === undefined ? null : <span class="key-more">former secret {left(previous_until)}</span>}
    </>
  );
}
