import { memo } from 'preact/compat';
import { useLayoutEffect, useRef } from 'preact/hooks';
import { clockTime, count } from '../format.ts';
import { JsonTree } from './json-tree.tsx';
import type { Arrow, Bracket } from './sequence.ts';
import type { Lifeline } from './sequence-lifelines.ts';
import { since } from './times.ts';

/** A bracket where it passes a row. */
export interface BracketPart {
  readonly bracket: Bracket;
  readonly part: 'begin' | 'middle' | 'end';
}

interface SequenceRowProps {
  arrow: Arrow;
  row: number;
  rows: number;
  lifelines: readonly Lifeline[];
  columns: string;
  parts: readonly BracketPart[];
  isOpen: boolean;
  /** Whether it is the moment that is looked at, and whether it comes later. */
  isCurrent: boolean;
  isLater: boolean;
  onPress(arrow: Arrow): void;
  /** Tells how much higher than the others it is. Pixels. */
  onHeight(more: number): void;
}

/** One arrow, the brackets that pass it, and below it what was sent. */
export const SequenceRow = memo(
  function SequenceRow(props: SequenceRowProps) {
    const { arrow, row, rows, lifelines, columns, parts, isOpen, isCurrent, isLater, onPress, onHeight } = props;
    const { message, from, to, label, tone, after } = arrow;
    const answered = parts.find(({ part, bracket }) => part === 'end' && bracket.took !== undefined);
    const took = answered?.bracket.took;
    const classes = ['sequence-row', isCurrent ? 'at' : '', isLater ? 'later' : ''];
    return (
      <li class={classes.join(' ')} aria-setsize={rows} aria-posinset={row + 1} data-row={row}>
        <button
          type="button"
          class="arrow-row"
          data-tone={tone}
          style={{ gridTemplateColumns: columns }}
          aria-expanded={isOpen}
          aria-current={isCurrent ? 'step' : undefined}
          onClick={() => onPress(arrow)}
        >
          <time title={clockTime(message.at)}>{since(after)}</time>
          <span class={`arrow ${shapeOf(from, to)}`} style={{ gridColumn: columnsOf(from, to) }}>
            <span class="arrow-label">{label}</span>
          </span>
          <span class="hidden"> {wordsOf(arrow, lifelines, took)}</span>
        </button>
        <span class="brackets" aria-hidden="true">
          {parts.map(({ bracket, part }) => (
            <i
              key={bracket.lane}
              class={`bracket ${part}`}
              data-tone={bracket.tone}
              style={{ left: `${bracket.lane * 8}px` }}
            />
          ))}
          {took === undefined ? null : (
            <span class="took" data-tone={answered?.bracket.tone}>
              {durationOf(took)}
            </span>
          )}
        </span>
        {isOpen ? <Payload message={message} onHeight={onHeight} /> : null}
      </li>
    );
  },
  (before, next) =>
    before.arrow.message === next.arrow.message &&
    before.arrow.label === next.arrow.label &&
    before.arrow.from === next.arrow.from &&
    before.arrow.to === next.arrow.to &&
    before.columns === next.columns &&
    before.row === next.row &&
    before.rows === next.rows &&
    before.isOpen === next.isOpen &&
    before.isCurrent === next.isCurrent &&
    before.isLater === next.isLater &&
    before.onPress === next.onPress &&
    keyOf(before.parts) === keyOf(next.parts),
);

function Payload({ message, onHeight }: { message: Arrow['message']; onHeight(more: number): void }) {
  const box = useRef<HTMLDivElement>(null);
  useLayoutEffect(() => {
    const element = box.current;
    if (!element) return;
    const observer = new ResizeObserver(() => onHeight(element.offsetHeight));
    observer.observe(element);
    return () => observer.disconnect();
  }, []);
  return (
    <div ref={box} class="event-payload-room">
      <div class="event-payload">
        <p class="soft">
          <code>{message.event}</code> at {clockTime(message.at)}
          {message.count > 1 ? `, the last of ${count(message.count)} at ${clockTime(message.until)}` : ''}
        </p>
        <JsonTree value={message.payload} />
      </div>
    </div>
  );
}

/** What the drawing shows of it, in words. */
function wordsOf({ from, to }: Arrow, lifelines: readonly Lifeline[], took: number | undefined): string {
  const target = lifelines[to]?.title ?? '';
  const source = from === undefined ? undefined : lifelines[from]?.title;
  const way = source === undefined ? `to ${target}, from a timer or a socket` : `from ${source} to ${target}`;
  return took === undefined ? way : `${way}, ${durationOf(took)} after it was asked`;
}

/** A stretch of time, as {@link since} writes it: `3 ms`, `1.24 s`. */
export const durationOf = (ms: number): string => since(ms).slice(1);

const keyOf = (parts: readonly BracketPart[]): string =>
  parts.map(({ bracket: { lane, took, tone }, part }) => `${lane} ${part} ${took} ${tone}`).join();

function shapeOf(from: number | undefined, to: number): string {
  if (from === undefined || from === to) return 'found';
  return from < to ? 'right' : 'left';
}

/** Each lifeline runs between two columns of its own; the first column is the time's. */
function columnsOf(from: number | undefined, to: number): string {
  const middle = (index: number) => index * 2 + 3;
  if (from === undefined || from === to) return `${middle(to) - 1} / ${middle(to)}`;
  return `${middle(Math.min(from, to))} / ${middle(Math.max(from, to))}`;
}
