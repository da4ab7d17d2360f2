import { WireError } from '../../protocol/errors.ts';
import { type EndedStatus, isEnded } from '../../protocol/resume.ts';
import { forOwner } from '../kernel/audience.ts';
import type { Client } from '../kernel/client.ts';
import type { Happening } from '../kernel/event-log.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { namedEvent } from '../kernel/named-event.ts';
import { agentSessionId } from '../kernel/session-name.ts';
import { sees } from '../kernel/sight.ts';
import type { TurnLog } from './resume/turn-log.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

/**
 * The live turn that a client means by a session's id: one of its own principal, else one that it sees or answers, by the name
 * that the agent has for it. Undefined also where there is one that does not exist for it (`wire.md` section 2).
 */
export function liveTurn(kernel: Kernel, from: Client, sessionId: string): Turn | undefined {
  const { sessions } = kernel.get(TURNS);
  const own = sessions.live(agentSessionId(from.principal, sessionId));
  if (own) return own;
  const other = sessions.live(sessionId);
  return other && (other.agent === from || sees(from, other.owner, other.agentId)) ? other : undefined;
}

/** Under which names a session may be kept that a client means by an id: see {@link liveTurn}. */
export const sessionNames = (call: { from: Client; params: { session_id: string } }): readonly string[] => {
  const { from, params } = call;
  return [agentSessionId(from.principal, params.session_id), params.session_id];
};

/**
 * How a turn has ended that is not yet buried: its log has the terminal, and does not know what it means.
 * @returns undefined where it is live
 * @throws {WireError} `-32603` where its actor broke: nobody can say, until it is buried
 */
export function endingOf({ ref, status }: Turn): EndedStatus | undefined {
  const actor = ref?.getSnapshot();
  if (actor?.status === 'active') return undefined;
  if (actor?.status === 'done' && isEnded(status)) return status;
  throw WireError.internal();
}

/** The log of an ended turn that a client means; see {@link liveTurn}. */
export function endedLog(kernel: Kernel, from: Client, sessionId: string, turnId?: string): TurnLog | undefined {
  const { logs } = kernel.get(TURNS);
  const now = kernel.clock.now();
  const own = logs.find(agentSessionId(from.principal, sessionId), turnId, now);
  if (own) return own;
  const other = logs.find(sessionId, turnId, now);
  return other && sees(from, other.owner, other.agentId) ? other : undefined;
}

/**
 * An event about a turn, for whoever sees it: to another principal than its owner by its agent's name for the session.
 * @param say - with that name; it is called at once
 */
export function turnEvent(
  { owner, agent, agentId, sessionId, sessionKey }: Turn,
  say: Parameters<typeof namedEvent>[3],
): Pick<Happening, 'audience' | 'message' | 'payload' | 'views'> {
  return {
    audience: forOwner(owner, agentId, agent.principal),
    ...namedEvent(sessionId, sessionKey, { owner }, say),
  };
}
