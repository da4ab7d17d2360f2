import { computed, effect, signal } from '@preact/signals';
import type { ApprovalRow, Host, HostEvent, HostSubscription } from '../client/browser.ts';
import { host } from './session.ts';

/** Resolved approvals that are kept, as many as the daemon keeps. */
const MAX_RESOLVED = 500;
const RETRY_MS = 2_000;
/** Many agents that come at once are one change. */
const CHANGE_MS = 300;

/** Every approval that the daemon tells of, by its id, in the order in which they were raised. */
export const approvals = signal<ReadonlyMap<string, ApprovalRow>>(new Map());

/** Those that wait for somebody, the longest first. */
export const pending = computed(() => [...approvals.value.values()].filter(({ status }) => status === 'pending'));

/** Grows whenever an agent comes, goes or changes. */
export const agentChanges = signal(0);

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
  const run = async () => {
    while (!isOver) {
      try {
        subscription = await connection.subscribe();
        if (isOver) return subscription.close();
        replace(subscription.snapshot.approvals);
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

function replace(rows: readonly ApprovalRow[]): void {
  const sorted = [...rows].sort((one, other) => one.created_at - other.created_at);
  approvals.value = new Map(sorted.map((row) => [row.id, row]));
  agentChanges.value += 1;
  isFeedLive.value = true;
}

function take({ kind, payload }: HostEvent): void {
  if (kind === 'approval.requested' || kind === 'approval.resolved') keep(payload as ApprovalRow);
  else if (kind.startsWith('agent.')) noteChange();
}

let change: ReturnType<typeof setTimeout> | undefined;

function noteChange(): void {
  if (change !== undefined) return;
  change = setTimeout(() => {
    change = undefined;
    agentChanges.value += 1;
  }, CHANGE_MS);
}

/** Keeps a row as it is now. */
export function keep(row: ApprovalRow): void {
  const rows = new Map(approvals.peek()).set(row.id, row);
  let surplus = rows.size - pending.peek().length - MAX_RESOLVED;
  for (const [id, { status }] of rows) {
    if (surplus <= 0) break;
    if (status === 'pending') continue;
    rows.delete(id);
    surplus -= 1;
  }
  approvals.value = rows;
}
