import type { AnyActorRef } from 'xstate';
import type { GateEvent } from '../../protocol/events.ts';
import type { Principal } from '../../protocol/principal.ts';
import type { TraceContext } from '../../protocol/trace.ts';
import type { Client } from '../kernel/client.ts';
import { key } from '../kernel/key.ts';
import type { LazySet } from '../kernel/lazy.ts';
import { tell } from '../kernel/tell.ts';
import type { Approval, ApprovalOutcome } from './approval-record.ts';

/** The turn that a request belongs to which is parked at the gate. */
export interface GatedTurn {
  readonly id: string;
  readonly sessionId: string;
  readonly owner: Principal;
  readonly agentId: string;
  readonly trace: TraceContext | undefined;
  /** Who is asked. Absent while the turn waits for it to come back. */
  readonly host: Client | undefined;
  /** What is parked of it. */
  readonly gates: LazySet<Approval>;
  /** Until its host has been told that the agent accepted, it hears nothing of the turn. */
  readonly isAccepted: boolean;
  /** Nothing follows its terminal. */
  readonly isTerminated: boolean;
  readonly isEnding: boolean;
  /** When its agent was last heard, in the clock's milliseconds. */
  lastFrameAt: number;
}

/** Finds the live turn of a session that this client answers. Whoever keeps the turns says how. */
export const FIND_TURN = key<(sessionId: string, agent: Client) => GatedTurn | undefined>('the turns of the gate');

const RESOLUTIONS: Record<ApprovalOutcome, 'approve' | 'deny' | 'timeout' | 'withdrawn'> = {
  approved: 'approve',
  denied: 'deny',
  expired: 'timeout',
  withdrawn: 'withdrawn',
};

/** `gate_pending`, as a turn's host hears it, and finds it when it comes back (`wire.md` sections 5 and 8). */
export function gatePending(turn: GatedTurn, approval: Approval): GateEvent {
  const { action, details } = approval.subject;
  // A gate's always has an end.
  const { created_at, expires_at = created_at } = approval.publicRow();
  return { ...head(turn), kind: 'gate_pending', approval_id: approval.id, action, details, expires_at };
}

/** A request of this turn is parked now: its host hears so. */
export function joinTurn(source: AnyActorRef, turn: GatedTurn, approval: Approval): void {
  turn.gates.add(approval);
  if (turn.isAccepted) say(source, turn, gatePending(turn, approval));
}

/** The turn was accepted: its host hears of what was parked before. */
export function announceGates(source: AnyActorRef, turn: GatedTurn): void {
  for (const approval of turn.gates) say(source, turn, gatePending(turn, approval));
}

/** What was parked is settled, in whatever way: its host hears so before anything comes of it. */
export function leaveTurn(
  source: AnyActorRef,
  turn: GatedTurn,
  approval: Approval,
  outcome: ApprovalOutcome,
  now: number,
): void {
  if (!turn.gates.delete(approval)) return;
  // What its agent has waited for was no silence of its own.
  turn.lastFrameAt = now;
  if (!turn.isAccepted) return;
  say(source, turn, {
    ...head(turn),
    kind: 'gate_resolved',
    approval_id: approval.id,
    resolution: RESOLUTIONS[outcome],
  });
}

const head = (turn: GatedTurn) => ({
  session_id: turn.sessionId,
  turn_id: turn.id,
  agent_id: turn.agentId,
  synthesized: true as const,
});

/** A frame of its own, and no event of the turn's: it is neither counted nor logged, and never merged or dropped. */
function say(source: AnyActorRef, { host, isTerminated }: GatedTurn, event: GateEvent): void {
  if (host && !isTerminated) tell(source, host.ref, { type: 'chat.deliver', params: { ...event } });
}
