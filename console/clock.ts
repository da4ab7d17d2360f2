import { signal } from '@preact/signals';

/** Unix milliseconds, once a second while the page is to be seen. */
export const now = signal(Date.now());

setInterval(() => {
  if (document.visibilityState === 'visible') now.value = Date.now();
}, 1_000);
