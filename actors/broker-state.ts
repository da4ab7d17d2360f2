import type { AnyActorRef } from 'xstate';
import type { BrokerEvent, BrokerFacts } from '../machines/broker.machine.ts';
import type { Limits } from '../protocol/limits.ts';
import type { AgentRegistry } from './agent-registry.ts';
import type { approvalLogic } from './approval.ts';
import { Approvals } from './approvals.ts';
import type { Authenticator } from './authenticator.ts';
import type { callbackLogic } from './callback.ts';
import type { Callback } from './callback-record.ts';
import type { Client } from './client.ts';
import { Counters } from './counters.ts';
import { type BrokerClock, Deadlines } from './deadlines.ts';
import type { Dispatcher } from './dispatcher.ts';
import { EventLog } from './event-log.ts';
import type { Gate } from './gate.ts';
import { HostAgents } from './host-agents.ts';
import { type Logger, totalLog } from './log.ts';
import { Sessions } from './sessions.ts';
import type { ActorOf } from './tell.ts';
import type { turnLogic } from './turn.ts';
import type { Turn } from './turn-record.ts';

/** How long sockets get to answer the close frame when the broker stops. */
const CLOSE_TIMEOUT_MS = 2_000;

/** The charts with their effects, made once for each broker. */
export interface Logics {
  turn: ReturnType<typeof turnLogic>;
  callback: ReturnType<typeof callbackLogic>;
  approval: ReturnType<typeof approvalLogic>;
}

/** Everything that one broker's actors share. Two brokers in one process have two of these and nothing in common. */
export class BrokerState implements BrokerFacts {
  readonly version: string;
  readonly clock: BrokerClock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly agents: AgentRegistry;
  readonly auth: Authenticator;
  readonly dispatcher: Dispatcher;
  readonly gate: Gate;
  readonly deadlines: Deadlines;
  readonly counters = new Counters();
  readonly sessions = new Sessions();
  readonly approvals: Approvals;
  readonly events: EventLog;
  readonly hostAgents: HostAgents;
  /** Connections by client id, until their socket is gone. Our own Map: law 3. */
  readonly clients = new Map<string, Client>();
  /** Turns by turn id, until they have ended. */
  readonly turns = new Map<string, Turn>();
  /** Tool calls of the embedding API, by `request_id`, until they have ended. */
  readonly directCallbacks = new Map<string, Callback>();
  /** Which connection an agent is on. */
  readonly attached = new Map<string, Client>();
  readonly closeTimeoutMs = CLOSE_TIMEOUT_MS;
  /** No new chats. */
  isDraining = false;
  /** Called once, when the broker actor has stopped. */
  onStopped: () => void = () => {};
  #ref: AnyActorRef | undefined;
  #logics: Logics | undefined;
  #calls = 0;
  #callbacks = 0;

  constructor(options: {
    version: string;
    clock: BrokerClock;
    log: Logger;
    limits: Limits;
    agents: AgentRegistry;
    auth: Authenticator;
    dispatcher: Dispatcher;
    gate: Gate;
  }) {
    this.version = options.version;
    this.clock = options.clock;
    this.log = totalLog(options.log);
    this.limits = options.limits;
    this.agents = options.agents;
    this.auth = options.auth;
    this.dispatcher = options.dispatcher;
    this.gate = options.gate;
    this.deadlines = new Deadlines(options.clock, (err) => this.log.error({ err }, 'a deadline failed'));
    this.approvals = new Approvals(options.limits);
    this.events = new EventLog(this);
    this.hostAgents = new HostAgents(this);
  }

  get turnCount(): number {
    return this.turns.size;
  }
  get connectionCount(): number {
    return this.clients.size;
  }
  get drainTimeoutMs(): number {
    return this.limits.drainTimeoutMs;
  }

  /** The root actor. */
  get ref(): AnyActorRef & ActorOf<BrokerEvent> {
    if (!this.#ref) throw new Error('the broker actor is used before it exists');
    return this.#ref;
  }
  set ref(ref: AnyActorRef) {
    this.#ref = ref;
  }

  get logics(): Logics {
    if (!this.#logics) throw new Error('an actor is started before the broker');
    return this.#logics;
  }
  set logics(logics: Logics) {
    this.#logics = logics;
  }

  /** An id for a tool call: `cb-<n>`, unique in the daemon's life (`wire.md` section 7). */
  nextCallbackId(): string {
    this.#callbacks += 1;
    return `cb-${this.#callbacks}`;
  }

  /** An id for a request of the broker's own. */
  nextCallId(): string {
    this.#calls += 1;
    return `sb-${this.#calls}`;
  }
}
