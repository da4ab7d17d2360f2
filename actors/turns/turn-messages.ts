import { type AgentChatParams, type ChatParams, PASSED_ON } from '../../protocol/chat.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Client } from '../kernel/client.ts';
import { sortedTools } from '../tools/client-tools.ts';
import type { Turn } from './turn-record.ts';

/** A terminal that the broker makes itself (`wire.md` section 6). */
export type SynthesizedTerminal =
  | { kind: 'done'; finish_reason: 'cancelled' }
  | {
      kind: 'error';
      error: string;
      code:
        | 'agent_disconnected'
        | 'agent_replaced'
        | 'stale'
        | 'slow_consumer'
        | 'draining'
        | 'too_large'
        | 'event_refused'
        | 'session_conflict'
        | 'internal';
    };

/** The parameters of `agent.chat`. The broker's own keys of the context win over the host's. */
export function callAgentParams(turn: Turn, params: ChatParams, host: Client): AgentChatParams {
  const passed = Object.fromEntries(
    PASSED_ON.map((name) => [name, params[name]]).filter(([, value]) => value !== undefined),
  );
  return {
    session_id: turn.sessionKey,
    turn_id: turn.id,
    ...(passed as Pick<ChatParams, (typeof PASSED_ON)[number]>),
    context: {
      ...params.context,
      host_client_id: host.origin,
      voice_input: params.voice_input,
      tools: sortedTools(host),
      principal: asAgentsHear(host),
    },
  };
}

/** Who asks, as an agent is told (`docs/protocol.md#principals`). */
function asAgentsHear({ principal: { tenant, sub }, identity }: Client): JsonObject {
  return { sub, tenant, ...(identity?.name === undefined ? {} : { name: identity.name }) };
}

/**
 * Puts the broker's stamp on an event: `agent_id`, `turn_id`, the host's own `session_id` and the next `seq`; an agent's own
 * `seq`, `seq_from` and `synthesized` go. In place: the event was parsed for this and is nobody else's.
 */
export function stamp(turn: Turn, params: JsonObject): JsonObject {
  // `delete` makes an object slow to write, so only where there is something to delete.
  if (params.seq_from !== undefined) delete params.seq_from;
  if (params.synthesized !== undefined) delete params.synthesized;
  if (params.aseq !== undefined) delete params.aseq;
  if (turn.sessionKey !== turn.sessionId) params.session_id = turn.sessionId;
  params.agent_id = turn.agentId;
  params.turn_id = turn.id;
  params.seq = turn.seq;
  return params;
}
