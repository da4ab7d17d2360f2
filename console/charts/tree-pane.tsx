import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { count } from '../format.ts';
import { go } from '../route.ts';
import type { WatchedActor } from './model.ts';
import { ActorTree } from './tree.tsx';
import { kindsOf, rowsOf } from './tree-rows.ts';
import { feed } from './watching.ts';

interface TreePaneProps {
  /** The name or id in the address. */
  chosen: string | undefined;
  /** Whether each new turn is shown as it starts. */
  follows: boolean;
  onFollow(follows: boolean): void;
  onSelect(actor: WatchedActor): void;
}

/** The tree of actors, with what narrows it down. */
export function TreePane({ chosen, follows, onFollow, onSelect }: TreePaneProps) {
  const version = feed.slowVersion.value;
  const { model } = feed;
  const [text, setText] = useState('');
  const [kind, setKind] = useState('');
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set());
  const rows = useMemo(() => rowsOf(model, { text, kind }, closed), [version, text, kind, closed]);
  const toggle = (id: string, isOpen: boolean) => {
    const next = new Set(closed);
    if (isOpen) next.delete(id);
    else next.add(id);
    setClosed(next);
  };
  useNewest(follows);
  const shown = rows.filter(({ actor }) => actor).length;
  return (
    <section class="tree-pane" aria-label="Actors">
      <div class="tree-tools">
        <label class="hidden" for="tree-search">
          Search actors
        </label>
        <input
          id="tree-search"
          type="search"
          placeholder="Id, agent, state…"
          value={text}
          onInput={(event) => setText(event.currentTarget.value)}
        />
        <label class="hidden" for="tree-kind">
          Kind
        </label>
        <select id="tree-kind" value={kind} onChange={(event) => setKind(event.currentTarget.value)}>
          <option value="">all kinds</option>
          {kindsOf(model).map((one) => (
            <option key={one} value={one}>
              {one}s
            </option>
          ))}
        </select>
      </div>
      {rows.every(({ level }) => level === 1) && (text !== '' || kind !== '') ? (
        <p class="empty tree-empty">No actor is like that.</p>
      ) : null}
      {model.actors.size === 0 ? <p class="empty tree-empty">Waiting for the daemon’s actors…</p> : null}
      <ActorTree
        rows={rows}
        selected={chosen === undefined ? undefined : model.find(chosen)?.id}
        onSelect={onSelect}
        onToggle={toggle}
      />
      <footer class="tree-foot">
        <label>
          <input type="checkbox" checked={follows} onChange={(event) => onFollow(event.currentTarget.checked)} /> show
          each new turn
        </label>
        <span class="soft">
          {count(shown)} of {count(model.actors.size)}
          {model.leftOut > 0 ? `, ${count(model.leftOut)} left out` : ''}
        </span>
      </footer>
    </section>
  );
}

/** Goes to each turn that starts, while that is wanted. */
function useNewest(follows: boolean): void {
  const newest = feed.newestTurn.value;
  const last = useRef(newest);
  useEffect(() => {
    if (follows && newest !== undefined && newest !== last.current) go('charts', newest);
    last.current = newest;
  }, [follows, newest]);
}
