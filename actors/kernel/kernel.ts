import type { AnyActorRef } from 'xstate';
import type { BrokerEvent } from '../../machines/broker.machine.ts';
import type { AuditTrail } from '../../protocol/audit.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { Durable } from '../../protocol/session.ts';
import type { SharedLimits } from '../../protocol/shared-limits.ts';
import type { Telemetry } from '../../protocol/telemetry.ts';
import { Audit } from './audit.ts';
import { Children } from './children.ts';
import type { Client } from './client.ts';
import { Counters } from './counters.ts';
import { type BrokerClock, Deadlines } from './deadlines.ts';
import { EventFaults } from './event-faults.ts';
import { EventLog } from './event-log.ts';
import { HeldBytes } from './held-bytes.ts';
import { Hooks, Inbound } from './hooks.ts';
import type { Key } from './key.ts';
import { type Logger, totalLog } from './log.ts';
import { Neighbours } from './neighbours.ts';
import { PeerNews } from './peer-news.ts';
import { RoutingTimes } from './routing-times.ts';
import { LimitBook } from './shared-limits.ts';
import { ShownTenants } from './shown-tenants.ts';
import { SparseLog } from './sparse-log.ts';
import { Tracing } from './telemetry.ts';
import type { ActorOf } from './tell.ts';
import { callPrefix, createEpoch } from './unique-ids.ts';
import { WallClock } from './wall-clock.ts';

/** What only the program around the actors knows of itself, for `broker.status` and `/metrics`. */
export interface Vitals {
  /** Tokens merged for slow readers since the start. */
  mergedTokens(): number;
  /** Partials of voice dropped for slow readers since the start. */
  droppedPartials(): number;
  /** Upgrades that were refused since the start, by status. */
  refusedUpgrades(): ReadonlyMap<number, number>;
  /** Plain HTTP that was refused since the start, by reason. */
  refusedRequests(): ReadonlyMap<string, number>;
  /** The same of those that were refused for where they come from. */
  refusedStrangers(): ReadonlyMap<string, number>;
  /** Sockets of the broker's own ports that are no WebSockets. */
  plainConnections(): number;
  /** Bytes that messages take which have not arrived whole. */
  unfinishedBytes(): number;
  /** How late timers were lately, in milliseconds. */
  eventLoopDelay(): { p50: number; p99: number; max: number };
}

/**
 * What all actors of one broker share, whatever they are for. It knows no family: each puts its own things here under a
 * {@link Key} of its own. Two brokers in one process have two of these and nothing in common.
 */
export class Kernel {
  readonly version: string;
  /** What deadlines, rates and durations go by. */
  readonly clock: BrokerClock;
  /** What is told of moments. */
  readonly wall: WallClock;
  readonly log: Logger;
  /** The same, for what a client can bring about as often as it likes. */
  readonly sparseLog: SparseLog;
  readonly limits: Limits;
  readonly deadlines: Deadlines;
  readonly counters = new Counters();
  readonly events: EventLog;
  /** Who did what. */
  readonly audit: Audit;
  /** What is done when. */
  readonly tracing: Tracing;
  /** What agents send that is not as it should be. */
  readonly eventFaults: EventFaults;
  /** What is kept of what clients have sent, because it has to wait. */
  readonly held: HeldBytes;
  /** Limits that connections share. */
  readonly shared: LimitBook;
  /** Tenants that `/metrics` names. */
  readonly tenants: ShownTenants;
  /** What the end of each child of the root actor means. */
  readonly children = new Children(
    () => this.ref,
    (what, step) => this.attempt(what, step),
  );
  /** What families want to hear of. */
  readonly hooks = new Hooks((what, step) => this.attempt(what, step));
  /** What families take off the connections' way. */
  readonly inbound = new Inbound();
  /** Unix milliseconds. */
  readonly startedAt: number;
  /** Of this process, unlike any other's. */
  readonly epoch: string;
  /** This broker's name in a cluster, where it is in one. */
  readonly brokerId: string | undefined;
  /** What other brokers are told, and tell. */
  readonly peers = new PeerNews();
  readonly neighbours = new Neighbours();
  /** The broker that keeps agents, keys and what else there is once, where that is another one. */
  keptBy: string | undefined;
  /** Whether an agent is attached at another broker of the cluster. */
  isElsewhere: (agentKey: string) => boolean = () => false;
  /** How much of a turn that may be resumed outlives it. */
  readonly durable: Durable;
  /** How long events take through the broker. */
  readonly routingTimes = new RoutingTimes();
  /** Set by whoever made the broker. */
  vitals: Vitals = {
    mergedTokens: () => 0,
    droppedPartials: () => 0,
    refusedUpgrades: () => new Map(),
    refusedRequests: () => new Map(),
    refusedStrangers: () => new Map(),
    plainConnections: () => 0,
    unfinishedBytes: () => 0,
    eventLoopDelay: () => ({ p50: 0, p99: 0, max: 0 }),
  };
  /** Connections by client id, until their socket is gone. Our own Map: law 3. */
  readonly clients = new Map<string, Client>();
  /** Which connection an agent is on, by `Client.agentKey`. */
  readonly attached = new Map<string, Client>();
  /** No new chats. */
  isDraining = false;
  /** Called once, when the broker actor has stopped. */
  onStopped: () => void = () => {};
  readonly #things = new Map<string, unknown>();
  #ref: AnyActorRef | undefined;
  #calls = 0;

  constructor(options: {
    version: string;
    clock: BrokerClock;
    /** Unix milliseconds, by the clock that people go by. Default: those of `clock`. */
    wallNow?: (() => number) | undefined;
    log: Logger;
    limits: Limits;
    sharedLimits?: SharedLimits | undefined;
    /** Default: one that is made for it. */
    epoch?: string | undefined;
    /** Default: nothing. */
    durable?: Durable | undefined;
    /** Default: none. */
    brokerId?: string | undefined;
    metricsTenants?: readonly string[] | undefined;
    /** Where it is noted who did what, and whether nothing is done without that. Default: nowhere. */
    audit?: { trail: AuditTrail; isRequired: boolean } | undefined;
    /** Where it is told what is done when. Default: nowhere. */
    telemetry?: Telemetry | undefined;
  }) {
    this.version = options.version;
    this.clock = options.clock;
    this.wall = new WallClock(options.clock, options.wallNow ?? (() => options.clock.now()));
    this.log = totalLog(options.log);
    this.limits = options.limits;
    this.deadlines = new Deadlines(options.clock, (err) => this.log.error({ err }, 'a deadline failed'));
    this.sparseLog = new SparseLog(this.log, options.clock, this.deadlines);
    this.audit = new Audit(options.audit?.trail, options.audit?.isRequired ?? false, this.sparseLog);
    this.tracing = new Tracing(options.telemetry, this.sparseLog);
    this.events = new EventLog(this);
    this.eventFaults = new EventFaults(this.log, () => options.clock.now());
    this.held = new HeldBytes(options.limits);
    this.shared = new LimitBook(options.sharedLimits ?? {}, options.clock);
    this.tenants = new ShownTenants(options.metricsTenants ?? []);
    this.startedAt = options.clock.now();
    this.epoch = options.epoch ?? createEpoch();
    this.durable = options.durable ?? 'off';
    this.brokerId = options.brokerId;
  }

  /** Puts something here for others. @throws {Error} where something is there already */
  put<T>({ name }: Key<T>, thing: T): T {
    if (this.#things.has(name)) throw new Error(`${name} is there already`);
    this.#things.set(name, thing);
    return thing;
  }

  /** What was put under this key. @throws {Error} where nothing was: the family that has it is not installed */
  get<T>({ name }: Key<T>): T {
    const thing = this.#things.get(name);
    if (thing === undefined) throw new Error(`${name} is not there: its family is not installed`);
    return thing as T;
  }

  /** The same, where it may not be there. */
  peek<T>({ name }: Key<T>): T | undefined {
    return this.#things.get(name) as T | undefined;
  }

  /** @throws {Error} where agents and keys are kept by another broker */
  demandKeeper(): void {
    const { keptBy } = this;
    if (keptBy !== undefined) throw new Error(`broker ${keptBy} keeps the agents and keys: change them there`);
  }

  /** The root actor. */
  get ref(): AnyActorRef & ActorOf<BrokerEvent> {
    if (!this.#ref) throw new Error('the broker actor is used before it exists');
    return this.#ref;
  }
  set ref(ref: AnyActorRef) {
    this.#ref = ref;
  }

  /**
   * One step of clearing up. Whatever broke before may break a step here too, but neither the next one nor the actor that
   * clears up, which may be the root (law 11).
   */
  attempt(what: string, step: () => void): void {
    try {
      step();
    } catch (err) {
      this.log.error({ err }, `${what} could not be ended in order`);
    }
  }

  /** An id for a request of the broker's own. */
  nextCallId(): string {
    this.#calls += 1;
    return `sb-${callPrefix(this)}${this.#calls}`;
  }
}
