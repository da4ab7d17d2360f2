import { RpcError } from '../../client/node.ts';
import { isObject } from '../../protocol/json.ts';
import { ErrorCode } from '../../protocol/wire-error.ts';

/** How an approval was decided. */
export type Decision = 'approved' | 'denied';

/** How it was decided before, by what the broker says to another answer. Undefined: it is open, as far as is known. */
export function decidedBefore(error: unknown): Decision | undefined {
  if (!(error instanceof RpcError)) return 'denied';
  const { code, data } = error;
  if (code === ErrorCode.NotFound) return 'denied';
  // Its agent is just being told somebody's answer, and may not take it.
  if (code !== ErrorCode.ApprovalNotPending || (isObject(data) && data.taken !== undefined)) return undefined;
  return isObject(data) && data.resolution === 'approved' ? 'approved' : 'denied';
}

/** The approvals that a turn's client was asked for. */
export class AskedApprovals {
  /** By their ids: whether they wait still. */
  readonly #asked = new Map<string, boolean>();

  /** Its client is asked. */
  ask(id: string): void {
    this.#asked.set(id, true);
  }

  /** Whether its client was asked for this one, and has not answered: also where somebody else was quicker. */
  awaits(id: string): boolean {
    return this.#asked.has(id);
  }

  /** Whether any of them waits for an answer. */
  get areOpen(): boolean {
    return this.open.length > 0;
  }

  /** Those that wait for an answer. */
  get open(): string[] {
    return [...this.#asked].filter(([, isOpen]) => isOpen).map(([id]) => id);
  }

  /** It waits no more, whoever has decided. */
  settled(id: string): void {
    if (this.#asked.has(id)) this.#asked.set(id, false);
  }

  /** Its client has answered. */
  answered(id: string): void {
    this.#asked.delete(id);
  }
}
