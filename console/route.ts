import { signal } from '@preact/signals';

const read = () =>
  location.hash
    .replace(/^#\/?/, '')
    .split('/')
    .map((part) => {
      try {
        return decodeURIComponent(part);
      } catch {
        return part;
      }
    });

/** The address's fragment in parts: `#/charts/turn-1` is `['charts', 'turn-1']`. */
export const route = signal(read());

addEventListener('hashchange', () => {
  route.value = read();
});

/** The address of a place in the console, for `href`. */
export const link = (...parts: string[]): string => `#/${parts.map(encodeURIComponent).join('/')}`;

/** Goes to a place in the console. */
export const go = (...parts: string[]): void => {
  location.hash = link(...parts);
};
