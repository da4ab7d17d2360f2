import type { AgentRow } from '../../client/browser.ts';

/** How an agent stands, in words. */
export const stateOf = (row: AgentRow | undefined): string =>
  row ? (row.attached ? 'attached' : 'not attached') : 'told of';

/** Whether an agent is there. One without a row is told of by a connection, and nobody can chat with it. */
export function AgentState({ row }: { row: AgentRow | undefined }) {
  return (
    <span class="state" data-tone={row?.attached ? 'good' : 'off'}>
      {stateOf(row)}
    </span>
  );
}
