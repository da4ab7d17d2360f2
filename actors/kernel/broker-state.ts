import type { AnyActorRef } from 'xstate';
import type { BrokerEvent, BrokerFacts } from '../../machines/broker.machine.ts';
import { type A2aClient, A2aError } from '../../protocol/a2a-client.ts';
import { turnStatus } from '../../protocol/chat.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Memory } from '../../protocol/memory-provider.ts';
import type { approvalLogic } from '../approvals/approval.ts';
import { Approvals } from '../approvals/approvals.ts';
import type { AgentRegistry } from '../connection/agent-registry.ts';
import type { Authenticator } from '../connection/authenticator.ts';
import type { Client } from '../connection/client.ts';
import { HostAgents } from '../hosts/host-agents.ts';
import { InspectFeed } from '../inspect/feed.ts';
import type { InnerConnection } from '../meetings/ask-agent.ts';
import type { meetingLogic } from '../meetings/meeting.ts';
import type { MeetingStore } from '../meetings/meeting-store.ts';
import { Meetings } from '../meetings/meetings.ts';
import { Summaries } from '../meetings/summaries.ts';
import type { Dispatcher } from '../requests/dispatcher.ts';
import type { Gate } from '../requests/gate.ts';
import type { surfaceOwnerLogic } from '../surfaces/owner.ts';
import { Surfaces } from '../surfaces/surfaces.ts';
import type { callbackLogic } from '../tools/callback.ts';
import type { Callback } from '../tools/callback-record.ts';
import { TurnLogs } from '../turns/resume/turn-logs.ts';
import { RoutingTimes } from '../turns/routing-times.ts';
import { Sessions } from '../turns/sessions.ts';
import type { turnLogic } from '../turns/turn.ts';
import type { Turn } from '../turns/turn-record.ts';
import type { LocalProvider } from '../voice/local-provider.ts';
import type { voiceStreamLogic } from '../voice/stream.ts';
import { VoiceStreams } from '../voice/streams.ts';
import { Counters } from './counters.ts';
import { type BrokerClock, Deadlines } from './deadlines.ts';
import { EventLog } from './event-log.ts';
import { type Logger, totalLog } from './log.ts';
import type { ActorOf } from './tell.ts';

/** How long sockets get to answer the close frame when the broker stops. */
const CLOSE_TIMEOUT_MS = 2_000;

/** The charts with their effects, made once for each broker. */
export interface Logics {
  turn: ReturnType<typeof turnLogic>;
  callback: ReturnType<typeof callbackLogic>;
  approval: ReturnType<typeof approvalLogic>;
  voiceStream: ReturnType<typeof voiceStreamLogic>;
  meeting: ReturnType<typeof meetingLogic>;
  surfaceOwner: ReturnType<typeof surfaceOwnerLogic>;
}

/** What only the program around the actors knows of itself, for `broker.status`. */
export interface Vitals {
  /** Tokens merged for slow readers since the start. */
  mergedTokens(): number;
  /** Partials of voice dropped for slow readers since the start. */
  droppedPartials(): number;
  /** How late timers were lately, in milliseconds. */
  eventLoopDelay(): { p50: number; p99: number; max: number };
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
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** How long events take through the broker. */
  readonly routingTimes = new RoutingTimes();
  /** Live statecharts; undefined where they are switched off. */
  readonly inspection: InspectFeed | undefined;
  /** Set by whoever made the broker. */
  vitals: Vitals = {
    mergedTokens: () => 0,
    droppedPartials: () => 0,
    eventLoopDelay: () => ({ p50: 0, p99: 0, max: 0 }),
  };
  readonly logs: TurnLogs;
  /** Connections by client id, until their socket is gone. Our own Map: law 3. */
  readonly clients = new Map<string, Client>();
  /** Turns by turn id, until they have ended. */
  readonly turns = new Map<string, Turn>();
  /** Tool calls of the embedding API, by `request_id`, until they have ended. */
  readonly directCallbacks = new Map<string, Callback>();
  /** Voice streams, until they have ended. */
  readonly voice = new VoiceStreams();
  /** The embedder's own voice provider. */
  localVoice: LocalProvider | undefined;
  /** Surfaces, until they are deleted or reaped. */
  readonly surfaces = new Surfaces();
  /** Sends actions on surfaces to A2A agents. */
  a2a: A2aClient = { send: () => Promise.reject(new A2aError('unreachable', 'there is no A2A client')) };
  /** Meetings, and what is kept of those that are over. */
  readonly meetings: Meetings;
  /** Summaries that are being made of meetings that are over. */
  readonly summaries: Summaries;
  /** Where facts are kept: the default one, or an embedder's. */
  readonly memory: Memory;
  /** What was asked of it and has no answer yet. */
  readonly answering = new Set<Promise<void>>();
  /** Makes a connection of the broker's own to itself. */
  readonly connectInside: () => InnerConnection;
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
    /** Default false. */
    inspect?: boolean;
    memory: Memory;
    meetings?: MeetingStore | undefined;
    connectInside: () => InnerConnection;
  }) {
    this.version = options.version;
    this.clock = options.clock;
    this.log = totalLog(options.log);
    this.limits = options.limits;
    this.agents = options.agents;
    this.auth = options.auth;
    this.dispatcher = options.dispatcher;
    this.gate = options.gate;
    this.memory = options.memory;
    this.connectInside = options.connectInside;
    this.deadlines = new Deadlines(options.clock, (err) => this.log.error({ err }, 'a deadline failed'));
    const { limits, log, deadlines } = this;
    this.meetings = new Meetings({ limits, log, deadlines, store: options.meetings });
    this.summaries = new Summaries(this);
    this.approvals = new Approvals(options.limits);
    this.events = new EventLog(this);
    this.hostAgents = new HostAgents(this);
    this.startedAt = options.clock.now();
    this.inspection = options.inspect ? new InspectFeed(this) : undefined;
    this.logs = new TurnLogs(options.limits);
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

  /** Live turns by where they stand. */
  turnsByState(): Record<string, number> {
    const counts: Record<string, number> = Object.fromEntries(turnStatus.options.map((status) => [status, 0]));
    for (const { ref } of this.turns.values()) {
      const status = String(ref?.getSnapshot().value ?? 'dispatching');
      counts[status] = (counts[status] ?? 0) + 1;
    }
    return counts;
  }

  /** Tool calls that have not ended. */
  pendingCallbacks(): number {
    let count = this.directCallbacks.size;
    for (const { callbacks } of this.turns.values()) count += callbacks.size;
    return count;
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
