import { useEffect, useRef, useState } from 'preact/hooks';
import type { Tab } from '../app.tsx';
import { host } from '../session.ts';
import { agentEntries, COMMANDS, type Entry, methodEntries, pageEntries, turnEntries } from './entries.ts';
import { type Found, find } from './fuzzy.ts';
import './palette.css';

/** What is shown of everything that fits. */
const MAX_SHOWN = 60;

/** Everything that can be reached, found by a few letters of what it is called. */
export function Palette({ tabs, onClose }: { tabs: readonly Tab[]; onClose(): void }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const list = useRef<HTMLDivElement>(null);
  const [query, setQuery] = useState('');
  const [active, setActive] = useState(0);
  const entries = useEntries(tabs);
  const found = find(entries, query, MAX_SHOWN);
  const at = Math.min(active, found.length - 1);
  useEffect(() => {
    if (!dialog.current?.open) dialog.current?.showModal();
  }, []);
  useEffect(() => {
    list.current?.querySelector('[aria-selected="true"]')?.scrollIntoView({ block: 'nearest' });
  }, [at, query]);
  const choose = (entry: Entry | undefined) => {
    if (!entry) return;
    // First, so that the focus goes where the entry leads, and not back to where it was.
    dialog.current?.close();
    entry.run();
  };
  const press = (event: KeyboardEvent) => {
    if (event.isComposing) return;
    const to = moves[event.key]?.(at, found.length);
    if (event.key === 'Enter') choose(found[at]?.item);
    else if (to === undefined) return;
    else setActive(Math.max(0, Math.min(found.length - 1, to)));
    event.preventDefault();
  };
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape closes it as well
    <dialog
      ref={dialog}
      class="palette"
      aria-label="Go to"
      onClose={onClose}
      // Whoever presses beside it wants it gone.
      onClick={(event) => event.target === dialog.current && dialog.current?.close()}
    >
      <div class="palette-inside">
        <input
          type="text"
          role="combobox"
          aria-label="Page, agent, turn, command or method"
          aria-expanded="true"
          aria-controls="palette-list"
          aria-autocomplete="list"
          aria-activedescendant={found.length > 0 ? `palette-${at}` : undefined}
          placeholder="Page, agent, turn, command, method …"
          autocomplete="off"
          autofocus
          spellcheck={false}
          maxLength={128}
          value={query}
          onInput={(event) => {
            setQuery(event.currentTarget.value);
            setActive(0);
          }}
          onKeyDown={press}
        />
        <div ref={list} id="palette-list" class="palette-list" role="listbox" tabIndex={-1} aria-label="What fits">
          {found.map(({ item, at: fits }, index) => (
            <Option
              key={item.key}
              id={`palette-${index}`}
              entry={item}
              fits={fits}
              isActive={index === at}
              onChoose={() => choose(item)}
            />
          ))}
        </div>
        <p class="palette-none soft" role="status">
          {found.length === 0 ? 'Nothing is called that.' : ''}
        </p>
      </div>
    </dialog>
  );
}

/** Where each key leads from a place, among so many. */
const moves: Readonly<Record<string, (at: number, count: number) => number>> = {
  ArrowDown: (at, count) => (at + 1) % Math.max(1, count),
  ArrowUp: (at, count) => (at <= 0 ? count - 1 : at - 1),
  PageDown: (at) => at + 10,
  PageUp: (at) => at - 10,
};

interface OptionProps {
  id: string;
  entry: Entry;
  fits: Found<Entry>['at'];
  isActive: boolean;
  onChoose(): void;
}

function Option({ id, entry: { title, hint, kind }, fits, isActive, onChoose }: OptionProps) {
  const marked = new Set(fits);
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: the field has the focus, and Enter there chooses
    // biome-ignore lint/a11y/useFocusableInteractive: the field has the focus, and names the active one
    <div id={id} role="option" aria-selected={isActive} onClick={onChoose}>
      <span class="palette-title">{marksOf(title, marked)}</span>
      {hint === undefined || hint === '' ? null : <span class="palette-hint soft">{hint}</span>}
      <span class="palette-kind soft">{kind}</span>
    </div>
  );
}

/** A title with what was typed of it marked. */
function marksOf(title: string, marked: ReadonlySet<number>) {
  if (marked.size === 0) return title;
  const parts: { text: string; isMarked: boolean }[] = [];
  for (let at = 0; at < title.length; at += 1) {
    const isMarked = marked.has(at);
    const last = parts.at(-1);
    if (last?.isMarked === isMarked) last.text += title[at];
    else parts.push({ text: title[at] ?? '', isMarked });
  }
  return parts.map(({ text, isMarked }, at) => (isMarked ? <mark key={at}>{text}</mark> : text));
}

/** What there is to go to: the pages at once, the rest as soon as the daemon has told. */
function useEntries(tabs: readonly Tab[]): readonly Entry[] {
  const [more, setMore] = useState<readonly (readonly Entry[])[]>([]);
  const fixed = [...pageEntries(tabs), ...COMMANDS];
  useEffect(() => {
    let isOver = false;
    // Of what cannot be had there is nothing to find; the rest is there all the same.
    const add = (load: Promise<readonly Entry[]>) =>
      load.then(
        (entries) => !isOver && setMore((before) => [...before, entries]),
        () => {},
      );
    const connection = host.peek();
    if (connection) {
      void add(connection.agents.list().then(agentEntries));
      void add(
        turnEntries(
          connection,
          tabs.some(({ path }) => path === 'runs'),
        ),
      );
    }
    void add(import('virtual:method-table').then(({ default: table }) => methodEntries(table)));
    return () => {
      isOver = true;
    };
  }, []);
  return [...fixed, ...more.flat()];
}
