import type { Answer, CallbackEvent } from '../../machines/callback.machine.ts';
import type { ConnectionEvent, ConnectionFacts, Identity } from '../../machines/connection.machine.ts';
import type { RpcId } from '../../protocol/frame.ts';
import type { Link } from '../../protocol/link.ts';
import { agentKey, LOCAL, type Principal } from '../../protocol/principal.ts';
import type { Accounts } from './accounts.ts';
import { LazyMap, LazySet } from './lazy.ts';
import type { RateLimit } from './rate-limit.ts';
import type { ActorOf } from './tell.ts';

/** A request of ours that a client has not answered. */
export interface PendingCall {
  /** A tool's call: hears of its progress, too. */
  progressTo?: ActorOf<CallbackEvent>;
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
/** The same of calls whose answer nobody waits for. */
const MAX_DISMISSED_CALLS = 1_024;

/** One connection's record: what its actor, the broker and its turns share. Plain and mutable, never copied. */
export class Client implements ConnectionFacts {
  readonly id: string;
  readonly link: Link;
  readonly needsAuth: boolean;
  readonly maxAuthFailures: number;
  readonly connectedAt: number;
  /** Of its requests; events and answers are free. */
  readonly rate: RateLimit;
  authFailures = 0;
  /** Set once it has proved who it is. */
  identity: Identity | undefined;
  /** The embedder has said who it is: it need not prove that. */
  readonly isVouchedFor: boolean;
  /** False once it is closing: nothing is opened for it, or sent to it, any more. */
  isOpen = true;
  readonly calls = new LazyMap<RpcId, PendingCall>();
  readonly lateCalls = new LazyMap<RpcId, LateCall>();
  /** Calls whose answer says nothing that is not known. */
  readonly #dismissed = new LazySet<RpcId>();
  /** It is closed because it could not keep up. */
  isOverrun = false;
  /** Its `session.auth` has said `resume`. */
  wantsResume = false;
  /** It has said `tickets`, too. */
  wantsTickets = false;
  /** It has closed its connection itself, as one that is through (1000): nothing waits for it. */
  hasLeft = false;
  /** Its key was removed: what it has ends with it, and waits for nobody. */
  isExpelled = false;
  /** It has called `server.handshake`. */
  hasHandshaken = false;
  /** Requests that an embedder's handlers are working on. */
  pendingRequests = 0;
  /** Answers to requests of its that somebody else waits for, by the request's id: see `Dispatcher.carryOutHere`. */
  readonly captured = new LazyMap<RpcId, (answer: unknown) => void>();
  /** What its doings count in, where somebody has set a limit for it and others together. */
  accounts: Accounts | undefined;
  /** What rooms keep of it: see {@link Slot}. Undefined while there is nothing. */
  slots: unknown[] | undefined;
  #ref: ActorOf<ConnectionEvent> | undefined;

  constructor(options: {
    id: string;
    link: Link;
    needsAuth: boolean;
    identity?: Identity | undefined;
    maxAuthFailures: number;
    connectedAt: number;
    rate: RateLimit;
  }) {
    this.id = options.id;
    this.link = options.link;
    this.needsAuth = options.needsAuth;
    this.identity = options.identity;
    this.isVouchedFor = options.identity !== undefined;
    this.maxAuthFailures = options.maxAuthFailures;
    this.connectedAt = options.connectedAt;
    this.rate = options.rate;
  }

  /** What tells its connection from all others of a cluster: of a guest, the id that it has at its own broker. */
  get origin(): string {
    return this.link.origin ?? this.id;
  }

  /** The connection's actor. */
  get ref(): ActorOf<ConnectionEvent> {
    if (!this.#ref) throw new Error('a client is used before its actor exists');
    return this.#ref;
  }
  set ref(ref: ActorOf<ConnectionEvent>) {
    this.#ref = ref;
  }

  get role(): Identity['role'] | undefined {
    return this.identity?.role;
  }

  /** The agent that it is bound to, if it is one. */
  get agentId(): string | undefined {
    return this.identity?.agentId;
  }

  /** It is an agent that numbers its events, and that turns wait for where its connection is lost. */
  get resumes(): boolean {
    return this.wantsResume && this.agentId !== undefined;
  }

  /** And keeps what it says of a turn with a ticket until that ends. */
  get keepsTurns(): boolean {
    return this.wantsTickets && this.resumes;
  }

  /** What that agent is kept under: see `agentKey` of `protocol/principal.ts`. */
  get agentKey(): string | undefined {
    const { agentId } = this;
    return agentId === undefined ? undefined : agentKey(this.tenant, agentId);
  }

  /** Whose things are its own. Where nobody has to say who they are, everybody is one person. */
  get principal(): Principal {
    return this.identity?.principal ?? LOCAL;
  }

  get tenant(): string {
    return this.principal.tenant;
  }

  /** Its answer to this may come, or not. */
  dismissCall(id: RpcId): void {
    this.#dismissed.add(id);
    if (this.#dismissed.size <= MAX_DISMISSED_CALLS) return;
    for (const oldest of this.#dismissed) {
      this.#dismissed.delete(oldest);
      return;
    }
  }

  /** Whether an answer under this id is one to a call of ours, wanted or not any more. */
  awaits(id: RpcId): boolean {
    return this.calls.has(id) || this.lateCalls.has(id) || this.#dismissed.has(id);
  }

  /** Whether this is the answer to a call that nobody waits for. */
  isDismissed(id: RpcId): boolean {
    return this.#dismissed.delete(id);
  }

  /** Gives up on an answer, but remembers the call. */
  abandonCall(id: RpcId, late: LateCall): void {
    this.calls.delete(id);
    this.lateCalls.set(id, late);
    if (this.lateCalls.size > MAX_LATE_CALLS) {
      const oldest = this.lateCalls.keys().next();
      if (!oldest.done) this.lateCalls.delete(oldest.value);
    }
  }
}
