import type { AnyActorRef } from 'xstate';
import type { BrokerEvent } from '../../machines/broker.machine.ts';
import type { TurnEvent } from '../../machines/turn.machine.ts';
import { TERMINAL_KINDS } from '../../protocol/events.ts';
import type { DropReason } from '../kernel/counters.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Sessions } from './sessions.ts';

type ChatEventRouted = Extract<BrokerEvent, { type: 'chat.event' }>;
type AgentEventType = 'chat.event' | 'turn.terminal' | 'approval.pending' | 'approval.resolved';

const EVENT_TYPES: ReadonlyMap<string, AgentEventType> = new Map([
  ...[...TERMINAL_KINDS].map((kind) => [kind, 'turn.terminal'] as const),
  ['approval_pending', 'approval.pending'],
  ['approval_resolved', 'approval.resolved'],
]);

/**
 * Which turn an agent's event belongs to, and whether this client may send it (`wire.md` section 6). What may not pass
 * is dropped, counted and logged, and reaches no host. The connection itself is compared, never its agent's id: a
 * replaced connection's late events belong to nobody (law 15).
 */
export function routeChatEvent(kernel: Kernel, sessions: Sessions, event: ChatEventRouted, self: AnyActorRef): void {
  const { from, params, bytes } = event;
  const turn = sessions.live(params.session_id);
  if (!turn?.ref) drop(kernel, event, 'unknown_session');
  else if (turn.agent !== from) drop(kernel, event, 'not_owner');
  else if (params.turn_id !== undefined && params.turn_id !== turn.id) drop(kernel, event, 'wrong_turn');
  else tell<TurnEvent>(self, turn.ref, { type: EVENT_TYPES.get(params.kind) ?? 'chat.event', params, bytes });
}

function drop(kernel: Kernel, { from, params }: ChatEventRouted, reason: DropReason): void {
  kernel.counters.drop(reason);
  const { session_id: session, kind } = params;
  kernel.log.debug({ client: from.id, reason, session, kind: kind.slice(0, 128) }, 'dropped an event');
}
