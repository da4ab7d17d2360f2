const APPROVING: ReadonlySet<unknown> = new Set([true, 'approve', 'approved', 'yes']);

/** Whether an `agents.chat.approve` approves: `true`, `approve`, `approved` and `yes` do; anything else denies. */
export function approves(decision: unknown): boolean {
  return APPROVING.has(decision);
}
