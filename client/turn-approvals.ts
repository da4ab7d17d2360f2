import type { ChatApproveParams } from '../protocol/approvals.ts';
import { approves } from '../protocol/approves.ts';
import { checkOptions } from '../protocol/options.ts';
import { APPROVAL_REQUEST } from './agent-known-options.ts';
import { newApprovalId } from './ids.ts';
import type { Reply } from './peer.ts';
import type { AgentEvent } from './turn.ts';

/** Longest that a timer waits; beyond it the platform's fires at once. Milliseconds. */
const MAX_TIMER_MS = 2 ** 31 - 1;

/** So many are listed to a broker, which takes no more: those that it has kept are the oldest, and far fewer. */
const MAX_LISTED = 1_000;

/** What a person is asked, and how long one may take. */
export type ApprovalRequest = {
  /** The agent's own id for it. Default: a fresh one. */
  approvalId?: string | undefined;
  /** What the tool would be given. */
  params?: unknown;
  /** Whatever helps to decide. */
  details?: unknown;
  /** Nobody's answer counts as none from then on. Default: waits as long as the turn lives. */
  deadline?: Date | undefined;
  /** The same, from now on. Milliseconds. */
  timeoutMs?: number | undefined;
} & ({ tool: string; action?: string | undefined } | { action: string; tool?: string | undefined });

/** How it was decided. */
export interface ApprovalOutcome {
  approvalId: string;
  approved: boolean;
  resolution: 'approve' | 'deny' | 'timeout';
  /** As whoever decided wrote it; undefined where nobody did. */
  decision: boolean | string | undefined;
  /** What they wrote beside it. */
  answer: unknown;
}

interface Pending {
  settle(resolution: ApprovalOutcome['resolution'], decided?: Pick<ChatApproveParams, 'decision' | 'answer'>): void;
}

/** The approvals that one turn waits for. */
export class TurnApprovals {
  readonly #emit: (event: AgentEvent) => boolean;
  readonly #over: AbortSignal;
  readonly #pending = new Map<string, Pending>();

  /** @param emit sends an event of the turn. @param over aborts when the turn is cancelled or has ended. */
  constructor(emit: (event: AgentEvent) => boolean, over: AbortSignal) {
    this.#emit = emit;
    this.#over = over;
  }

  /** Those that nobody has decided, as `agent.resume` lists them. */
  get ids(): string[] {
    return [...this.#pending.keys()].slice(0, MAX_LISTED);
  }

  request(request: ApprovalRequest): Promise<ApprovalOutcome> {
    const outcome = new Promise<ApprovalOutcome>((resolve, reject) => {
      this.#over.throwIfAborted();
      checkOptions('requestApproval', request, APPROVAL_REQUEST);
      const { approvalId = newApprovalId(), tool, action, params, details, timeoutMs } = request;
      if (this.#pending.has(approvalId)) throw new TypeError(`approval ${approvalId} is being waited for already`);
      const deadline = request.deadline ?? (timeoutMs === undefined ? undefined : new Date(Date.now() + timeoutMs));
      const event = { kind: 'approval_pending', approval_id: approvalId, tool, action, params, details };
      // Before anything is kept: it throws where JSON cannot write it.
      this.#emit(deadline ? { ...event, deadline: deadline.toISOString() } : event);

      const finish = () => {
        stopTimer();
        this.#over.removeEventListener('abort', giveUp);
        this.#pending.delete(approvalId);
      };
      const giveUp = () => {
        finish();
        reject(this.#over.reason);
      };
      const settle: Pending['settle'] = (resolution, { decision, answer } = {}) => {
        finish();
        this.#emit({ kind: 'approval_resolved', approval_id: approvalId, resolution });
        resolve({ approvalId, approved: resolution === 'approve', resolution, decision, answer });
      };
      const stopTimer = deadline ? startTimer(deadline, () => settle('timeout')) : () => {};
      this.#over.addEventListener('abort', giveUp);
      this.#pending.set(approvalId, { settle });
    });
    // Who does not wait for it is not ended by a host that leaves: an unhandled rejection ends the whole agent.
    outcome.catch(() => {});
    return outcome;
  }

  /** `agent.chat.approve`. False, and not answered, where nothing of that id is waited for. */
  resolve(params: ChatApproveParams, reply: Reply): boolean {
    const pending = this.#pending.get(params.approval_id);
    if (!pending) return false;
    reply.result({ resolved: true });
    pending.settle(approves(params.decision) ? 'approve' : 'deny', params);
    return true;
  }
}

/** Returns how to stop it. */
function startTimer(deadline: Date, expire: () => void): () => void {
  let timer: ReturnType<typeof setTimeout>;
  const left = () => Math.max(0, deadline.getTime() - Date.now());
  const wait = () => {
    timer = setTimeout(() => (left() > 0 ? wait() : expire()), Math.min(left(), MAX_TIMER_MS));
  };
  wait();
  return () => clearTimeout(timer);
}
