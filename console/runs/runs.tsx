import { query, route } from '../route.ts';
import { ComparePage } from './compare-page.tsx';
import { FileDrop } from './file-drop.tsx';
import { RunsList } from './runs-list.tsx';
import { TurnPage } from './turn-page.tsx';
import './runs.css';
import './turn-page.css';

/** Recorded turns: all of them in a table, one of them, or two beside each other. */
export function Runs() {
  const [, chosen] = route.value;
  return (
    <FileDrop>
      {chosen === undefined || chosen === '' ? (
        <RunsList />
      ) : chosen === 'compare' ? (
        <ComparePage a={query.value.get('a') ?? ''} b={query.value.get('b') ?? ''} />
      ) : (
        <TurnPage key={chosen} id={chosen} />
      )}
    </FileDrop>
  );
}
