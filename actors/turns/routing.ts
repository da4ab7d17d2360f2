import type { AnyActorRef } from 'xstate';
import type { BrokerEvent } from '../../machines/broker.machine.ts';
import type { TurnEvent } from '../../machines/turn-events.ts';
import { EventFault } from '../../protocol/event-fault.ts';
import { BROKER_KINDS, type CheckedEvent, TERMINAL_KINDS } from '../../protocol/events.ts';
import { isObject, isThere } from '../../protocol/json.ts';
import { APPROVALS } from '../approvals/approvals.ts';
import type { Client } from '../kernel/client.ts';
import type { DropReason } from '../kernel/counters.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import { noteArrival, noteOver } from './agent-acks.ts';
import type { AgentLine, Arrival } from './resume/agent-line.ts';
import type { Sessions } from './sessions.ts';
import { skipNumber } from './turn-keeping.ts';
import type { Turn } from './turn-record.ts';
import { TURNS } from './turns.ts';

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
  if (!turn?.ref) {
    drop(kernel, event, 'unknown_session');
    if (!isToCome(kernel, params.session_id)) noteOver(kernel, from as Client, params.turn_id, params.aseq);
  } else if (turn.speaker !== from) drop(kernel, event, 'not_owner');
  else if (!isOf(turn, params.turn_id)) {
    drop(kernel, event, 'wrong_turn');
    noteOver(kernel, from as Client, params.turn_id, params.aseq);
  } else if (turn.line && !arrives(kernel, turn, turn.line, event)) return;
  else {
    if (isForged(kernel, params)) {
      drop(kernel, event, 'forged');
      skipNumber(turn, params.aseq);
    } else tell<TurnEvent>(self, turn.ref, { type: typeOf(turn, params), params, bytes });
    // After it is in the journal: this may acknowledge it.
    if (turn.line) noteArrival(kernel, from as Client, turn, turn.line, bytes);
  }
}

function typeOf({ refill }: Turn, params: CheckedEvent): AgentEventType {
  const type = EVENT_TYPES.get(params.kind) ?? 'chat.event';
  const isPast = refill && type.startsWith('approval.') && refill.isPast(params);
  return isPast ? 'chat.event' : type;
}

/** Whether a session's turn may be there in a moment: those from before a restart are not all taken up. */
const isToCome = (kernel: Kernel, sessionKey: string) => kernel.get(TURNS).recovery?.knows(sessionKey) === true;

/** Whether a numbered event is the next of its turn. What came before is dropped, and what is missing is asked for. */
function arrives(kernel: Kernel, turn: Turn, line: AgentLine, event: ChatEventRouted): boolean {
  const { params, bytes } = event;
  const from = event.from as Client;
  const arrival = line.take(params.aseq, TERMINAL_KINDS.has(params.kind));
  if (arrival === 'next') return true;
  if (arrival === 'unnumbered') {
    const { session_id: session, kind } = params;
    if (from.agentKey !== undefined)
      kernel.eventFaults.note(from.agentKey, new EventFault(undefined, 'aseq', session, kind));
  }
  tellOfNumber(kernel, from, turn, line, arrival, bytes);
  drop(kernel, event, DROPPED[arrival]);
  return false;
}

/** What an agent is told whose event is not the next of its turn; and its turn, where one is missing for good. */
function tellOfNumber(
  kernel: Kernel,
  from: Client,
  turn: Turn,
  line: AgentLine,
  arrival: Exclude<Arrival, 'next'>,
  bytes: number,
): void {
  if (arrival === 'again') noteArrival(kernel, from, turn, line, bytes);
  if (arrival === 'gap') {
    const rewind = { turn_id: turn.id, after: line.received };
    tell(kernel.ref, from.ref, { type: 'rpc.notify', method: 'agent.chat.rewind', params: rewind });
  }
  if (arrival === 'lost' && turn.ref) tell<TurnEvent>(kernel.ref, turn.ref, { type: 'event.lost' });
}

const DROPPED = {
  again: 'repeated',
  gap: 'out_of_order',
  ahead: 'out_of_order',
  lost: 'out_of_order',
  unnumbered: 'malformed_event',
} as const;

/** A malformed event of an agent that numbers them takes its number all the same: it would be asked for for ever. */
export function skipEvent(kernel: Kernel, sessions: Sessions, from: Client, params: unknown): void {
  if (!from.resumes || !isObject(params)) return;
  const { session_id: session, turn_id: turnId, aseq } = params;
  const turn = typeof session === 'string' ? sessions.live(session) : undefined;
  if (!turn?.line || turn.speaker !== from || !isOf(turn, turnId as string | undefined)) return;
  const arrival = turn.line.take(aseq, false);
  if (arrival === 'next') {
    skipNumber(turn, aseq);
    noteArrival(kernel, from, turn, turn.line, 0);
  } else tellOfNumber(kernel, from, turn, turn.line, arrival, 0);
}

/**
 * Whether an event passes itself off as the broker's: by its kind, or as a question of the agent's own under the id of a
 * row that waits, so that a host which answers the one would decide the other.
 */
function isForged(kernel: Kernel, { kind, approval_id: id }: CheckedEvent): boolean {
  if (kind === 'token') return false;
  if (BROKER_KINDS.has(kind)) return true;
  const isApproval = kind === 'approval_pending' || kind === 'approval_resolved';
  return isApproval && kernel.get(APPROVALS).pending(id as string) !== undefined;
}

/**
 * Whether an event with this `turn_id` is that turn's. Without one it is the turn's that its agent has accepted last: before
 * the ack, of two in a row on one session, that of the one before.
 */
function isOf(turn: Turn, turnId: string | null | undefined): boolean {
  return isThere(turnId) ? turnId === turn.id : turn.isAccepted || !turn.isFollower;
}

function drop(kernel: Kernel, { from, params }: ChatEventRouted, reason: DropReason): void {
  kernel.counters.drop(reason);
  const { session_id: session, kind } = params;
  kernel.log.debug({ client: from.id, reason, session, kind: kind.slice(0, 128) }, 'dropped an event');
}
