import { turnHotEvents, turnMachine } from '../../machines/turn.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import type { TurnJournal } from '../../protocol/turn-journal.ts';
import { FIND_TURN } from '../approvals/gated-turn.ts';
import { AGENTS } from '../connection/agent-registry.ts';
import { type Facts, ids, listed } from '../kernel/facts.ts';
import type { Kernel } from '../kernel/kernel.ts';
import { sees } from '../kernel/sight.ts';
import { inSlices } from '../kernel/slices.ts';
import { tell } from '../kernel/tell.ts';
import type { Family } from '../requests/family.ts';
import { forgetArrivals } from './agent-acks.ts';
import { awaitNames, endOrphans, leaveTurns, resumeAgent, stopAwaiting } from './agent-resume.ts';
import { approveChat } from './approve.ts';
import { answerAskers } from './askers.ts';
import { HOST_EXPELLED, turnsOf, unobserve } from './client-turns.ts';
import { executeForTurn } from './execute.ts';
import { sessionNames } from './find-turn.ts';
import { afterRecovery } from './held-calls.ts';
import { TURN, turnKind } from './lifecycle.ts';
import { turnMethods } from './methods.ts';
import { turnMetrics } from './metrics.ts';
import { leaveWaiting } from './reopen.ts';
import { skipEvent } from './routing.ts';
import { resumeMethods } from './subscribe.ts';
import type { Turn } from './turn-record.ts';
import { TURNS, Turns } from './turns.ts';
import { agentIsRemoved, releaseIfFree, startNext, startWaiting } from './waiting-chats.ts';

/** Turns: one chat each, from its opening to its terminal (`wire.md` sections 6 and 8). */
export const turns: Family<{ turnJournal?: TurnJournal | undefined }> = {
  name: 'turns',
  charts: [
    { machine: turnMachine, hot: turnHotEvents, facts: ({ turn }) => factsOf(turn), turnOf: ({ turn }) => turn },
  ],
  install(kernel, { turnJournal }) {
    const book = kernel.put(TURNS, new Turns(kernel.limits, turnJournal));
    kernel.put(
      TURN,
      turnKind(kernel, (sessionKey) => startNext(kernel, sessionKey)),
    );
    // Those that are known from before are not back yet, where the broker itself was away.
    for (const key of kernel.get(AGENTS).keys()) book.waits.gone(key, kernel.clock.now());
    kernel.put(FIND_TURN, (sessionId, agent) => {
      const turn = book.sessions.live(sessionId);
      return turn?.speaker === agent ? turn : undefined;
    });
    return {
      methods: {
        ...turnMethods,
        ...resumeMethods,
        'agents.chat.approve': afterRecovery('agents.chat.approve', approveChat, sessionNames),
        'tools.execute': executeForTurn,
        'agent.resume': afterRecovery('agent.resume', resumeAgent),
      },
      metrics: turnMetrics(kernel, book),
      agentAttached(agentKey, client) {
        awaitNames(kernel, client);
        startWaiting(kernel, agentKey);
      },
      agentRemoved(agentKey) {
        agentIsRemoved(kernel, agentKey);
        // It is closed in a moment, and comes back no more.
        const client = kernel.attached.get(agentKey);
        if (client) client.wantsResume = false;
        endOrphans(kernel, agentKey, 'agent_disconnected');
      },
      agentReplaced(client, isElsewhere) {
        const newer = client.agentKey === undefined ? undefined : kernel.attached.get(client.agentKey);
        // At another broker it is the same program: it will say there what it goes on with.
        leaveTurns(kernel, client, 'agent_replaced', isElsewhere ? client.resumes : newer?.resumes === true);
      },
      eventDropped: (client, params) => skipEvent(kernel, book.sessions, client, params),
      sightChanged(client) {
        for (const turn of [...turnsOf(client).observing])
          if (!sees(client, turn.owner, turn.agentId)) unobserve(turn, client);
      },
      connectionEnded(client) {
        const { queued, hosting, observing } = turnsOf(client);
        const { agentKey } = client;
        if (agentKey !== undefined && kernel.attached.get(agentKey) === client) {
          book.waits.gone(agentKey, kernel.clock.now(), client);
        }
        const left = [...queued].filter((chat) => !leaveWaiting(chat));
        for (const chat of left) {
          book.sessions.remove(chat);
          chat.spans?.ended('dropped');
        }
        for (const { sessionKey } of left) startNext(kernel, sessionKey);
        // Somebody may have taken one over meanwhile.
        inSlices(kernel, 'a turn that its host has left', [...hosting], (turn) => {
          if (!turn.ref || !hosting.has(turn)) return;
          tell(kernel.ref, turn.ref, client.isExpelled ? HOST_EXPELLED : { type: 'host.gone' });
        });
        for (const turn of [...observing]) unobserve(turn, client);
        stopAwaiting(kernel, client);
        forgetArrivals(kernel, client);
        const mayReturn = client.resumes && !client.hasLeft;
        leaveTurns(kernel, client, 'agent_disconnected', mayReturn, () => book.sessions.gone(client));
      },
      sweep: (now) => sweepTurns(kernel, book, now),
      answered() {
        const over = book.journalWaits?.over();
        return over ? [over] : [];
      },
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

/**
 * Ends every turn whose agent has been silent for too long, and forgets ended ones that nobody came back to. A turn that
 * waits for a person, or for a tool, is not stale.
 */
function sweepTurns(kernel: Kernel, book: Turns, now: number): void {
  book.logs.sweep(now);
  for (const sessionKey of book.claims?.elsewhere.sweep(now) ?? []) releaseIfFree(kernel, sessionKey);
  const oldest = now - kernel.limits.staleAfterMs;
  const isStale = (turn: Turn) =>
    turn.lastFrameAt <= oldest && turn.callbacks.size + turn.waitingCalls.size + turn.gates.size === 0;
  // Asked again when it is its turn: something may have come meanwhile.
  inSlices(kernel, 'a turn that has been silent for too long', [...book.byId.values()].filter(isStale), (turn) => {
    const { ref, status } = turn;
    if (ref && isStale(turn) && (status === 'streaming' || status === 'detached'))
      tell(kernel.ref, ref, { type: 'turn.stale' });
  });
}

/** No new chats: what waits for its session is refused. */
export function refuseQueued(kernel: Kernel): void {
  for (const { askers, spans } of kernel.get(TURNS).sessions.takeAllWaiting()) {
    const error = WireError.draining();
    spans?.refused(error);
    answerAskers(kernel, askers, () => ({ error }));
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
    agent: turn.speaker?.id ?? null,
    received: turn.line?.received,
    prompt: turn.promptHead,
    conversation_id: turn.conversationId,
    model: turn.model,
    front: turn.front,
    seq: turn.seq,
    is_accepted: turn.isAccepted,
    is_ending: turn.isEnding,
    is_terminated: turn.isTerminated,
    held: turn.held.length,
    held_bytes: turn.heldBytes,
    held_terminal: turn.heldTerminal,
    pending_approvals: listed(turn.pendingApprovals.keys(), turn.pendingApprovals.size),
    callbacks: listed(turn.callbacks.keys(), turn.callbacks.size),
    waiting_calls: turn.waitingCalls.size,
    gates: ids(turn.gates, turn.gates.size),
  };
  return { label: turn.agentId, startedAt: turn.createdAt, fields };
}
