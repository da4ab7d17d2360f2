import type { Subject } from './chart-drawing.tsx';
import { type ChartGraph, type ChartTransition, labelOf } from './graph.ts';
import { namesOf } from './model.ts';

interface SubjectNoteProps {
  graph: ChartGraph;
  subject: Subject | undefined;
  /** The active states, which are told of where nothing else is looked at. */
  state: readonly string[];
  /** Edges that were taken, and how often. */
  trail: ReadonlyMap<string, number> | undefined;
}

/** What there is to say of the state or edge that is looked at: descriptions, and the actions that the drawing leaves out. */
export function SubjectNote({ graph, subject, state, trail }: SubjectNoteProps) {
  const edge = subject?.kind === 'edge' ? graph.edges.find(({ id }) => id === subject.id) : undefined;
  if (edge) {
    const count = trail?.get(edge.id);
    return (
      // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
      <section class="chart-note" aria-label="Note" tabIndex={0}>
        <p>
          <strong>{namesOf([edge.source, edge.target]).join(' → ')}</strong>
          {count === undefined ? null : <span class="soft"> taken {count === 1 ? 'once' : `${count} times`}</span>}
        </p>
        <Lines transitions={edge.transitions} />
      </section>
    );
  }
  const path = subject?.kind === 'state' ? subject.id : state.at(-1);
  const found = graph.states.find((one) => one.path === path);
  if (!found) return <div class="chart-note" />;
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached by the keyboard
    <section class="chart-note" aria-label="Note" tabIndex={0}>
      <p>
        <strong>{found.name}</strong>
        <span class="soft"> {found.description ?? ''}</span>
      </p>
      <Lines transitions={found.stays} />
    </section>
  );
}

function Lines({ transitions }: { transitions: readonly ChartTransition[] }) {
  if (transitions.length === 0) return null;
  return (
    <ul>
      {transitions.map((transition) => (
        <li key={transition.id}>
          <code>{labelOf(transition)}</code>
          {transition.actions.length === 0 ? null : <code class="soft"> / {transition.actions.join(', ')}</code>}
          {transition.description === undefined ? null : <span class="soft"> {transition.description}</span>}
        </li>
      ))}
    </ul>
  );
}
