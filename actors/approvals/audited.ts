import { isResolved } from '../../machines/approval.machine.ts';
import { traceId } from '../../protocol/trace.ts';
import type { Audit, AuditData } from '../kernel/audit.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Approval, ApprovalHears } from './approval-record.ts';

/** Where nobody has said what there is to choose from (`wire.md` section 5). */
const DEFAULT_OPTIONS = ['approve', 'deny'];

/** Notes for the audit that somebody is asked; of what it is about, a hash (`docs/audit.md`). */
export function noteRaised({ audit }: Kernel, approval: Approval): void {
  if (!audit.isOn) return;
  approval.hash = audit.hash(askedFor(approval));
  audit.by(approval.spec.raiser, 'approval.raise', 'ok', approval.id, dataOf(audit, approval), traceOf(approval));
}

/** Notes how an approval has ended, and who has answered it. @param event that ended it; none where it broke */
export function noteResolved({ audit }: Kernel, approval: Approval, event?: ApprovalHears): void {
  if (!audit.isOn) return;
  const { status, owner } = approval;
  const by = event && answererOf(approval, event);
  const { resolution, subject } = approval;
  // One that was to choose from is a name; another one is somebody's own words.
  const isChoice = resolution !== undefined && (subject.options ?? DEFAULT_OPTIONS).includes(resolution);
  const data = { ...dataOf(audit, approval), ...(isChoice ? { resolution } : {}) };
  const trace = (event?.type === 'approval.answer' && traceId(event.asker.trace)) || traceOf(approval);
  if (by) audit.by(by, 'approval.resolve', status, approval.id, data, trace);
  else audit.own('approval.resolve', status, approval.id, { ...data, owner: owner.sub }, { trace });
}

/** The id of the trace that it belongs to. */
const traceOf = ({ spec }: Approval): string | undefined =>
  traceId(spec.trace ?? (spec.chat?.turn ?? spec.gated)?.trace);

/** Whoever has answered it; undefined where nobody has. */
function answererOf({ spec, taken }: Approval, event: ApprovalHears): Client | undefined {
  if (event.type === 'approval.answer') return event.asker.client;
  if (event.type === 'call.answered' && isResolved(event)) return taken?.asker.client;
  // The agent has settled it by itself, perhaps while an answer was on its way to it.
  const isSettled =
    event.type === 'approval.settle' || event.type === 'call.answered' || event.type === 'approve.expired';
  return isSettled ? spec.chat?.turn.agent : undefined;
}

/** What is to be allowed, whole: the parameters, where there are some; else what else was said of it. */
function askedFor({ spec, kind, subject: { hidden, details } }: Approval): unknown {
  if (kind === 'gate') return spec.params;
  if (hidden) return hidden.params ?? hidden.details;
  return details;
}

/** Names and hashes alone: only the gate's actions are names, all others somebody's own words, as are an asker's details. */
function dataOf(audit: Audit, { subject, hash, kind, spec }: Approval): AuditData {
  const { tool } = subject.details;
  const turn = spec.chat?.turn ?? spec.gated;
  return {
    kind,
    ...(kind === 'gate' ? { action: subject.action } : { action_sha256: audit.hash(subject.action) }),
    tool: typeof tool === 'string' && kind !== 'asked' ? tool : undefined,
    turn: turn?.id,
    params_sha256: hash,
  };
}
