import { useState } from 'preact/hooks';
import { ErrorCode } from '../../client/browser.ts';
import { visible, visibleLine } from '../../protocol/visible.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { JsonTree } from '../detail.tsx';
import { sizeOf } from '../events/log.ts';
import { count } from '../format.ts';
import type { Outcome } from './aside.ts';
import { masked } from './secrets.ts';

/** Characters of an answer that are shown as text. */
const MAX_TEXT = 200_000;
/** A larger answer is shown as text alone. Characters or so. */
const MAX_TREE = 200_000;

/** What came of a request. Its secrets are shown when somebody asks for them. */
export function Answer({ outcome }: { outcome: Outcome }) {
  const [isText, setText] = useState(false);
  const [shows, setShows] = useState(false);
  const whole = outcome.kind === 'result' ? outcome.result : outcome.kind === 'error' ? outcome.data : undefined;
  const { value, secrets } = masked(whole);
  const shown = shows ? whole : value;
  // A tree of it would hold the page up.
  const isLarge = sizeOf(whole, MAX_TREE) > MAX_TREE;
  const asText = isText || isLarge;
  return (
    <section class="answer" aria-labelledby="answer" data-kind={outcome.kind}>
      <h3 id="answer">
        {outcome.kind === 'result' ? 'Result' : outcome.kind === 'error' ? headOf(outcome.code) : 'No answer'}{' '}
        <span class="soft">after {count(outcome.took)} ms</span>
      </h3>
      {outcome.kind === 'result' ? null : <p class="refusal">{visible(outcome.message)}</p>}
      {outcome.kind === 'failed' || whole === undefined ? null : asText ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
        <pre tabIndex={0}>{cut(visible(writeJson(shown, 2)))}</pre>
      ) : (
        <JsonTree value={shown} />
      )}
      {outcome.kind === 'failed' || whole === undefined ? null : (
        <p class="buttons">
          {isLarge ? null : (
            <button type="button" class="small" onClick={() => setText(!isText)}>
              {isText ? 'As a tree' : 'As text'}
            </button>
          )}
          {secrets > 0 ? (
            <button type="button" class="small" aria-pressed={shows} onClick={() => setShows(!shows)}>
              {shows ? 'Mask' : 'Show'} {secrets === 1 ? 'the secret' : `the ${count(secrets)} secrets`}
            </button>
          ) : null}
        </p>
      )}
    </section>
  );
}

function headOf(code: number): string {
  const [name] = Object.entries(ErrorCode).find(([, value]) => value === code) ?? [];
  return `Error ${code}${name === undefined ? '' : ` ${visibleLine(name)}`}`;
}

function cut(text: string): string {
  return text.length <= MAX_TEXT
    ? text
    : `${text.slice(0, MAX_TEXT)}… ${count(text.length - MAX_TEXT)} more characters`;
}
