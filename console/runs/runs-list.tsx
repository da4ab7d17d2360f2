import { useEffect, useMemo, useState } from 'preact/hooks';
import { brokerNow } from '../broker-clock.ts';
import { count } from '../format.ts';
import { link, linkWith, query, restate } from '../route.ts';
import { COLUMNS } from './columns.tsx';
import { FileButton } from './file-drop.tsx';
import { lastList } from './last-list.ts';
import { readQuery, type Term, turnQuery } from './query.ts';
import { QueryLine } from './query-line.tsx';
import { TroubleNote } from './recorder-off.tsx';
import { MAX_ROWS, type Runs, runs, trouble, useRuns } from './rows.ts';
import { RunsTable, turned } from './runs-table.tsx';
import { type Sort, type SortKey, sorted, sortOf, sortText } from './sort.ts';
import type { Known } from './suggest.ts';
import { ViewsBar } from './views-bar.tsx';

const NONE: readonly Term[] = [];

/** Every turn that the daemon has recorded, as far as it is looked for. */
export function RunsList() {
  const q = query.value.get('q') ?? '';
  const sort = sortOf(query.value.get('sort') ?? '');
  const read = useMemo(() => readQuery(q), [q]);
  const [good, setGood] = useState<readonly Term[]>('terms' in read ? read.terms : NONE);
  // While a query is half typed, what was found before stays.
  const terms = 'terms' in read ? read.terms : good;
  if (terms !== good) setGood(terms);
  useRuns(terms);
  const told = runs.value;
  const why = trouble.value;
  const [chosen, setChosen] = useState<readonly string[]>([]);
  const turns = useMemo(() => found(told, terms), [told, terms]);
  const rows = useMemo(() => sorted(turns, sort, brokerNow()), [turns, sort.by, sort.isDown]);
  const known = useMemo(() => valuesOf(told), [told]);
  const say = (next: { q?: string; sort?: string }) => restate(['runs'], { q, sort: sortText(sort), ...next });
  const choose = (id: string) =>
    setChosen((now) => (now.includes(id) ? now.filter((one) => one !== id) : [...now, id].slice(-2)));
  const [a, b] = chosen;
  const here = linkWith(['runs'], { q, sort: sortText(sort) });
  useEffect(() => {
    lastList.value = here;
  }, [here]);
  return (
    <div class="runs-list">
      <header class="runs-head">
        <h1>Runs</h1>
        <FileButton />
        {a !== undefined && b !== undefined ? (
          <a class="runs-compare" href={linkWith(['runs', 'compare'], { a, b })}>
            Compare the two
          </a>
        ) : (
          <span class="soft">{a === undefined ? '' : 'Choose another one to compare.'}</span>
        )}
        <SortChoice sort={sort} onSort={(next) => say({ sort: sortText(next) })} />
        <Found runs={told} rows={rows.length} />
      </header>
      <QueryLine
        line={q}
        fault={'fault' in read ? read.fault : undefined}
        known={known}
        onChange={(line) => say({ q: line })}
      />
      <ViewsBar q={q} sort={sortText(sort)} />
      {why === undefined ? null : <TroubleNote trouble={why} />}
      {told === undefined ? (
        why === undefined ? (
          <p class="empty">Asking the daemon …</p>
        ) : null
      ) : rows.length > 0 ? (
        <RunsTable
          turns={rows}
          sort={sort}
          onSort={(next) => say({ sort: sortText(next) })}
          chosen={chosen}
          onChoose={choose}
        />
      ) : why === 'off' ? null : (
        <Nothing isAll={terms.length === 0} />
      )}
    </div>
  );
}

/** Of what the daemon found, what is meant. */
function found(told: Runs | undefined, terms: readonly Term[]) {
  if (!told) return [];
  const now = brokerNow();
  const { matches } = turnQuery(terms, now);
  return told.turns.filter((turn) => matches(turn, now));
}

/** Values that occur, for what the query line offers. */
function valuesOf(told: Runs | undefined): Known {
  const [agent, tool, principal, front] = [new Set<string>(), new Set<string>(), new Set<string>(), new Set<string>()];
  for (const turn of told?.turns ?? []) {
    agent.add(turn.agent_id);
    for (const name of turn.tool_names) tool.add(name);
    if (turn.principal !== undefined) principal.add(turn.principal);
    if (turn.front !== undefined) front.add(turn.front);
  }
  return { agent: [...agent], tool: [...tool], principal: [...principal], front: [...front] };
}

/** Where the rows are cards there is no head to press. */
function SortChoice({ sort, onSort }: { sort: Sort; onSort(sort: Sort): void }) {
  return (
    <select
      class="runs-sort"
      aria-label="Sort by"
      value={sort.by}
      onChange={(event) => onSort(turned(sort, event.currentTarget.value as SortKey))}
    >
      {COLUMNS.map(({ key, title }) => (
        <option key={key} value={key}>
          {title}
        </option>
      ))}
    </select>
  );
}

/** How many there are, and what the daemon has of them. */
function Found({ runs: told, rows }: { runs: Runs | undefined; rows: number }) {
  if (!told) return null;
  const { kept, isCut } = told;
  return (
    <p class="soft runs-found" role="status" aria-label="Found">
      {count(rows)} of {count(kept.turns)} {kept.on_disk ? 'on disk' : 'kept'}
      {kept.dropped > 0 ? `, ${count(kept.dropped)} dropped since the start` : ''}
      {isCut ? `; only the newest ${count(MAX_ROWS)} are looked through` : ''}
    </p>
  );
}

function Nothing({ isAll }: { isAll: boolean }) {
  if (!isAll) return <p class="empty">No turn is like that.</p>;
  return (
    <p class="empty">
      No turn yet. Open one in the <a href={link('chat')}>playground</a>.
    </p>
  );
}
