import './side.css';
import './charts.css';
import './tree.css';
import './chart.css';
import './sequence.css';
import { useEffect, useState } from 'preact/hooks';
import { go, route } from '../route.ts';
import { ActorPage } from './actor-page.tsx';
import { loadStored } from './elk.ts';
import { TreePane } from './tree-pane.tsx';
import { feed, useFeed } from './watching.ts';

/** Live statecharts: every actor in a tree, and of the chosen one its chart, context, events and messages. */
export function Charts() {
  useFeed();
  const state = feed.state.value;
  const [, chosen] = route.value;
  const [follows, setFollows] = useState(false);
  useEffect(() => {
    // What fails here fails again, and is said, where a chart is opened.
    loadStored().catch(() => {});
  }, []);
  if (state.kind === 'unavailable') return <TurnedOff />;
  return (
    <div class={`charts${chosen === undefined ? '' : ' has-chosen'}`}>
      <h1 class="hidden">Charts</h1>
      {state.kind === 'failed' ? (
        <p class="problem charts-problem" role="alert">
          The feed could not be opened: {state.problem}.{' '}
          <button type="button" onClick={() => feed.retry()}>
            Try again
          </button>
        </p>
      ) : null}
      <TreePane chosen={chosen} follows={follows} onFollow={setFollows} onSelect={({ id }) => go('charts', id)} />
      <ActorPage chosen={chosen} />
    </div>
  );
}

function TurnedOff() {
  return (
    <section class="turned-off">
      <h1>Live statecharts are off</h1>
      <p>This daemon was started without inspection, so there is nothing to draw. Start it with</p>
      <pre>npm start -- --inspect</pre>
      <p>
        or set <code>SWITCHBOARD_INSPECT=1</code>, and this page draws every actor as it runs. Watching costs the daemon
        nothing while nobody looks.
      </p>
    </section>
  );
}
