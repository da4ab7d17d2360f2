import { memo } from 'preact/compat';
import { type ChartGraph, type ChartTransition, labelOf } from './graph.ts';

/** The chart as a list: for who cannot see the drawing, or would rather read. */
export const ChartWords = memo(function ChartWords({
  graph,
  active,
  trail,
}: {
  graph: ChartGraph;
  active: ReadonlySet<string>;
  /** Edges that were taken, by id. */
  trail: ReadonlySet<string>;
}) {
  return (
    <details class="chart-words">
      <summary>The chart in words</summary>
      {graph.description === undefined ? null : <p>{graph.description}</p>}
      <ul aria-label="States">
        {graph.states.map((state) => (
          <li key={state.path} aria-current={active.has(state.path) ? 'true' : undefined}>
            <strong>{state.path}</strong>
            <span class="soft">
              {[
                state.isInitial ? 'begins here' : '',
                state.type === 'atomic' ? '' : state.type,
                active.has(state.path) ? 'active' : '',
              ]
                .filter((word) => word !== '')
                .map((word) => ` · ${word}`)
                .join('')}
            </span>
            {state.description === undefined ? null : <p>{state.description}</p>}
            <ul>
              {state.entry.map((action) => (
                <li key={action}>on entry: {action}</li>
              ))}
              {state.exit.map((action) => (
                <li key={action}>on exit: {action}</li>
              ))}
              {graph.edges
                .filter(({ source }) => source === state.path)
                .flatMap(({ id, target, transitions }) => transitions.map((transition) => ({ id, target, transition })))
                .map(({ id, target, transition }) => (
                  <li key={`${transition.id}→${target}`}>
                    {sentenceOf(transition)} → <strong>{target}</strong>
                    {trail.has(id) ? <span class="soft"> · this way was taken</span> : null}
                  </li>
                ))}
              {state.stays.map((transition) => (
                <li key={transition.id}>{sentenceOf(transition)} → stays</li>
              ))}
            </ul>
          </li>
        ))}
      </ul>
      {graph.everywhere.length === 0 ? null : (
        <ul aria-label="In every state">
          {graph.everywhere.map((transition) => (
            <li key={transition.id}>
              in every state: {sentenceOf(transition)} → {transition.targets.join(', ') || 'stays'}
            </li>
          ))}
        </ul>
      )}
    </details>
  );
});

const sentenceOf = (transition: ChartTransition): string =>
  transition.actions.length === 0 ? labelOf(transition) : `${labelOf(transition)}: ${transition.actions.join(', ')}`;
