import { isAgentPrincipal } from '../../protocol/principal.ts';
import type { Client } from '../kernel/client.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { KeptFacts } from './kept-facts.ts';
import { Opening } from './resume/opening.ts';
import { STANDING_GOALS } from './standing-goal.ts';
import { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

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
  if (traceparent !== undefined) turn.trace = { traceparent, tracestate };
  return turn;
}
