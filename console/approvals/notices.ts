import { effect, signal } from '@preact/signals';
import type { ApprovalRow } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { pending } from '../approval-rows.ts';
import { isFeedLive } from '../host-feed.ts';
import { go } from '../route.ts';
import { noticeOf } from './notice-of.ts';

/** Whether the desktop is told of approvals: `none` where the browser cannot, `blocked` where it may not. */
export type Notices = 'on' | 'off' | 'blocked' | 'none';

const STORED = 'switchboard.approval-notices';

export const notices = signal<Notices>(read());

/** Asks the browser, which asks the person, or stops. Called by a press of a button alone. */
export async function toggleNotices(): Promise<void> {
  const isOn = notices.peek() === 'on';
  const permission = isOn ? undefined : await Notification.requestPermission();
  store(permission === 'granted' ? 'on' : 'off');
  notices.value = read();
}

function read(): Notices {
  // A page that came over plain HTTP from another machine has no notifications.
  if (!('Notification' in globalThis) || !isSecureContext) return 'none';
  if (Notification.permission === 'denied') return 'blocked';
  try {
    return Notification.permission === 'granted' && localStorage.getItem(STORED) === 'on' ? 'on' : 'off';
  } catch {
    return 'off';
  }
}

function store(wish: 'on' | 'off'): void {
  try {
    localStorage.setItem(STORED, wish);
  } catch {
    // A browser that stores nothing: then there are none.
  }
}

/** Tells the desktop of what comes while nobody looks at the page. */
export function startNotices(): void {
  let known: ReadonlySet<string> | undefined;
  effect(() => {
    const waiting = pending.value;
    if (!isFeedLive.value) return;
    const fresh = known === undefined ? [] : waiting.filter(({ id }) => !known?.has(id));
    known = new Set(waiting.map(({ id }) => id));
    if (notices.peek() === 'on' && (document.hidden || !document.hasFocus())) show(fresh);
  });
}

function show(rows: readonly ApprovalRow[]): void {
  const said = noticeOf(rows);
  const [first] = rows;
  if (!said || !first) return;
  try {
    // One at a time: the next one takes its place.
    const notice = new Notification(visibleLine(said.title), { body: visibleLine(said.body), tag: STORED });
    notice.onclick = () => {
      window.focus();
      go('approvals', first.id);
      notice.close();
    };
  } catch {
    // Browsers of phones have the name, and no such thing.
    notices.value = 'none';
  }
}
