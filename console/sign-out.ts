import { type Signal, signal } from '@preact/signals';

const listeners = new Set<() => void>();

/** Hears when the person signs out, and what the page keeps of them is to be forgotten. */
export function onSignOut(listener: () => void): void {
  listeners.add(listener);
}

/** Has everything forgotten. */
export function forgetAll(): void {
  for (const listener of listeners) listener();
}

/** Something that the daemon told: it is as at the beginning when the person signs out. */
export function ofSession<T>(initial: T): Signal<T> {
  const told = signal(initial);
  onSignOut(() => {
    told.value = initial;
  });
  return told;
}
