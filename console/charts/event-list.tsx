import { useMemo, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { clockTime, count } from '../format.ts';
import { link } from '../route.ts';
import { JsonTree } from './json-tree.tsx';
import type { HeardEvent, WatchedActor } from './model.ts';
import { nameOf } from './payload.ts';
import { titleOf } from './tree-rows.ts';
import { feed } from './watching.ts';

/** What an actor has heard last, the newest first. */
export function EventList({ actor }: { actor: WatchedActor }) {
  void feed.slowVersion.value;
  const [filter, setFilter] = useState('');
  const [frozen, setFrozen] = useState<readonly HeardEvent[]>();
  const [open, setOpen] = useState<number>();
  const all = useMemo(() => frozen ?? [...actor.events], [frozen, actor, actor.events.at(-1)]);
  const wanted = filter.trim().toLowerCase();
  const events = all.filter((event) => wanted === '' || textOf(event).includes(wanted)).reverse();
  return (
    <section class="actor-events" aria-label="Events">
      <header>
        <h3>Events</h3>
        <label class="hidden" for="event-filter">
          Filter events
        </label>
        <input
          id="event-filter"
          type="search"
          placeholder="Filter events"
          value={filter}
          onInput={(event) => setFilter(event.currentTarget.value)}
        />
        <button
          type="button"
          class="small"
          aria-pressed={frozen !== undefined}
          onClick={() => setFrozen(frozen ? undefined : [...actor.events])}
        >
          {frozen ? 'Go on' : 'Pause'}
        </button>
      </header>
      {events.length === 0 ? (
        <p class="empty">
          {all.length === 0 ? 'It has heard nothing since you began to watch.' : 'No event holds these words.'}
        </p>
      ) : (
        <ol class="event-rows">
          {events.map((event) => (
            <EventRow
              key={event.sequence}
              event={event}
              isOpen={open === event.sequence}
              onToggle={() => setOpen(open === event.sequence ? undefined : event.sequence)}
            />
          ))}
        </ol>
      )}
    </section>
  );
}

interface EventRowProps {
  event: HeardEvent;
  isOpen: boolean;
  onToggle(): void;
}

function EventRow({ event, isOpen, onToggle }: EventRowProps) {
  const name = nameOf(event.event, event.payload);
  return (
    <li class={isOpen ? 'open' : undefined}>
      <div class="event-head">
        <time>{clockTime(event.at)}</time>
        <button type="button" class="event-name" aria-expanded={isOpen} onClick={onToggle}>
          {event.event}
          {name === event.event ? null : <span class="soft"> {visibleLine(name)}</span>}
          {event.count > 1 ? <span class="times"> ×{count(event.count)}</span> : null}
        </button>
        <Sender id={event.from} />
      </div>
      {isOpen ? (
        <div class="event-payload">
          <JsonTree value={event.payload} />
        </div>
      ) : (
        <code class="event-preview" aria-hidden="true">
          {previewOf(event)}
        </code>
      )}
    </li>
  );
}

function Sender({ id }: { id: string | null }) {
  if (id === null) return <span class="event-from soft">from outside</span>;
  const actor = feed.model.actors.get(id);
  if (!actor) return <span class="event-from soft">from one that is gone</span>;
  return (
    <span class="event-from soft">
      from{' '}
      <a href={link('charts', id)} title={actor.name}>
        {actor.machine === 'broker' ? 'broker' : `${actor.machine} ${titleOf(actor)}`}
      </a>
    </span>
  );
}

const previews = new WeakMap<HeardEvent, string>();

/** The payload in one line. Kept: a list of two hundred is drawn again with each event. */
function previewOf(event: HeardEvent): string {
  let preview = previews.get(event);
  if (preview === undefined) {
    preview = visibleLine(JSON.stringify(event.payload) ?? '').slice(0, 2_048);
    previews.set(event, preview);
  }
  return preview.length > 240 ? `${preview.slice(0, 240)}…` : preview;
}

function textOf(event: HeardEvent): string {
  const sender = event.from === null ? undefined : feed.model.actors.get(event.from);
  previewOf(event);
  return `${event.event} ${sender?.name ?? ''} ${sender ? titleOf(sender) : ''} ${previews.get(event)}`.toLowerCase();
}
