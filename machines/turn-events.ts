import type { CancelReason } from '../protocol/chat.ts';
import type { CheckedEvent } from '../protocol/events.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { TraceContext } from '../protocol/trace.ts';
import type { Answer, CallbackFacts } from './callback.machine.ts';

/** What the chart's guards need to know of a turn. The actor's own record has more. */
export interface TurnFacts {
  readonly id: string;
  readonly sessionId: string;
  readonly agentId: string;
  /** Approvals of the agent that wait for an answer. */
  readonly pendingApprovals: { readonly size: number; has(approvalId: string): boolean };
  readonly maxPendingApprovals: number;
  /** Bytes of events that overtook the ack. */
  readonly heldBytes: number;
  readonly maxHeldBytes: number;
  /** The kind of the terminal that overtook the ack. */
  readonly heldTerminal: string | undefined;
  readonly hasHost: boolean;
  readonly hasAgent: boolean;
  /** Its opening has to be kept before it counts. */
  readonly isKept: boolean;
  /** It was there before the broker was started anew. */
  readonly isRestored: boolean;
  /** It was cancelled, with grace. */
  readonly isCancelled: boolean;
  /** It keeps a log: what follows when its host has gone is not lost. */
  readonly hasLog: boolean;
  /** Its agent numbers its events, and may come back. */
  readonly resumes: boolean;
  /** It may wait for its host to come back. */
  readonly mayDetach: boolean;
}

/** The records that a turn holds and is told of. */
export interface TurnRefs {
  turn: TurnFacts;
  /** Who asked for something. */
  client: object;
  /** One tool call. */
  callback: CallbackFacts;
  /** Who comes (back), and what of the log they want. */
  subscription: object;
}

/** Everything that a turn hears. */
export type TurnEvent<R extends TurnRefs = TurnRefs> =
  /** An event of the agent that changes nothing but the count: no chart step (law 2). `bytes` is its size on the wire. */
  | { type: 'chat.event'; params: CheckedEvent; bytes: number }
  | { type: 'turn.terminal'; params: CheckedEvent; bytes: number }
  | { type: 'approval.pending'; params: CheckedEvent; bytes: number }
  | { type: 'approval.resolved'; params: CheckedEvent; bytes: number }
  | { type: 'call.answered'; id: RpcId; answer: Answer }
  | { type: 'ack.expired' }
  /** That the agent has accepted outlives the broker now. */
  | { type: 'opening.kept' }
  /**
   * `confirm`: the cancel request to answer before the terminal. `graceMs`: how long the agent has for its own. `trace`: what
   * that request belongs to.
   */
  | {
      type: 'turn.cancel';
      reason: CancelReason;
      graceMs: number;
      confirm?: { to: R['client']; id: RpcId | undefined };
      trace?: TraceContext | undefined;
    }
  | { type: 'grace.expired' }
  | { type: 'turn.stale' }
  | { type: 'host.gone' }
  /** Somebody comes (back) to be its host. */
  | { type: 'host.joined'; subscription: R['subscription'] }
  /** Somebody comes to watch. */
  | { type: 'observer.joined'; subscription: R['subscription'] }
  /** Nobody came back in time. */
  | { type: 'window.expired' }
  /** `mayReturn`: the turn may wait for it, where it numbers its events. */
  | { type: 'agent.gone'; code: 'agent_disconnected' | 'agent_replaced'; mayReturn: boolean }
  /** It goes on, on another connection. `missed`: what of the text it has let go of before it had arrived. */
  | { type: 'agent.back'; client: R['client']; missed: { text: string; before: number } | undefined }
  /** It did not come back in time. */
  | { type: 'agent.window.expired' }
  /** An event of its own that cannot be had, however often it is sent. */
  | { type: 'event.lost' }
  /** Another broker of the cluster has an older live turn in its session: neither knew of the other. */
  | { type: 'session.taken' }
  | { type: 'turn.drain' }
  /** Its agent is at another broker of the cluster now, and the turn with it. */
  | { type: 'turn.moved' }
  /** It has ended at the broker that it came from, before that had heard that it is here. */
  | { type: 'turn.over'; reason: CancelReason }
  /** The agent wants a tool of the host. */
  | { type: 'tool.requested'; callback: R['callback'] }
  /** The approval was settled on some path; the agent need not say so again. */
  | { type: 'approval.settled'; approvalId: string }
  | { type: 'child.done'; id: string }
  | { type: 'child.failed'; id: string; error: unknown };
