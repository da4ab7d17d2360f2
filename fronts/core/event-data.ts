import type { ChatEvent } from '../../client/node.ts';
import type { JsonObject } from '../../protocol/json.ts';

/** An event as any agent may send it. */
export type AnyEvent = { kind: string } & Record<string, unknown>;

/** What an event says beside where it belongs. */
export function dataOf(event: ChatEvent): JsonObject {
  const { kind, agent_id, turn_id, session_id, seq, seq_from, ...data } = event as AnyEvent;
  return data;
}

/** What a person is asked. */
export type Question = Extract<ChatEvent, { kind: 'approval_pending' | 'gate_pending' }>;

/** What of it a client is shown. */
export function questionOf(event: Question) {
  const { tool, action, params, details, deadline, expires_at } = event as AnyEvent;
  const name = String(tool ?? action ?? 'approval');
  const until = deadline ?? expires_at;
  return { name, tool, action, params, details, until };
}
