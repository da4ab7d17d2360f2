import { useEffect, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { shownAt } from '../broker-clock.ts';
import { age, count } from '../format.ts';
import { link } from '../route.ts';
import { BothSides } from './both-sides.tsx';
import { ChartView } from './chart-view.tsx';
import { EventList } from './event-list.tsx';
import { JsonFields, JsonTree } from './json-tree.tsx';
import { namesOf, type WatchedActor } from './model.ts';
import { SequenceView } from './sequence-view.tsx';
import { toneOf } from './tree.tsx';
import { titleOf } from './tree-rows.ts';
import { feed } from './watching.ts';

/** What there is to see of the actor that the address names. */
export function ActorPage({ chosen }: { chosen: string | undefined }) {
  const [view, setView] = useState<'chart' | 'sequence'>('chart');
  // Records of actors change in place, so each part that draws one listens by itself; the chart to a faster time.
  void feed.slowVersion.value;
  const actor = chosen === undefined ? undefined : feed.model.find(chosen);
  useEffect(() => {
    feed.model.chosen = actor?.id;
    return () => {
      feed.model.chosen = undefined;
    };
  }, [actor]);
  if (chosen === undefined) return <NothingChosen />;
  if (!actor) return <Gone name={chosen} />;
  const isTurn = actor.machine === 'turn';
  const shown = isTurn ? view : 'chart';
  return (
    <article class="actor" aria-label={`${actor.machine} ${titleOf(actor)}`}>
      <header class="actor-head">
        <a class="actor-back" href={link('charts')}>
          ‹ Actors
        </a>
        <h2>
          <span class="soft">{actor.machine === 'broker' ? '' : `${actor.machine} `}</span>
          {titleOf(actor)}
        </h2>
        <p class="state" data-tone={toneOf(actor)} role="status" aria-label="State">
          {namesOf(actor.state).join(', ')}
        </p>
        <p class="soft actor-facts">
          <code>{actor.name}</code> · {atBroker(actor)}
          {lifeOf(actor)}
        </p>
        {isTurn ? <Views view={view} onView={setView} /> : null}
        <BothSides actor={actor} />
      </header>
      <div class="actor-main">{shown === 'chart' ? <ChartView actor={actor} /> : <SequenceView turn={actor} />}</div>
      <aside class="actor-side">
        <Context actor={actor} />
        <EventList key={actor.id} actor={actor} />
      </aside>
      {feed.model.dropped > 0 ? (
        <p class="soft actor-dropped">
          {count(feed.model.dropped)} records were left out, because this page could not keep up. What is drawn is right
          again.
        </p>
      ) : null}
    </article>
  );
}

function Views({ view, onView }: { view: 'chart' | 'sequence'; onView(view: 'chart' | 'sequence'): void }) {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is of a form
    <div class="views" role="group" aria-label="View">
      {(['chart', 'sequence'] as const).map((one) => (
        <button key={one} type="button" class="small" aria-pressed={view === one} onClick={() => onView(one)}>
          {one === 'chart' ? 'Chart' : 'Sequence'}
        </button>
      ))}
    </div>
  );
}

function Context({ actor }: { actor: WatchedActor }) {
  void feed.slowVersion.value;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="actor-context" aria-label="Context" tabIndex={0}>
      <header>
        <h3>Context</h3>
        <span class="soft">secrets are masked</span>
      </header>
      <JsonFields value={actor.context} />
      {actor.output === undefined ? null : <JsonTree name="output" value={actor.output} />}
    </section>
  );
}

/** Where it is, of what does not say so itself. */
const atBroker = ({ broker, machine }: WatchedActor): string =>
  broker === undefined || machine === 'broker' ? '' : `at broker ${visibleLine(broker)} · `;

function lifeOf(actor: WatchedActor): string {
  if (actor.endedAtBroker === undefined) return `runs for ${age(shownAt.value - actor.startedAt)}`;
  const lived = actor.endedAtBroker - actor.startedAt;
  const ago = age(shownAt.value - actor.endedAtBroker);
  return `ended ${ago} ago after ${lived < 1_000 ? `${Math.max(0, Math.round(lived))} ms` : age(lived)}`;
}

function NothingChosen() {
  return (
    <div class="actor-none">
      <p>Choose an actor to see the chart that it runs.</p>
      <p class="soft">
        Each connection, turn, tool callback and approval is one. Tick <em>show each new turn</em> and open a chat, in
        the <a href={link('chat')}>playground</a> for instance, to watch a turn from its first state to its last.
      </p>
    </div>
  );
}

function Gone({ name }: { name: string }) {
  const isLive = feed.state.value.kind === 'live';
  return (
    <div class="actor-none">
      <p>{isLive ? 'This actor is not there, or not any more.' : 'Waiting for the daemon’s actors…'}</p>
      <p class="soft">
        <code>{visibleLine(name)}</code>
      </p>
      {isLive ? (
        <p class="soft">
          Actors that have ended stay for a minute. <a href={link('charts')}>Choose another one</a>.
        </p>
      ) : null}
    </div>
  );
}
