import table from 'virtual:method-table';
import { useEffect, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonTree, PageHead } from '../detail.tsx';
import { clockTime, count } from '../format.ts';
import { link, route } from '../route.ts';
import { closeAside, heard, isOpen } from './aside.ts';
import type { HeardFrame } from './frames.ts';
import { MethodForm } from './method-form.tsx';
import './methods.css';

/** Characters of a frame that are shown before it is opened. */
const MAX_EXCERPT = 300;

/** Every request that whoever is signed in here may send, each with a form. */
export function Methods() {
  const [wanted, setWanted] = useState('');
  const chosen = route.value[1] || undefined;
  const method = table.find(({ name }) => name === chosen);
  // What was opened by the form goes with its page.
  useEffect(() => closeAside, []);
  const word = wanted.trim().toLowerCase();
  const shown = table.filter(({ name, summary }) => `${name} ${summary}`.toLowerCase().includes(word));
  return (
    <div class={chosen === undefined ? 'methods' : 'methods has-chosen'}>
      <section class="method-list" aria-labelledby="methods">
        <PageHead>
          <h1 id="methods">Methods</h1>
          <input
            type="search"
            aria-label="Find a method"
            placeholder="Find"
            maxLength={128}
            value={wanted}
            onInput={(event) => setWanted(event.currentTarget.value)}
          />
        </PageHead>
        {shown.length === 0 ? <p class="empty">None is like that.</p> : null}
        <nav aria-label="Methods">
          {shown.map(({ name, changes }) => (
            <a key={name} href={link('methods', name)} aria-current={name === chosen ? 'true' : undefined}>
              <code>{name}</code>
              {changes ? <span class="method-changes soft"> changes</span> : null}
            </a>
          ))}
        </nav>
      </section>
      <div class="method-pane">
        {chosen !== undefined ? (
          <p class="method-back">
            <a href={link('methods')}>All methods</a>
          </p>
        ) : null}
        {method ? (
          <MethodForm key={method.name} method={method} />
        ) : (
          <p class="empty">
            {chosen === undefined ? (
              'Choose a method: its form sends it to this daemon as it is.'
            ) : (
              <>
                There is no method <code>{visibleLine(chosen)}</code> that can be sent from here.
              </>
            )}
          </p>
        )}
        {isOpen.value ? <Heard /> : null}
      </div>
    </div>
  );
}

/** What came to the form's connection meanwhile: events of turns that it opened, of what it subscribed to. */
function Heard() {
  const frames = heard.value;
  return (
    <section class="heard" aria-labelledby="heard">
      <h2 id="heard">
        Came since <span class="soft">{count(frames.length)}</span>
      </h2>
      <p class="soft">
        The form has a connection of its own. What you open, register or subscribe to by it ends when you leave the
        page.{' '}
        <button type="button" class="small" onClick={closeAside}>
          End it now
        </button>
      </p>
      <ol class="heard-frames">
        {frames.toReversed().map((frame) => (
          <Frame key={frame.key} frame={frame} />
        ))}
      </ol>
    </section>
  );
}

/** One of them: how it begins in one line, and the whole where somebody opens it. */
function Frame({ frame: { at, method, params, size } }: { frame: HeardFrame }) {
  const [shown, setShown] = useState(false);
  const name = (
    <>
      <span class="soft">{clockTime(at)}</span> <code>{visibleLine(method)}</code>{' '}
    </>
  );
  if (params === undefined) {
    return (
      <li>
        {name}
        <span class="soft">{count(size)} characters</span>
      </li>
    );
  }
  return (
    <li>
      <details onToggle={(event) => setShown(event.currentTarget.open)}>
        <summary>
          {name}
          <code class="heard-excerpt">{visibleLine(writeJson(params).slice(0, MAX_EXCERPT))}</code>
        </summary>
        {shown ? <JsonTree value={params} /> : null}
      </details>
    </li>
  );
}
