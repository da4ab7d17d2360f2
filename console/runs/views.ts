import { signal } from '@preact/signals';
import { MAX_QUERY } from './query-text.ts';
import { sortOf, sortText } from './sort.ts';

/** A query with its order, under a name. */
export interface SavedView {
  name: string;
  /** The query line. */
  q: string;
  /** As `sortText` has it. */
  sort: string;
}

/** What everybody looks for, sooner or later. */
export const OWN_VIEWS: readonly SavedView[] = [
  { name: 'All', q: '', sort: '' },
  { name: 'Live', q: 'state:live', sort: '' },
  { name: 'Failed', q: 'state:failed,refused,abandoned', sort: '' },
  { name: 'A tool failed', q: 'failed>0', sort: '' },
  { name: 'Waited for a person', q: 'approvals>0', sort: '-waited' },
  { name: 'Slowest', q: '', sort: '-dur' },
];

/** Where this browser keeps views, whoever signs in. */
const KEY = 'switchboard.run-views';
export const MAX_VIEWS = 20;
export const MAX_NAME = 40;

/** What the person has saved, in that order. */
export const savedViews = signal<readonly SavedView[]>(load());

/** Keeps a view, instead of one of that name. @returns why not. */
export function saveView(view: SavedView): string | undefined {
  const name = view.name.trim().slice(0, MAX_NAME);
  if (name === '') return 'It needs a name.';
  if (OWN_VIEWS.some((own) => own.name === name)) return 'There is one of that name already.';
  const others = savedViews.peek().filter((one) => one.name !== name);
  if (others.length >= MAX_VIEWS) return `${MAX_VIEWS} are kept at most: remove one first.`;
  return keep([...others, { ...view, name }]);
}

/** Forgets a view. */
export function removeView(name: string): void {
  keep(savedViews.peek().filter((one) => one.name !== name));
}

function keep(views: readonly SavedView[]): string | undefined {
  savedViews.value = views;
  try {
    localStorage.setItem(KEY, JSON.stringify(views));
    return undefined;
  } catch {
    return 'This browser does not keep it: it is there until the page is closed.';
  }
}

function load(): readonly SavedView[] {
  try {
    return viewsIn(localStorage.getItem(KEY));
  } catch {
    return [];
  }
}

/** The views in what was stored, by whatever version of the page: what is none is left out. */
export function viewsIn(stored: string | null): SavedView[] {
  let read: unknown;
  try {
    read = JSON.parse(stored ?? '[]');
  } catch {
    return [];
  }
  if (!Array.isArray(read)) return [];
  const views = new Map<string, SavedView>();
  for (const one of read.slice(0, MAX_VIEWS)) {
    const { name, q, sort } = Object(one) as Record<string, unknown>;
    if (typeof name !== 'string' || name === '' || name.length > MAX_NAME) continue;
    if (typeof q !== 'string' || q.length > MAX_QUERY || typeof sort !== 'string') continue;
    views.set(name, { name, q, sort: sortText(sortOf(sort)) });
  }
  return [...views.values()];
}
