import type { HostEvent } from '../../client/browser.ts';
import { nextFrame } from '../next-frame.ts';
import { ofSession, onSignOut } from '../sign-out.ts';
import { EventLog, type KeptEvent } from './log.ts';

let log = new EventLog();
let fresh: HostEvent[] = [];

/** The newest events that the daemon has told, oldest first. */
export const events = ofSession<readonly KeptEvent[]>([]);

onSignOut(() => {
  log = new EventLog();
  fresh = [];
});

/** Keeps an event: those that come at once are one change. */
export function keepEvent(event: HostEvent): void {
  if (fresh.push(event) > 1) return;
  nextFrame(() => {
    log.add(fresh);
    fresh = [];
    events.value = log.events;
  });
}

/** Keeps what was before there was a connection. @param sequence - of the last one */
export function keepEvents(before: readonly HostEvent[], sequence: number): void {
  log.restart(before, sequence);
  events.value = log.events;
}
