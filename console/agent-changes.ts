import { signal } from '@preact/signals';

/** Many agents that come at once are one change. */
const CHANGE_MS = 300;

/** Grows whenever an agent comes, goes or changes. */
export const agentChanges = signal(0);

let change: ReturnType<typeof setTimeout> | undefined;

/** Notes that an agent has come, gone or changed. */
export function noteAgentChange(): void {
  if (change !== undefined) return;
  change = setTimeout(() => {
    change = undefined;
    agentChanges.value += 1;
  }, CHANGE_MS);
}
