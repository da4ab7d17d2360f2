import type { JsonObject } from '../../protocol/json.ts';
import { type ChatResult, type ChatSubscribeResult, isEnded } from '../../protocol/resume.ts';
import type { Client } from '../kernel/client.ts';
import type { Extension } from './extension-record.ts';
import { extensionsOf } from './extensions.ts';

/* What a broker knows of turns elsewhere that its connections read. */

/** Where a connection has a turn in this session. */
export function hostedAt(from: Client, sessionId: string): string | undefined {
  for (const [peer, { isOpen, turns }] of extensionsOf(from))
    if (isOpen) for (const turn of turns.values()) if (turn.sessionId === sessionId) return peer;
  return undefined;
}

/** The connection watches no more. */
export function forgetWatched({ turns }: Extension, { session_id: session }: JsonObject): void {
  for (const [id, { role, sessionId }] of turns) if (role === 'observer' && sessionId === session) turns.delete(id);
}

/** A turn of the connection's is at the other broker from now on. */
export function noteTurn({ turns }: Extension, method: string, params: JsonObject, result: unknown): void {
  if (method !== 'agents.chat' && method !== 'agents.chat.subscribe') return;
  const said = result as ChatResult & Partial<ChatSubscribeResult>;
  const {
    after = 0,
    role = 'controller',
    claim,
    hasWindow,
    agent_id: agentId = said.agent_id,
  } = params as Partial<Asks>;
  const known = turns.get(said.turn_id);
  // Its host goes on being that, whatever else it asks.
  if (known?.role === 'controller' && role === 'observer') return;
  // Nothing of it is to come.
  if (isEnded(said.status) && (said.head ?? 0) <= after) return;
  turns.set(said.turn_id, {
    turnId: said.turn_id,
    sessionId: said.session_id,
    agentId: agentId ?? '',
    resumeToken: said.resume_token ?? (params.resume_token as string | undefined),
    hasWindow,
    role,
    claim,
    isOpener: method === 'agents.chat',
    seq: heardBy(said, after),
  });
}

/** The last event that a connection has, once it has this answer: with the text that stands for what was gone it has all but the end. */
function heardBy({ recovered, head, status }: Partial<ChatSubscribeResult>, after: number): number {
  if (recovered !== false || head === undefined) return after;
  return isEnded(status) ? head - 1 : head;
}

/** A turn of the connection's at the other broker was cancelled. @param now - in the clock's milliseconds */
export function noteCancel({ turns }: Extension, { session_id: session, grace_ms }: JsonObject, now: number): void {
  if (typeof grace_ms !== 'number' || grace_ms <= 0) return;
  for (const turn of turns.values())
    if (turn.sessionId === session && turn.role === 'controller')
      turn.graceEndsAt = Math.min(turn.graceEndsAt ?? Number.POSITIVE_INFINITY, now + grace_ms);
}

interface Asks {
  after: number;
  role: 'controller' | 'observer';
  claim: string | undefined;
  agent_id: string;
  /** See `HostedTurn.hasWindow`. */
  hasWindow: boolean | undefined;
}
