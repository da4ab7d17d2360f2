import { useState } from 'preact/hooks';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { JsonTree, PageHead } from '../detail.tsx';
import { clockTime, count } from '../format.ts';
import { isFeedLive } from '../host-feed.ts';
import { link } from '../route.ts';
import { events } from './kept.ts';
import { filtered, type KeptEvent, kindsOf, MAX_EVENTS } from './log.ts';
import './events.css';

/** Events that are drawn at once. */
const STEP = 200;

/** What happens at the daemon, the newest first: everything that a subscriber of `host.event` is told. */
export function Events() {
  const [filter, setFilter] = useState({ kind: '', text: '' });
  /** The events as they were when somebody paused. */
  const [held, setHeld] = useState<readonly KeptEvent[]>();
  const [most, setMost] = useState(STEP);
  const all = held ?? events.value;
  const wanted = filtered(all, filter).toReversed();
  const last = held?.at(-1)?.sequence ?? 0;
  const missed = held ? events.value.filter(({ sequence }) => sequence > last).length : 0;
  const kinds = kindsOf(events.value);
  // A kind that is wanted stays there, when the last of it has gone.
  const choices = filter.kind === '' || kinds.includes(filter.kind) ? kinds : [...kinds, filter.kind];
  return (
    <div class="events">
      <PageHead>
        <h1>
          Events <span class="soft">{count(wanted.length)}</span>
        </h1>
        <select
          aria-label="Kind"
          value={filter.kind}
          onChange={(event) => setFilter({ ...filter, kind: event.currentTarget.value })}
        >
          <option value="">all kinds</option>
          {choices.map((kind) => (
            <option key={kind} value={kind}>
              {visibleLine(kind)}
              {kind.endsWith('.') ? '*' : ''}
            </option>
          ))}
        </select>
        <button
          type="button"
          aria-pressed={held !== undefined}
          onClick={() => setHeld(held ? undefined : events.value)}
        >
          {held ? 'Go on' : 'Pause'}
        </button>
        <input
          type="search"
          aria-label="Find in the events"
          placeholder="Find"
          maxLength={256}
          value={filter.text}
          onInput={(event) => setFilter({ ...filter, text: event.currentTarget.value })}
        />
      </PageHead>
      <p class="soft" role="status" aria-label="Feed">
        {held
          ? `Paused. ${missed === 0 ? 'Nothing has come since.' : `${count(missed)} have come since.`}`
          : isFeedLive.value
            ? `The newest ${count(MAX_EVENTS)} are kept here, while the console is open.`
            : 'The feed waits for the connection.'}
      </p>
      {wanted.length === 0 ? (
        <p class="empty">{all.length === 0 ? 'Nothing has happened yet.' : 'None is like that.'}</p>
      ) : (
        <ol class="happenings" aria-label="Events">
          {wanted.slice(0, most).map((event) => (
            <Happening key={event.sequence} event={event} />
          ))}
        </ol>
      )}
      {wanted.length > most ? (
        <button type="button" onClick={() => setMost(most + STEP)}>
          Show {count(Math.min(STEP, wanted.length - most))} more
        </button>
      ) : null}
    </div>
  );
}

function Happening({ event }: { event: KeptEvent }) {
  const { kind, agent_id, message, payload, timestamp, sequence, isCut } = event;
  const [isOpen, setOpen] = useState(false);
  const at = Date.parse(timestamp);
  return (
    <li>
      <div class="happening-line">
        <time dateTime={timestamp} title={visibleLine(timestamp)}>
          {Number.isNaN(at) ? visibleLine(timestamp) : clockTime(at)}
        </time>
        <code class="happening-kind">{visibleLine(kind)}</code>
        {agent_id === undefined ? null : (
          <a href={link('agents', agent_id)}>
            <code>{visibleLine(agent_id)}</code>
          </a>
        )}
        <span class="happening-words">{visible(message)}</span>
        {payload === undefined || payload === null ? null : (
          <button type="button" class="quiet small" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
            Payload<span class="hidden"> of event {sequence}</span>
          </button>
        )}
      </div>
      {isCut ? (
        <p class="soft">
          Its payload is too large to be kept here: <code>host.events</code> with <code>before: {sequence + 1}</code>{' '}
          tells it.
        </p>
      ) : null}
      {isOpen ? <JsonTree value={payload} /> : null}
    </li>
  );
}
