import { ErrorCode, RpcError } from '../../client/browser.ts';
import { keepApprovals } from '../approval-rows.ts';
import { words } from '../format.ts';
import { host } from '../session.ts';

/** What came of an answer: it decided, or it did not, and why. */
export type Outcome = { isDecided: true; status: string } | { isDecided: false; problem: string };

/** Answers an approval (`host.resolve_approval`). Any label other than `approve` denies. Never rejects. */
export async function decide(id: string, resolution: string): Promise<Outcome> {
  const connection = host.peek();
  if (!connection)
    return { isDecided: false, problem: 'There is no connection to the daemon now. Try again in a moment.' };
  try {
    const row = await connection.resolveApproval(id, resolution);
    keepApprovals([row]);
    if (row.status !== 'pending') return { isDecided: true, status: row.status };
    return { isDecided: false, problem: NOT_TAKEN };
  } catch (error) {
    return { isDecided: false, problem: explain(error) };
  }
}

const NOT_TAKEN = 'The agent did not take the answer; it still waits for one.';

function explain(error: unknown): string {
  if (!(error instanceof RpcError)) {
    return 'The connection was lost before the answer was confirmed. If this is still pending, answer again.';
  }
  switch (error.code) {
    case ErrorCode.ApprovalNotPending: {
      const { resolution } = (error.data ?? {}) as { resolution?: unknown };
      return typeof resolution === 'string'
        ? `Somebody was faster: ${words(resolution)}.`
        : 'Somebody was faster, or is answering it at this moment.';
    }
    case ErrorCode.AgentRejected:
    case ErrorCode.DeadlineExceeded:
      return NOT_TAKEN;
    default:
      return `The daemon refused the answer: ${error.message}.`;
  }
}
