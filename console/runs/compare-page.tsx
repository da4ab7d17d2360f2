import { useMemo } from 'preact/hooks';
import type { RecordedTurn } from '../../protocol/recording.ts';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { count, moment, took } from '../format.ts';
import { linkWith } from '../route.ts';
import { promptOf, State } from './columns.tsx';
import { lasted, rateOf } from './fields.ts';
import { lastList } from './last-list.ts';
import { TroubleNote } from './recorder-off.tsx';
import { type Difference, firstDifference, type Step, stepsOf } from './steps.ts';
import { perSecond, tookOr } from './took.ts';
import { FILE, type OpenedTurn, useTurn } from './turn-log.ts';

/** Steps that are drawn before the first difference, and from there on. */
const BEFORE = 5;
const AFTER = 40;
/** So much of a text is drawn around the place where it differs. Characters. */
const AROUND = 120;

/** Two turns beside each other, and where they part. */
export function ComparePage({ a, b }: { a: string; b: string }) {
  const [one, other] = [useTurn(a), useTurn(b)];
  const steps = useMemo(() => [one, other].map(({ log }) => (log ? stepsOf(log) : [])), [one.log, other.log]);
  const [left = [], right = []] = steps;
  const difference = useMemo(() => firstDifference(left, right), [steps]);
  return (
    <article class="run-compare" aria-label="Two turns">
      <header class="run-head">
        <a class="run-back" href={lastList.value}>
          ‹ Runs
        </a>
        <h1>Two turns compared</h1>
      </header>
      {a === '' || b === '' ? <p class="empty">It takes two turns: tick them in the table of runs.</p> : null}
      {a === '' ? null : <Missing id={a} opened={one} />}
      {b === '' ? null : <Missing id={b} opened={other} />}
      {one.log && other.log ? (
        <>
          <Facts one={one.log.turn} other={other.log.turn} ids={[a, b]} />
          <p role="status" aria-label="Difference">
            {difference === undefined
              ? `The same happened in both, in ${count(left.length)} steps. Ids and times are not compared.`
              : `They part at step ${count(difference.step + 1)}. Ids and times are not compared.`}
          </p>
          <Steps left={left} right={right} difference={difference} ids={[a, b]} />
        </>
      ) : null}
    </article>
  );
}

function Missing({ id, opened: { log, trouble } }: { id: string; opened: OpenedTurn }) {
  if (log) return null;
  if (trouble === 'off') return <TroubleNote trouble={trouble} />;
  const name = id === FILE ? 'The file' : visibleLine(id);
  if (trouble) return <p class="problem" role="alert">{`${name}: ${visibleLine(trouble.problem)}.`}</p>;
  return <p class="empty">{id === FILE ? 'No file is open: drop one here.' : 'Asking the daemon …'}</p>;
}

type Pair = readonly [string, string];

const FACTS: readonly { title: string; of(turn: RecordedTurn): string }[] = [
  { title: 'Agent', of: ({ agent_id }) => visibleLine(agent_id) },
  { title: 'Prompt', of: promptOf },
  { title: 'Began', of: ({ started_at }) => moment(started_at) },
  { title: 'Duration', of: (turn) => (turn.ended_at === undefined ? 'runs' : took(lasted(turn, turn.ended_at))) },
  { title: 'First token', of: ({ first_token_ms }) => tookOr(first_token_ms) },
  { title: 'Tokens', of: ({ tokens }) => count(tokens) },
  { title: 'Tokens/s', of: (turn) => perSecond(rateOf(turn)) },
  {
    title: 'Tools',
    of: ({ tools, tools_failed }) => `${count(tools)}${tools_failed > 0 ? `, ${count(tools_failed)} failed` : ''}`,
  },
  { title: 'Waited', of: ({ approvals, waited_ms }) => (approvals > 0 ? took(waited_ms) : '') },
  { title: 'Error', of: ({ error }) => (error ? visibleLine(`${error.code}: ${error.message}`.slice(0, 300)) : '') },
];

function Facts({ one, other, ids: [a, b] }: { one: RecordedTurn; other: RecordedTurn; ids: Pair }) {
  return (
    <table class="compare-facts" aria-label="Facts">
      <thead>
        <tr>
          <th scope="col">
            <span class="hidden">Fact</span>
          </th>
          <th scope="col">
            <a href={linkWith(['runs', a], {})}>One</a> <State turn={one} />
          </th>
          <th scope="col">
            <a href={linkWith(['runs', b], {})}>Other</a> <State turn={other} />
          </th>
        </tr>
      </thead>
      <tbody>
        {FACTS.map(({ title, of }) => (
          <tr key={title} class={of(one) === of(other) ? undefined : 'differs'}>
            <th scope="row">{title}</th>
            <td>{of(one)}</td>
            <td>{of(other)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface StepsProps {
  left: readonly Step[];
  right: readonly Step[];
  difference: Difference | undefined;
  ids: Pair;
}

function Steps({ left, right, difference, ids }: StepsProps) {
  const length = Math.max(left.length, right.length);
  const first = Math.max(0, (difference?.step ?? 0) - BEFORE);
  const last = Math.min(length, (difference?.step ?? 0) + AFTER);
  const places = Array.from({ length: last - first }, (_, at) => first + at);
  return (
    <table class="compare-steps" aria-label="Steps">
      <thead>
        <tr>
          <th scope="col">Step</th>
          <th scope="col">One</th>
          <th scope="col">Other</th>
        </tr>
      </thead>
      <tbody>
        {first > 0 ? <More number={first} words="the same before" /> : null}
        {places.map((at) => {
          const differs = difference?.step === at;
          const textAt = differs ? difference.at : undefined;
          return (
            <tr key={at} class={differs ? 'differs' : undefined} aria-current={differs ? 'true' : undefined}>
              <th scope="row" class="number">
                {at + 1}
                {differs ? <span class="hidden">, the first difference</span> : null}
              </th>
              <Cell step={left[at]} textAt={textAt} id={ids[0]} />
              <Cell step={right[at]} textAt={textAt} id={ids[1]} />
            </tr>
          );
        })}
        {last < length ? <More number={length - last} words="more" /> : null}
      </tbody>
    </table>
  );
}

function More({ number, words }: { number: number; words: string }) {
  return (
    <tr>
      <td colSpan={3} class="soft">
        {count(number)} {words}
      </td>
    </tr>
  );
}

function Cell({ step, textAt, id }: { step: Step | undefined; textAt: number | undefined; id: string }) {
  if (!step) return <td class="soft">it had ended</td>;
  const { title, text, after, sequence } = step;
  const from = textAt === undefined ? 0 : Math.max(0, textAt - AROUND);
  const same = text.slice(from, textAt ?? AROUND);
  const own = textAt === undefined ? '' : text.slice(textAt, textAt + AROUND);
  const shown = from + same.length + own.length;
  return (
    <td>
      <a href={linkWith(['runs', id], { view: 'sequence', event: sequence })}>{visibleLine(title)}</a>{' '}
      <span class="soft">+{took(after)}</span>
      {text === '' ? null : (
        <pre>
          {from > 0 ? '… ' : ''}
          {visible(same)}
          {own === '' ? null : <mark>{visible(own)}</mark>}
          {shown < text.length ? ' …' : ''}
        </pre>
      )}
    </td>
  );
}
