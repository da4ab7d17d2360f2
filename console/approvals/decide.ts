import { ErrorCode, RpcError } from '../../client/browser.ts';
import { visibleLine } from '../../protocol/visible.ts';
import { approvals, keepApprovals } from '../approval-rows.ts';
import { count, words } from '../format.ts';
import { host } from '../session.ts';
import { onSignOut } from '../sign-out.ts';

/** What came of an answer: it decided, or it did not, and why. */
export type Outcome = { isDecided: true; status: string } | { isDecided: false; problem: string };

/** Answers that are under way at a time, of many. */
const AT_A_TIME = 8;
/** Answers of this page that are remembered. */
const MAX_ANSWERED = 1_000;

const answered = new Set<string>();
onSignOut(() => answered.clear());

/** Whether this page has answered it, or is about to: what is settled otherwise was settled by somebody else. */
export const isAnsweredHere = (id: string): boolean => answered.has(id);

/** Answers an approval (`host.resolve_approval`). Any label other than `approve` denies. Never rejects. */
export async function decide(id: string, resolution: string): Promise<Outcome> {
  const connection = host.peek();
  if (!connection)
    return { isDecided: false, problem: 'There is no connection to the daemon now. Try again in a moment.' };
  // The feed may tell of it before the answer is there.
  answered.add(id);
  for (const oldest of answered) if (answered.size > MAX_ANSWERED) answered.delete(oldest);
  try {
    const row = await connection.resolveApproval(id, resolution);
    keepApprovals([row]);
    if (row.status !== 'pending') return { isDecided: true, status: row.status };
    return { isDecided: false, problem: NOT_TAKEN };
  } catch (error) {
    if (error instanceof RpcError) answered.delete(id);
    return { isDecided: false, problem: explain(error) };
  }
}

/** How an answer to many went. */
export interface Tally {
  decided: number;
  /** Why some were not decided, and how many for each reason. */
  problems: ReadonlyMap<string, number>;
}

/** Gives many the same answer, those that still wait when it is their turn. Never rejects. */
export async function decideAll(ids: readonly string[], resolution: string): Promise<Tally> {
  const left = [...ids];
  const problems = new Map<string, number>();
  let decided = 0;
  const work = async () => {
    for (let id = left.shift(); id !== undefined; id = left.shift()) {
      const isWaiting = approvals.peek().get(id)?.status === 'pending';
      const outcome: Outcome = isWaiting ? await decide(id, resolution) : { isDecided: false, problem: MEANWHILE };
      if (outcome.isDecided) decided += 1;
      else problems.set(outcome.problem, (problems.get(outcome.problem) ?? 0) + 1);
    }
  };
  await Promise.all(Array.from({ length: AT_A_TIME }, work));
  return { decided, problems };
}

/** The same in words. @param what `denied` */
export function tallyWords({ decided, problems }: Tally, what: string): string {
  const said = [...problems].map(([problem, times]) => ` ${count(times)} not: ${problem}`);
  return `${count(decided)} ${what}.${said.join('')}`;
}

const NOT_TAKEN = 'The agent did not take the answer; it still waits for one.';
const MEANWHILE = 'It was answered, or withdrawn, meanwhile.';

function explain(error: unknown): string {
  if (!(error instanceof RpcError)) {
    return 'The connection was lost before the answer was confirmed. If this is still pending, answer again.';
  }
  switch (error.code) {
    case ErrorCode.ApprovalNotPending: {
      const { resolution } = (error.data ?? {}) as { resolution?: unknown };
      return typeof resolution === 'string'
        ? `Somebody was faster: ${visibleLine(words(resolution))}.`
        : 'Somebody was faster, or is answering it at this moment.';
    }
    case ErrorCode.AgentRejected:
    case ErrorCode.DeadlineExceeded:
      return NOT_TAKEN;
    default:
      return `The daemon refused the answer: ${error.message}.`;
  }
}
