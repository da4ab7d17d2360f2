import { isAgentPrincipal } from '../../protocol/principal.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { KeptFacts } from './kept-facts.ts';
import { TURN } from './lifecycle.ts';
import type { LogReader } from './recovered-log.ts';
import { Opening } from './resume/opening.ts';
import type { TurnLog } from './resume/turn-log.ts';
import { STANDING_GOALS } from './standing-goal.ts';
import { raiseChatApproval } from './turn-children.ts';
import { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/** A cancel with grace, as it is kept. */
export interface KeptCancel {
  reason?: Turn['toldReason'];
  /** Unix milliseconds. */
  grace_ends_at?: number;
}

/** Nobody goes on with it. */
export function abandonTurn(kernel: Kernel, turn: Turn | undefined): void {
  if (turn?.ref) tell(kernel.ref, turn.ref, { type: 'agent.gone', code: 'agent_disconnected', mayReturn: false });
}

/** Starts the actor of a turn whose log has been read: it goes on when its agent comes. */
export function startRestored(
  kernel: Kernel,
  turn: Turn,
  log: TurnLog,
  { approvals }: Pick<LogReader, 'approvals'>,
  cancel: KeptCancel | undefined,
): void {
  const { byId, sessions, claims } = kernel.get(TURNS);
  turn.log = log;
  turn.seq = log.head;
  turn.lastFrameAt = kernel.clock.now();
  if (cancel?.grace_ends_at !== undefined) {
    turn.isAgentTold = turn.isEnding = true;
    turn.toldReason = cancel.reason;
    // The wall clock may have been set back meanwhile.
    const left = Math.min(cancel.grace_ends_at - Date.now(), kernel.limits.maxGraceMs);
    turn.graceEndsAt = kernel.clock.now() + Math.max(0, left);
  }
  // Of two in a session the first had ended, as what was damaged would say; or it is the one that nobody has come back for.
  abandonTurn(kernel, sessions.live(turn.sessionKey));
  byId.set(turn.id, turn);
  sessions.start(turn);
  claims?.keep(turn.sessionKey);
  kernel.audit.of(turn.owner, 'turn.recover', 'ok', turn.id, { session: turn.sessionId, agent: turn.agentId });
  for (const { event, seq } of approvals.values()) raiseChatApproval(kernel, turn, event, seq);
  kernel.children.start(kernel.get(TURN), turn.id, turn, { turn });
}

/** The record of a turn from before the broker was started anew. Neither its host nor its agent is there. */
export function restoredTurn(kernel: Kernel, facts: KeptFacts, agent: Client): Turn {
  const { agent_id, conversation_id, model, front, prompt_hash, token_hash, traceparent, tracestate } = facts;
  const turn = new Turn({
    id: facts.id,
    sessionId: facts.session_id,
    sessionKey: facts.session_key,
    // Of its prompt nothing was kept.
    params: { agent_id, conversation_id, model, resume_window_ms: facts.window_ms, prompt: '', context: {} },
    host: { id: facts.opener_id, principal: facts.owner },
    accounts: kernel.shared.of({ principal: facts.owner, role: isAgentPrincipal(facts.owner) ? 'agent' : 'client' }),
    agent,
    askers: [],
    opening: prompt_hash === undefined ? undefined : Opening.restored(agent_id, prompt_hash, token_hash),
    detached: kernel.get(TURNS).logs.detached,
    callId: kernel.nextCallId(),
    createdAt: facts.created_at,
    now: kernel.clock.now(),
    limits: kernel.limits,
    standingGoal: facts.has_standing_goal ? kernel.get(STANDING_GOALS)(facts.session_key) : undefined,
    isFollower: false,
    isKept: true,
    restored: { front },
  });
  if (turn.line && facts.has_ticket) turn.line.isKeptWhole = true;
  if (traceparent !== undefined) turn.trace = { traceparent, tracestate };
  return turn;
}
