import { visibleLine } from '../../protocol/visible.ts';
import { link } from '../route.ts';
import { type CrossingPart, crossingOf } from './crossing.ts';
import { namesOf, type WatchedActor } from './model.ts';
import { toneOf } from './tree.tsx';
import { shortName, titleOf } from './tree-rows.ts';
import { feed } from './watching.ts';

const ABOUT: Record<CrossingPart['part'], string> = {
  host: 'the connection that has opened it',
  extension: 'what that connection has at the other broker',
  guest: 'who stands for it there',
  turn: 'the turn, which lives where its agent is',
  agent: 'the connection that answers it',
};

/** Of a turn whose host is at another broker than its agent: who takes part in it, broker by broker, and where each stands. */
export function BothSides({ actor }: { actor: WatchedActor }) {
  void feed.slowVersion.value;
  const parts = crossingOf(feed.model, actor);
  if (!parts) return null;
  const brokers = [...new Set(parts.map(({ broker }) => broker))];
  return (
    <nav class="both-sides" aria-label="Both sides">
      {brokers.map((broker) => (
        <section key={broker} aria-label={`At broker ${visibleLine(broker)}`}>
          <h3>broker {visibleLine(broker)}</h3>
          <ol>
            {parts
              .filter((one) => one.broker === broker)
              .map(({ part, actor: one }) => (
                <li key={part} title={ABOUT[part]}>
                  <span class="soft">{part}</span>{' '}
                  {one === undefined ? (
                    <span class="soft">not there</span>
                  ) : (
                    <>
                      <a href={link('charts', one.id)} aria-current={one === actor ? 'page' : undefined}>
                        <bdi>{nameOf(part, one)}</bdi>
                      </a>{' '}
                      <span class="state" data-tone={toneOf(one)}>
                        {namesOf(one.state).join(' ')}
                      </span>
                    </>
                  )}
                </li>
              ))}
          </ol>
        </section>
      ))}
    </nav>
  );
}

/** What tells it from others of its kind. */
function nameOf(part: CrossingPart['part'], actor: WatchedActor): string {
  if (part === 'extension') return `to ${titleOf(actor)}`;
  return part === 'turn' || part === 'agent' ? titleOf(actor) : visibleLine(shortName(actor));
}
