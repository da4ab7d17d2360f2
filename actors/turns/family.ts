import { turnHotEvents, turnMachine } from '../../machines/turn.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { Client } from '../kernel/client.ts';
import { type Facts, ids, listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { tell } from '../kernel/tell.ts';
import type { Family } from '../requests/family.ts';
import { reply } from '../requests/reply.ts';
import { approveChat } from './approve.ts';
import { turnsOf, unobserve } from './client-turns.ts';
import { executeTool } from './execute.ts';
import { TURN, turnKind } from './lifecycle.ts';
import { turnMethods } from './methods.ts';
import { turnMetrics } from './metrics.ts';
import { resumeMethods } from './subscribe.ts';
import type { Turn } from './turn-record.ts';
import { TURNS, Turns } from './turns.ts';

/** Turns: one chat each, from its opening to its terminal (`wire.md` sections 6 and 8). */
export const turns: Family = {
  name: 'turns',
  charts: [{ machine: turnMachine, hot: turnHotEvents, facts: ({ turn }) => factsOf(turn) }],
  install(kernel) {
    const book = kernel.put(TURNS, new Turns(kernel.limits));
    kernel.put(TURN, turnKind(kernel));
    return {
      methods: {
        ...turnMethods,
        ...resumeMethods,
        'agents.chat.approve': approveChat,
        'tools.execute': executeTool,
      },
      metrics: turnMetrics(kernel, book),
      agentReplaced: (client) => endServing(kernel, client, 'agent_replaced'),
      connectionEnded(client) {
        const { queued, hosting, observing } = turnsOf(client);
        for (const chat of [...queued]) book.sessions.remove(chat);
        for (const { ref } of [...hosting]) if (ref) tell(kernel.ref, ref, { type: 'host.gone' });
        for (const turn of [...observing]) unobserve(turn, client);
        endServing(kernel, client, 'agent_disconnected');
      },
      sweep: (now) => sweepTurns(kernel, book, now),
      clientFacts(client) {
        const { hosting, serving, queued } = turnsOf(client);
        return {
          turns: ids(hosting, hosting.size),
          serving: ids(serving, serving.size),
          queued_chats: queued.size,
        };
      },
      brokerFacts: () => ({ turns: book.byId.size }),
    };
  },
};

function endServing(kernel: Kernel, client: Client, code: 'agent_disconnected' | 'agent_replaced'): void {
  for (const { ref } of [...turnsOf(client).serving]) if (ref) tell(kernel.ref, ref, { type: 'agent.gone', code });
}

/**
 * Ends every turn whose agent has been silent for too long, and forgets ended ones that nobody came back to. A turn that
 * waits for a person, or for a tool, is not stale.
 */
function sweepTurns(kernel: Kernel, book: Turns, now: number): void {
  book.logs.sweep(now);
  const oldest = now - kernel.limits.staleAfterMs;
  for (const turn of [...book.byId.values()]) {
    if (turn.lastFrameAt > oldest || turn.callbacks.size > 0 || !turn.ref) continue;
    const { status } = turn;
    if (status === 'streaming' || status === 'detached') tell(kernel.ref, turn.ref, { type: 'turn.stale' });
  }
}

/** No new chats: what waits for its session is refused. */
export function refuseQueued(kernel: Kernel): void {
  for (const { from, id } of kernel.get(TURNS).sessions.takeAllWaiting()) {
    reply(kernel, from, id, { error: WireError.draining() });
  }
}

/** Their time to end is over. */
export function drainTurns(kernel: Kernel): void {
  for (const { ref } of [...kernel.get(TURNS).byId.values()]) if (ref) tell(kernel.ref, ref, { type: 'turn.drain' });
}

function factsOf(turn: Turn): Facts {
  const fields = {
    session_id: turn.sessionId,
    turn_id: turn.id,
    agent_id: turn.agentId,
    host: turn.host?.id ?? null,
    observers:
      turn.log &&
      listed(
        [...turn.observers].map(({ id }) => id),
        turn.observers.size,
      ),
    log_bytes: turn.log?.bytes,
    resume_window_ms: turn.log?.windowMs,
    agent: turn.agent.id,
    prompt: turn.promptHead,
    conversation_id: turn.conversationId,
    model: turn.model,
    seq: turn.seq,
    is_accepted: turn.isAccepted,
    is_ending: turn.isEnding,
    is_terminated: turn.isTerminated,
    held: turn.held.length,
    held_bytes: turn.heldBytes,
    held_terminal: turn.heldTerminal,
    pending_approvals: listed(turn.pendingApprovals.keys(), turn.pendingApprovals.size),
    callbacks: listed(turn.callbacks.keys(), turn.callbacks.size),
  };
  return { label: turn.agentId, startedAt: turn.createdAt, fields };
}
