import { computed, signal } from '@preact/signals';
import { addressOf, placeOf, type Query } from './address.ts';

const place = signal(placeOf(location.hash));

/** The address's fragment in parts: `#/charts/turn-1` is `['charts', 'turn-1']`. */
export const route = computed(() => place.value.parts);

/** What stands behind the fragment's `?`: `#/runs?q=state%3Afailed` has a `q`. */
export const query = computed(() => place.value.query);

addEventListener('hashchange', () => {
  place.value = placeOf(location.hash);
});

/** The address of a place in the console, for `href`. */
export const link = (...parts: string[]): string => addressOf(parts);

/** The same with something behind its `?`. */
export const linkWith = (parts: readonly string[], fields: Query): string => addressOf(parts, fields);

/** Goes to a place in the console. */
export const go = (...parts: string[]): void => {
  location.hash = link(...parts);
};

/**
 * The address says something else of the same place: no step back leads to what it said before. Where it names another
 * place by now it stays: whoever calls is drawn yet, and about to go.
 */
export function restate(parts: readonly string[], fields: Query): void {
  const address = addressOf(parts, fields);
  if (address === location.hash || addressOf(placeOf(location.hash).parts) !== addressOf(parts)) return;
  history.replaceState(null, '', address);
  place.value = placeOf(address);
}
