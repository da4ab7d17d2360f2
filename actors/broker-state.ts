import type { AnyActorRef } from 'xstate';
import type { BrokerEvent, BrokerFacts } from '../machines/broker.machine.ts';
import type { Limits } from '../protocol/limits.ts';
import type { AgentRegistry } from './agent-registry.ts';
import type { Authenticator } from './authenticator.ts';
import type { Client } from './client.ts';
import { Counters } from './counters.ts';
import { type BrokerClock, Deadlines } from './deadlines.ts';
import type { Dispatcher } from './dispatcher.ts';
import { type Logger, totalLog } from './log.ts';
import { Sessions } from './sessions.ts';
import type { ActorOf } from './tell.ts';
import type { Turn } from './turn-record.ts';

/** How long sockets get to answer the close frame when the broker stops. */
const CLOSE_TIMEOUT_MS = 2_000;

/** Everything that one broker's actors share. Two brokers in one process have two of these and nothing in common. */
export class BrokerState implements BrokerFacts {
  readonly version: string;
  readonly clock: BrokerClock;
  readonly log: Logger;
  readonly limits: Limits;
  readonly agents: AgentRegistry;
  readonly auth: Authenticator;
  readonly dispatcher: Dispatcher;
  readonly deadlines: Deadlines;
  readonly counters = new Counters();
  readonly sessions = new Sessions();
  /** Connections by client id, until their socket is gone. Our own Map: law 3. */
  readonly clients = new Map<string, Client>();
  /** Turns by turn id, until they have ended. */
  readonly turns = new Map<string, Turn>();
  /** Which connection an agent is on. */
  readonly attached = new Map<string, Client>();
  readonly closeTimeoutMs = CLOSE_TIMEOUT_MS;
  /** Makes a turn's actor; the broker's logic sets it. */
  startTurn: (turn: Turn) => void = () => {
    throw new Error('a turn is started before the broker actor exists');
  };
  /** Called once, when the broker actor has stopped. */
  onStopped: () => void = () => {};
  #ref: AnyActorRef | undefined;
  #calls = 0;

  constructor(options: {
    version: string;
    clock: BrokerClock;
    log: Logger;
    limits: Limits;
    agents: AgentRegistry;
    auth: Authenticator;
    dispatcher: Dispatcher;
  }) {
    this.version = options.version;
    this.clock = options.clock;
    this.log = totalLog(options.log);
    this.limits = options.limits;
    this.agents = options.agents;
    this.auth = options.auth;
    this.dispatcher = options.dispatcher;
    this.deadlines = new Deadlines(options.clock);
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

  /** An id for a request of the broker's own. */
  nextCallId(): string {
    this.#calls += 1;
    return `sb-${this.#calls}`;
  }
}
