import { z } from 'zod';
import { FRONTS } from '../../protocol/grants.ts';
import { principal } from '../../protocol/principal.ts';
import type { Json } from '../../protocol/turn-journal.ts';
import type { Turn } from './turn-record.ts';

/** What the journal is told of a turn when it begins: all that it takes to go on with it. No secret, and nothing of its prompt. */
const keptFacts = z.object({
  version: z.literal(1),
  id: z.string(),
  session_id: z.string(),
  session_key: z.string(),
  owner: principal,
  agent_id: z.string(),
  /** Its agent numbers its events. */
  resumes: z.boolean(),
  window_ms: z.number(),
  /** Of the secret that resumes it. */
  token_hash: z.string(),
  /** Of the prompt, where its host has chosen that secret. */
  prompt_hash: z.string().optional(),
  opener_id: z.string(),
  /** Unix milliseconds. */
  created_at: z.number(),
  conversation_id: z.string().optional(),
  model: z.string().optional(),
  front: z.enum(FRONTS).optional(),
  traceparent: z.string().optional(),
  tracestate: z.string().optional(),
  /** It has the goal that stands for its session. */
  has_standing_goal: z.boolean().optional(),
  /** Its agent has a ticket for it, and keeps what it says until the turn ends. */
  has_ticket: z.boolean().optional(),
});

/** See {@link keptFacts}. */
export type KeptFacts = z.infer<typeof keptFacts>;

/** What the journal is told of a turn. `tokenHash`: of the secret that resumes it. */
export function factsToKeep(turn: Turn, { windowMs, tokenHash }: { windowMs: number; tokenHash: string }) {
  const { owner, opening, trace } = turn;
  return {
    version: 1,
    id: turn.id,
    session_id: turn.sessionId,
    session_key: turn.sessionKey,
    owner: { tenant: owner.tenant, sub: owner.sub },
    agent_id: turn.agentId,
    resumes: turn.resumes,
    window_ms: windowMs,
    token_hash: tokenHash,
    prompt_hash: opening?.promptHash,
    opener_id: turn.openerId,
    created_at: turn.createdAt,
    conversation_id: turn.conversationId,
    model: turn.model,
    front: turn.front,
    traceparent: trace?.traceparent,
    tracestate: trace?.tracestate,
    has_standing_goal: turn.standingGoal ? true : undefined,
    has_ticket: turn.line?.isKeptWhole ? true : undefined,
  } satisfies KeptFacts;
}

/** The same read again; undefined where another version of the broker has written it. */
export function readKeptFacts(facts: Json): KeptFacts | undefined {
  return keptFacts.safeParse(facts).data;
}
