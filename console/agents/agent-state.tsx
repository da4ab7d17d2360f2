import type { AgentRow } from '../../client/browser.ts';

/** Whether an agent is there. One without a row is told of by a connection, and nobody can chat with it. */
export function AgentState({ row }: { row: AgentRow | undefined }) {
  if (!row) return <span class="state">told of</span>;
  return (
    <span class="state" data-tone={row.attached ? 'good' : 'off'}>
      {row.attached ? 'attached' : 'not attached'}
    </span>
  );
}
