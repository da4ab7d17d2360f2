import { useRef, useState } from 'preact/hooks';
import { visibleLine } from '../../protocol/visible.ts';
import { linkWith } from '../route.ts';
import { MAX_NAME, OWN_VIEWS, removeView, type SavedView, savedViews, saveView } from './views.ts';

/** Queries under a name: those that everybody needs, and the person's own. */
export function ViewsBar({ q, sort }: { q: string; sort: string }) {
  const [isNaming, setNaming] = useState(false);
  const [problem, setProblem] = useState<string>();
  const open = useRef<HTMLButtonElement>(null);
  const isThis = (view: SavedView) => view.q === q && view.sort === sort;
  const saved = savedViews.value;
  const save = (name: string) => {
    const why = saveView({ name, q, sort });
    setProblem(why);
    if (why !== undefined) return;
    setNaming(false);
    open.current?.focus();
  };
  return (
    <nav class="run-views" aria-label="Views">
      {OWN_VIEWS.map((view) => (
        <View key={view.name} view={view} isThis={isThis(view)} />
      ))}
      {saved.map((view) => (
        <span key={view.name} class="run-own">
          <View view={view} isThis={isThis(view)} />
          <button
            type="button"
            class="quiet small"
            aria-label={`Remove the view ${visibleLine(view.name)}`}
            onClick={() => removeView(view.name)}
          >
            ×
          </button>
        </span>
      ))}
      {[...OWN_VIEWS, ...saved].some(isThis) || isNaming ? null : (
        <button ref={open} type="button" class="small" onClick={() => setNaming(true)}>
          Save this view
        </button>
      )}
      {isNaming ? <Naming onSave={save} onCancel={() => setNaming(false)} /> : null}
      {problem === undefined ? null : <span role="alert">{problem}</span>}
    </nav>
  );
}

function View({ view: { name, q, sort }, isThis }: { view: SavedView; isThis: boolean }) {
  return (
    <a href={linkWith(['runs'], { q, sort })} aria-current={isThis ? 'true' : undefined} title={visibleLine(q)}>
      {visibleLine(name)}
    </a>
  );
}

function Naming({ onSave, onCancel }: { onSave(name: string): void; onCancel(): void }) {
  const [name, setName] = useState('');
  return (
    <form
      class="run-naming"
      onSubmit={(event) => {
        event.preventDefault();
        onSave(name);
      }}
      onKeyDown={(event) => event.key === 'Escape' && onCancel()}
    >
      <input
        ref={(input) => input?.focus()}
        aria-label="Name of the view"
        placeholder="Name"
        maxLength={MAX_NAME}
        required
        value={name}
        onInput={(event) => setName(event.currentTarget.value)}
      />
      <button type="submit" class="small primary">
        Save
      </button>
      <button type="button" class="small" onClick={onCancel}>
        Cancel
      </button>
    </form>
  );
}
