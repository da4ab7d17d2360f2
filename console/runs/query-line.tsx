import { useEffect, useRef, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { MAX_QUERY, type QueryFault } from './query-text.ts';
import { type Known, suggestionsAt } from './suggest.ts';

/** So long after the last key a query is asked. Milliseconds. */
const PAUSE_MS = 300;

interface QueryLineProps {
  /** The query that is asked. */
  line: string;
  fault: QueryFault | undefined;
  known: Known;
  onChange(line: string): void;
}

/** Where one types what to look for; what is wrong with it is marked in place. */
export function QueryLine({ line, fault, known, onChange }: QueryLineProps) {
  const input = useRef<HTMLInputElement>(null);
  const [typed, setTyped] = useState(line);
  const [cursor, setCursor] = useState(0);
  const timer = useRef<ReturnType<typeof setTimeout>>(undefined);
  // A view was chosen, or one went back: the line is another one.
  useEffect(() => {
    clearTimeout(timer.current);
    setTyped(line);
  }, [line]);
  useEffect(() => () => clearTimeout(timer.current), []);
  const change = (text: string, isDone: boolean) => {
    setTyped(text);
    clearTimeout(timer.current);
    if (isDone) onChange(text);
    else timer.current = setTimeout(() => onChange(text), PAUSE_MS);
  };
  const isAsked = typed === line;
  const { at, end, options } = suggestionsAt(typed, cursor, known);
  const put = (text: string) => {
    const isWhole = !/[:>]$/.test(text);
    const next = `${typed.slice(0, at)}${text}${isWhole ? ' ' : ''}${typed.slice(end).trimStart()}`;
    const to = at + text.length + (isWhole ? 1 : 0);
    change(next, isWhole);
    setCursor(to);
    const element = input.current;
    if (!element) return;
    element.value = next;
    element.focus();
    element.setSelectionRange(to, to);
  };
  const noteCursor = () => setCursor(input.current?.selectionStart ?? 0);
  return (
    <search class="query-line">
      <form
        onSubmit={(event) => {
          event.preventDefault();
          change(typed, true);
        }}
      >
        <input
          ref={input}
          type="search"
          aria-label="Query"
          aria-invalid={fault && isAsked ? 'true' : undefined}
          aria-describedby={fault && isAsked ? 'query-fault' : undefined}
          placeholder={'agent:coder state:failed dur>5s since:2h "no match"'}
          autocomplete="off"
          spellcheck={false}
          maxLength={MAX_QUERY}
          value={typed}
          onInput={(event) => {
            change(event.currentTarget.value, false);
            noteCursor();
          }}
          onKeyUp={noteCursor}
          onClick={noteCursor}
        />
      </form>
      {fault && isAsked ? <Fault line={typed} fault={fault} /> : null}
      {/* Always there, so that nothing moves below a press when the field is left. */}
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset has a frame, and this is no part of the form */}
      <div class="query-options" role="group" aria-label="It can go on with" onKeyDown={walk}>
        {options.map(({ text, about }, index) => (
          <button
            key={text}
            type="button"
            class="quiet small"
            title={about}
            // One stop for the Tab key: from there the arrow keys walk.
            tabIndex={index === 0 ? 0 : -1}
            onClick={() => put(text)}
          >
            <code>{visibleLine(text)}</code>
          </button>
        ))}
      </div>
    </search>
  );
}

function walk({ key, target }: KeyboardEvent): void {
  if (!(target instanceof HTMLElement)) return;
  const next = { ArrowRight: target.nextElementSibling, ArrowLeft: target.previousElementSibling }[key];
  if (next instanceof HTMLElement) next.focus();
}

/** The line again, with the place that is wrong marked, and why. */
function Fault({ line, fault: { at, end, message } }: { line: string; fault: QueryFault }) {
  return (
    <div id="query-fault" class="query-fault" role="alert">
      <code aria-hidden="true">
        {visibleLine(line.slice(Math.max(0, at - 60), at))}
        <mark>{visibleLine(line.slice(at, Math.min(end, at + 120))) || ' '}</mark>
        {visibleLine(line.slice(end, end + 60))}
      </code>
      <p>{visibleLine(message)}</p>
    </div>
  );
}
