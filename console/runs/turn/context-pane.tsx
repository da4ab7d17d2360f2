import { JsonTree } from '../../charts/json-tree.tsx';
import { brief } from '../../charts/sequence-names.ts';
import { fieldsOf } from './changes.ts';
import type { Player } from './player.ts';
import type { RecordedActor } from './recorded-log.ts';
import { standAt } from './replay.ts';
import { standingOf } from './steps.ts';

/** What an actor knew at the moment; what has changed since the moment before is marked. */
export function ContextPane({ player, actor }: { player: Player; actor: RecordedActor }) {
  const index = player.index.value;
  const moments = player.moments.value;
  const now = standAt(actor, moments[index]?.until ?? Number.POSITIVE_INFINITY);
  const earlier = index > 0 ? standAt(actor, moments[index - 1]?.until ?? 0) : undefined;
  const states = now ? standingOf(now.state) : '';
  return (
    <section class="turn-context" aria-label="Context">
      <header>
        <h2>Context</h2>
        <span class="soft">{now ? states : 'not there yet'}</span>
      </header>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: a box that scrolls must be reachable by the keyboard */}
      <div class="pane-scroll" tabIndex={0}>
        {now
          ? fieldsOf(now.context, earlier?.context).map(({ name, value, change, before }) => (
              <div key={name} class={`context-field${change ? ` ${change}` : ''}`}>
                {change ? (
                  <span class="context-change">
                    {change}
                    {change === 'new' ? '' : `, was ${brief(before)}`}
                  </span>
                ) : null}
                {change === 'gone' ? <s>{name}</s> : <JsonTree name={name} value={value} depth={1} />}
              </div>
            ))
          : null}
        {actor.now.output !== undefined && now && actor.now.status !== 'active' && index === moments.length - 1 ? (
          <JsonTree name="output" value={actor.now.output} />
        ) : null}
      </div>
    </section>
  );
}
