import { effect, signal } from '@preact/signals';
import type { ApprovalRow, Host, HostEvent, HostSubscription } from '../client/browser.ts';
import { agentChanges, noteAgentChange } from './agent-changes.ts';
import { keepApprovals, replaceApprovals } from './approval-rows.ts';
import { keepEvent, keepEvents } from './events/kept.ts';
import { nextFrame } from './next-frame.ts';
import { host } from './session.ts';

const RETRY_MS = 2_000;

/** Whether the approvals are those of now: false while there is no connection. */
export const isFeedLive = signal(false);

/** Keeps what the daemon tells its subscribers (`wire.md` section 4), from now on and over every reconnect. */
export function startFeed(): void {
  effect(() => {
    const connection = host.value;
    if (!connection) return;
    const feed = follow(connection);
    return () => {
      feed.stop();
      isFeedLive.value = false;
    };
  });
}

function follow(connection: Host): { stop(): void } {
  let isOver = false;
  let subscription: HostSubscription | undefined;
  /** What came since the page was drawn: a thousand approvals that come at once are one change. */
  let fresh: ApprovalRow[] = [];
  const keepFresh = () => {
    if (!isOver && fresh.length > 0) keepApprovals(fresh);
    fresh = [];
  };
  const take = (event: HostEvent) => {
    const { kind, payload } = event;
    keepEvent(event);
    if (kind === 'approval.requested' || kind === 'approval.resolved') {
      if (fresh.push(payload as ApprovalRow) === 1) nextFrame(keepFresh);
    } else if (kind.startsWith('agent.')) noteAgentChange();
  };
  const run = async () => {
    while (!isOver) {
      try {
        subscription = await connection.subscribe();
        if (isOver) return subscription.close();
        fresh = [];
        replaceApprovals(subscription.snapshot.approvals);
        keepEvents(subscription.snapshot.events, subscription.snapshot.event_sequence);
        agentChanges.value += 1;
        isFeedLive.value = true;
        for await (const event of subscription) take(event);
      } catch {
        // It was lost, and a new one comes with a new connection; or more came than could be read, and it starts anew.
      }
      if (!isOver) await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
    }
  };
  void run();
  return {
    stop() {
      isOver = true;
      subscription?.close();
    },
  };
}
