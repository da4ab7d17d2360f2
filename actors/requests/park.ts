import { WireError } from '../../protocol/errors.ts';
import { raiseApproval } from '../approvals/approval.ts';
import type { Call } from './dispatcher.ts';
import { checkApprovalRoom, jsonBytes } from './payload-size.ts';
import { preview } from './preview.ts';
import { reply } from './reply.ts';

/**
 * Has a request wait for a person's word (`wire.md` section 5): approved, it runs; denied or not answered in time, it
 * gets `-32003`; its caller gone, it is withdrawn.
 * @throws {WireError} `-32020` where this caller has too many waiting.
 */
export function parkAtGate(
  { state, from, id, params }: Call<unknown>,
  method: string,
  shown: ((params: unknown) => unknown) | undefined,
  run: () => void,
): void {
  const seen = shown ? shown(params) : state.gate.shown(params);
  const details = { method, params_preview: preview(seen) };
  checkApprovalRoom(state, from.approvals.size, jsonBytes(details));
  const approval = raiseApproval(state, {
    kind: 'gate',
    raiser: from,
    agentId: from.agentId ?? null,
    action: `ws.method:${method}`,
    details,
    timeoutMs: state.gate.timeoutMs,
    onSettled: (outcome) => {
      if (outcome === 'approved') run();
      else if (outcome !== 'withdrawn') {
        const reason = outcome === 'denied' ? 'denied' : 'timeout';
        reply(state, from, id, { error: WireError.approvalDenied(reason, approval.id) });
      }
    },
  });
}
