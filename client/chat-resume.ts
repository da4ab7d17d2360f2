import type { ChatEvent } from '../protocol/events.ts';
import type { ResultOf } from '../protocol/methods.ts';
import type { EndedStatus } from '../protocol/resume.ts';
import type { ChatPosition } from './chat-position.ts';
import { isReadable } from './event-shapes.ts';

const ENDED: Readonly<Record<EndedStatus, true>> = { done: true, failed: true, cancelled: true, abandoned: true };

/** Whether this is the status of a turn that has ended: one with a terminal, and no live stream. */
export function isEnded(status: string): boolean {
  return Object.hasOwn(ENDED, status);
}

/**
 * The events that the broker does not send again, and that a reader must have.
 *
 * - Where the broker has not kept everything: one `token` with all the text that is missing, so that the answer is
 *   whole and in order. It is marked `synthesized` (which no agent can do) and `recovered`.
 * - The approvals that still wait, where their event is not among those to come: it was dropped, or, for a reader that
 *   is new, was read by another process.
 *
 * @returns undefined where the text was too long to be kept: the answer cannot be made whole.
 */
export function missedEvents(
  result: ResultOf<'agents.chat.subscribe'>,
  arrived: ChatPosition,
  isNew: boolean,
): ChatEvent[] | undefined {
  const { session_id, turn_id, agent_id, recovered, text } = result;
  const missed: ChatEvent[] = [];
  if (!recovered) {
    if (text === undefined || text.length < arrived.textLength) return undefined;
    // The last event of an ended turn comes by itself.
    const seq = isEnded(result.status) ? result.head - 1 : result.head;
    const stamp = { session_id, turn_id, agent_id, seq_from: arrived.seq + 1, seq };
    const delta = text.slice(arrived.textLength);
    missed.push({ kind: 'token', delta, ...stamp, synthesized: true, recovered: true });
  }
  for (const event of result.pending_approvals.filter(isReadable)) {
    const wasRead = event.seq !== undefined && event.seq <= arrived.seq;
    // What waits at the gate is in no log: only this tells of it.
    if (event.seq === undefined || (wasRead ? isNew : !recovered)) missed.push(event);
  }
  return missed;
}
