import type { Chat, ChatEvent } from '../../client/node.ts';
import { RpcError } from '../../client/node.ts';
import { ErrorCode } from '../../protocol/wire-error.ts';

/** An answer that the agent did not take is given again after so many milliseconds, at the least. */
const LEAST_AGAIN_MS = 1_000;

/**
 * Approvals of a turn whose client cannot be asked: they wait for a person at the console or the command line, and are denied
 * after a while.
 */
export class Unattended {
  readonly #denyAfterMs: number;
  readonly #timers = new Map<string, NodeJS.Timeout>();

  /** @param denyAfterMs 0: at once */
  constructor(denyAfterMs: number) {
    this.#denyAfterMs = denyAfterMs;
  }

  note(chat: Chat, event: ChatEvent): void {
    if (event.kind === 'approval_pending' || event.kind === 'gate_pending')
      this.#arm(chat, event.approval_id, this.#denyAfterMs);
    else if (event.kind === 'approval_resolved' || event.kind === 'gate_resolved') this.#disarm(event.approval_id);
  }

  /** The turn is over. */
  stop(): void {
    for (const id of [...this.#timers.keys()]) this.#disarm(id);
  }

  #arm(chat: Chat, id: string, ms: number): void {
    this.#disarm(id);
    const timer = setTimeout(() => void this.#deny(chat, id), ms);
    timer.unref();
    this.#timers.set(id, timer);
  }

  #disarm(id: string): void {
    clearTimeout(this.#timers.get(id));
    this.#timers.delete(id);
  }

  async #deny(chat: Chat, id: string): Promise<void> {
    const isTaken = await chat.approve(id, false).catch(isSettled);
    // Settled meanwhile, or the turn is over.
    if (isTaken || !this.#timers.has(id)) this.#disarm(id);
    else this.#arm(chat, id, Math.max(LEAST_AGAIN_MS, this.#denyAfterMs));
  }
}

/** Whether there is nothing left to deny: somebody was quicker, or the turn is not there any more. */
function isSettled(error: unknown): boolean {
  if (!(error instanceof RpcError)) return true;
  return error.code === ErrorCode.ApprovalNotPending || error.code === ErrorCode.NotFound;
}
