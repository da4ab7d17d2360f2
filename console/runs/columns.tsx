import type { ComponentChildren } from 'preact';
import type { RecordedTurn } from '../../protocol/recording.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { shownAt } from '../broker-clock.ts';
import { BrokerName } from '../brokers/broker-column.tsx';
import { count, moment, took } from '../format.ts';
import { link } from '../route.ts';
import { Free } from '../table.tsx';
import { isLive, lasted, rateOf } from './fields.ts';
import type { SortKey } from './sort.ts';
import { TONES } from './tones.ts';
import { perSecond, tookOr } from './took.ts';

/** A column of the table of turns. */
export interface RunColumn {
  key: SortKey;
  title: string;
  /** The whole of what a short title means. */
  about?: string;
  cell(turn: RecordedTurn): ComponentChildren;
  isNumber?: boolean;
}

/** So much of a text is drawn in a cell; the whole is on the turn's own page. Characters. */
const MAX_SHOWN = 300;

/** In the order in which they stand. The prompt says which turn a row is of. */
export const COLUMNS: readonly RunColumn[] = [
  { key: 'time', title: 'Time', cell: ({ started_at }) => <Began at={started_at} /> },
  { key: 'agent', title: 'Agent', cell: ({ agent_id }) => <Free text={agent_id} isCode /> },
  { key: 'host', title: 'Host', cell: (turn) => <Host turn={turn} /> },
  { key: 'broker', title: 'Broker', cell: ({ broker }) => (broker === undefined ? '' : <BrokerName id={broker} />) },
  { key: 'prompt', title: 'Prompt', cell: (turn) => <a href={link('runs', turn.turn_id)}>{promptOf(turn)}</a> },
  { key: 'state', title: 'State', cell: (turn) => <State turn={turn} /> },
  { key: 'dur', title: 'Duration', isNumber: true, cell: (turn) => took(lasted(turn, shownAt.value)) },
  {
    key: 'first',
    title: 'First',
    about: 'Time to the first token',
    isNumber: true,
    cell: ({ first_token_ms }) => tookOr(first_token_ms),
  },
  { key: 'rate', title: 'Tokens/s', isNumber: true, cell: (turn) => perSecond(rateOf(turn)) },
  { key: 'tools', title: 'Tools', isNumber: true, cell: (turn) => <Tools turn={turn} /> },
  {
    key: 'waited',
    title: 'Waited',
    about: 'How long it waited for people to approve',
    isNumber: true,
    cell: ({ approvals, waited_ms }) => (approvals > 0 ? took(waited_ms) : ''),
  },
  { key: 'error', title: 'Error', cell: (turn) => <ErrorOf turn={turn} /> },
];

const ALONE = COLUMNS.filter(({ key }) => key !== 'broker');

/** Those of a table of these turns: which broker each is at where there are several. */
export const columnsOf = (turns: readonly RecordedTurn[]): readonly RunColumn[] =>
  turns.some(({ broker }) => broker !== undefined) ? COLUMNS : ALONE;

/** How a turn's prompt begins, on one line. */
export function promptOf({ prompt }: RecordedTurn): string {
  const line = prompt.slice(0, MAX_SHOWN).replace(/\s+/g, ' ').trim();
  return line === '' ? '(no prompt)' : visibleLine(line);
}

/** Where a turn stands, or how it ended. */
export function State({ turn }: { turn: RecordedTurn }) {
  return (
    <span class="state" data-tone={TONES[turn.state]}>
      {turn.state}
    </span>
  );
}

function Began({ at }: { at: number }) {
  const shown = moment(at);
  return <time dateTime={isoOf(at)}>{shown}</time>;
}

/** A file may say any number. */
function isoOf(at: number): string {
  const date = new Date(at);
  return Number.isNaN(date.getTime()) ? '' : date.toISOString();
}

/** Of an id that the broker made up its end tells it from others: the column is narrow. */
const shortHost = (id: string): string => (id.length > 16 ? `…${visibleLine(id.slice(-8))}` : visibleLine(id));

function Host({ turn: { host, principal, front } }: { turn: RecordedTurn }) {
  return (
    <>
      {principal === undefined || principal === 'local' ? (
        <code title={visibleLine(host)}>{shortHost(host)}</code>
      ) : (
        <Free text={principal} />
      )}
      {front === undefined ? null : <span class="soft"> {visibleLine(front)}</span>}
    </>
  );
}

function Tools({ turn: { tools, tools_failed: failed, tool_names: names } }: { turn: RecordedTurn }) {
  if (tools === 0) return null;
  return (
    <span title={visibleLine(names.slice(0, 20).join(', '))}>
      {count(tools)}
      {failed > 0 ? (
        <span class="run-bad">
          {' · '}
          {count(failed)} failed
        </span>
      ) : null}
    </span>
  );
}

function ErrorOf({ turn }: { turn: RecordedTurn }) {
  const { error } = turn;
  if (!error) return null;
  return (
    <span class={isLive(turn) ? 'free' : 'free run-bad'} title={visibleLine(error.message.slice(0, MAX_SHOWN))}>
      {visibleLine(error.message.slice(0, MAX_SHOWN)) || visibleLine(String(error.code))}
    </span>
  );
}
