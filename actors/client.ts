import type { Answer } from '../machines/callback.machine.ts';
import type { ConnectionEvent, ConnectionFacts, Identity } from '../machines/connection.machine.ts';
import type { RpcId } from '../protocol/frame.ts';
import type { Link } from '../protocol/link.ts';
import type { ToolDefinition } from '../protocol/tools.ts';
import type { Approval } from './approval-record.ts';
import type { Callback } from './callback-record.ts';
import type { QueuedChat } from './sessions.ts';
import type { ActorOf } from './tell.ts';
import type { Turn } from './turn-record.ts';

/** A request of ours that a client has not answered. */
export interface PendingCall {
  /** A tool's, which also hears of its progress. */
  callback?: Callback;
  /** Hears how it was answered. */
  replyTo: ActorOf<{ type: 'call.answered'; id: RpcId; answer: Answer }>;
}

/** A call whose caller gave up waiting; an acceptance that still comes is answered with a cancel. */
export interface LateCall {
  sessionId: string;
  turnId: string;
}

/** How many given-up calls are remembered for one connection; beyond that the oldest is forgotten. */
const MAX_LATE_CALLS = 256;

/** One connection's record: what its actor, the broker and its turns share. Plain and mutable, never copied. */
export class Client implements ConnectionFacts {
  readonly id: string;
  readonly link: Link;
  readonly needsAuth: boolean;
  readonly maxAuthFailures: number;
  readonly connectedAt: number;
  authFailures = 0;
  /** Set once it has proved who it is. */
  identity: Identity | undefined;
  /** False once it is closing: nothing is opened for it, or sent to it, any more. */
  isOpen = true;
  /** Turns that it opened. */
  readonly turns = new Set<Turn>();
  /** Chats of its that wait for their session. */
  readonly queued = new Set<QueuedChat>();
  /** Turns that it answers, as an agent. */
  readonly serving = new Set<Turn>();
  readonly calls = new Map<RpcId, PendingCall>();
  readonly lateCalls = new Map<RpcId, LateCall>();
  /** Tools that it offers to the agents it talks to, by name. */
  readonly tools = new Map<string, ToolDefinition>();
  /** Tool calls that it asked for as an agent, by its own request's id. */
  readonly toolRequests = new Map<RpcId, Callback>();
  /** Tool calls that the embedding API runs on it, outside any turn. */
  readonly directCallbacks = new Set<Callback>();
  /** Approvals that it raised, or is parked on. */
  readonly approvals = new Set<Approval>();
  /** Ids of agents that it has registered to be listed. */
  readonly registeredAgents = new Set<string>();
  /** It has called `server.handshake`. */
  hasHandshaken = false;
  /** Requests that an embedder's handlers are working on. */
  pendingRequests = 0;
  readonly #ref: { current?: ActorOf<ConnectionEvent> } = {};

  constructor(options: {
    id: string;
    link: Link;
    needsAuth: boolean;
    maxAuthFailures: number;
    connectedAt: number;
  }) {
    this.id = options.id;
    this.link = options.link;
    this.needsAuth = options.needsAuth;
    this.maxAuthFailures = options.maxAuthFailures;
    this.connectedAt = options.connectedAt;
  }

  /** The connection's actor. */
  get ref(): ActorOf<ConnectionEvent> {
    if (!this.#ref.current) throw new Error('a client is used before its actor exists');
    return this.#ref.current;
  }
  set ref(ref: ActorOf<ConnectionEvent>) {
    this.#ref.current = ref;
  }

  get role(): Identity['role'] | undefined {
    return this.identity?.role;
  }

  /** The agent that it is bound to, if it is one. */
  get agentId(): string | undefined {
    return this.identity?.agentId;
  }

  /** Gives up on an answer, but remembers the call. */
  abandonCall(id: RpcId, late: LateCall): void {
    if (!this.calls.delete(id)) return;
    this.lateCalls.set(id, late);
    if (this.lateCalls.size > MAX_LATE_CALLS) {
      const oldest = this.lateCalls.keys().next();
      if (!oldest.done) this.lateCalls.delete(oldest.value);
    }
  }
}
