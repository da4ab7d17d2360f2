import { memo } from 'preact/compat';
import { useState } from 'preact/hooks';
import { clockTime } from '../format.ts';
import { JsonTree } from './json-tree.tsx';
import type { WatchedActor } from './model.ts';
import { type Arrow, type Lifeline, sequenceOf } from './sequence.ts';
import { since } from './times.ts';
import { feed } from './watching.ts';

/** The messages of one turn as arrows between those who sent and heard them. */
export function SequenceView({ turn }: { turn: WatchedActor }) {
  void feed.slowVersion.value;
  const [open, setOpen] = useState<number>();
  const log = feed.model.logs.of(turn.id);
  const { lifelines, arrows, forgotten, isSampled } = sequenceOf(
    log ?? { turn: turn.id, messages: [], forgotten: 0, isSampled: false },
    turn,
  );
  const columns = `72px repeat(${lifelines.length * 2}, minmax(48px, 1fr))`;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    // biome-ignore lint/a11y/useSemanticElements: a section without a heading is none
    <div class="sequence" role="region" aria-label={`Messages of ${turn.name}`} tabIndex={0}>
      <div class="sequence-width" style={{ minWidth: `${72 + lifelines.length * 96}px` }}>
        <div class="lifelines" style={{ gridTemplateColumns: columns }}>
          {lifelines.map((lifeline, index) => (
            <div key={lifeline.party} class="lifeline" style={{ gridColumn: `${index * 2 + 2} / span 2` }}>
              <strong>{lifeline.title}</strong>
              <span class="soft" title={lifeline.detail}>
                {lifeline.detail}
              </span>
            </div>
          ))}
        </div>
        <div class="sequence-body">
          <div class="threads" aria-hidden="true" style={{ gridTemplateColumns: columns }}>
            {lifelines.map(({ party }, index) => (
              <i key={party} style={{ gridColumn: `${index * 2 + 3}` }} />
            ))}
          </div>
          {forgotten > 0 ? <p class="soft">{forgotten} earlier messages were left out.</p> : null}
          {isSampled ? (
            <p class="soft">
              Tokens came too fast to be told one by one: the number on each arrow is the one that the turn heard.
            </p>
          ) : null}
          {arrows.length === 0 ? (
            <p class="empty">No message of this turn has been seen: it began before you watched.</p>
          ) : null}
          <ol class="arrows">
            {arrows.map((arrow) => (
              <ArrowRow
                key={arrow.message.sequence}
                {...arrow}
                times={arrow.message.count}
                lifelines={lifelines}
                partiesKey={lifelines.length}
                columns={columns}
                isOpen={open === arrow.message.sequence}
                onToggle={setOpen}
              />
            ))}
          </ol>
        </div>
      </div>
    </div>
  );
}

interface ArrowRowProps extends Arrow {
  /** A run grows without being another message. */
  times: number;
  lifelines: readonly Lifeline[];
  partiesKey: number;
  columns: string;
  isOpen: boolean;
  onToggle(sequence: number | undefined): void;
}

const ArrowRow = memo(
  function ArrowRow({ message, from, to, label, after, lifelines, columns, isOpen, onToggle }: ArrowRowProps) {
    const target = lifelines[to]?.title ?? '';
    const source = from === undefined ? undefined : lifelines[from]?.title;
    const words =
      source === undefined ? `${label} to ${target}, from a timer or a socket` : `${label} from ${source} to ${target}`;
    return (
      <li>
        <button
          type="button"
          class="arrow-row"
          style={{ gridTemplateColumns: columns }}
          aria-expanded={isOpen}
          aria-label={`${words}, ${since(after)}`}
          onClick={() => onToggle(isOpen ? undefined : message.sequence)}
        >
          <time title={clockTime(message.at)}>{since(after)}</time>
          <span class={`arrow ${shapeOf(from, to)}`} style={{ gridColumn: columnsOf(from, to) }}>
            <span class="arrow-label">{label}</span>
          </span>
        </button>
        {isOpen ? (
          <div class="event-payload">
            <p class="soft">
              <code>{message.event}</code> at {clockTime(message.at)}
              {message.count > 1 ? `, the last of ${message.count} at ${clockTime(message.until)}` : ''}
            </p>
            <JsonTree value={message.payload} />
          </div>
        ) : null}
      </li>
    );
  },
  (before, next) =>
    before.message === next.message &&
    before.times === next.times &&
    before.isOpen === next.isOpen &&
    before.partiesKey === next.partiesKey &&
    before.from === next.from &&
    before.to === next.to,
);

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
