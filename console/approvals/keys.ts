import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';

const STORED = 'switchboard.approval-keys';

/** Whether single keys do anything here: who dictates, or has a keyboard that presses by itself, turns them off. */
export const hasKeys = signal(read() !== 'off');

/** Turns the keys on or off, in this browser. */
export function setKeys(on: boolean): void {
  hasKeys.value = on;
  try {
    localStorage.setItem(STORED, on ? 'on' : 'off');
  } catch {
    // A browser that stores nothing forgets it with the page.
  }
}

function read(): string | null {
  try {
    return localStorage.getItem(STORED);
  } catch {
    return null;
  }
}

/** Calls with each key that is pressed alone, and is no part of a text or a dialog. */
export function usePressed(pressed: (event: KeyboardEvent) => void): void {
  const latest = useRef(pressed);
  latest.current = pressed;
  useEffect(() => {
    const listen = (event: KeyboardEvent) => {
      if (hasKeys.peek() && !isElsewhere(event)) latest.current(event);
    };
    document.addEventListener('keydown', listen);
    return () => document.removeEventListener('keydown', listen);
  }, []);
}

function isElsewhere({ target, ctrlKey, metaKey, altKey, isComposing, defaultPrevented }: KeyboardEvent): boolean {
  if (ctrlKey || metaKey || altKey || isComposing || defaultPrevented) return true;
  if (document.querySelector('dialog[open]')) return true;
  return target instanceof Element && target.closest('input, textarea, select, [contenteditable]') !== null;
}
