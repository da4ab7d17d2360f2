import type { AnyActorRef } from 'xstate';
import type { FamilyEvent } from '../../machines/broker.machine.ts';
import type { ConnectionEvent } from '../../machines/connection.machine.ts';
import type { EventFault } from '../../protocol/event-fault.ts';
import type { BrokerStatus } from '../../protocol/status.ts';
import type { Client } from './client.ts';

/** Takes an event of the connections' straight from the broker's actor, off the chart. */
export type Route = (event: FamilyEvent, self: AnyActorRef) => void;

/**
 * What a family may want to hear of. Plain functions, called in the order of the list of families, and synchronous: they
 * run in the root's own actions (law 11). None of them is on a token's way.
 */
export interface Hook {
  /** The broker's actor is there, and starts next. */
  starting?(): void;
  /** An agent's connection was bound to its id. Here and below an agent is named by `Client.agentKey`. */
  agentAttached?(agentKey: string, client: Client): void;
  /** A newer connection of the same agent has taken over from this one, which is about to be closed. `isElsewhere`: at another broker. */
  agentReplaced?(client: Client, isElsewhere: boolean): void;
  /** An `agent.chat.event` was dropped that could be read, but was no event. */
  eventDropped?(client: Client, params: unknown): void;
  /** A connection may see less than before, or more: what it hears without asking has to be what it may still see. */
  sightChanged?(client: Client): void;
  /** A connection is gone: everything that was its own goes with it, and the other side of each is told. */
  connectionEnded?(client: Client): void;
  /**
   * An agent is about to be removed: forgets what of it may be hard to forget.
   * @throws what keeps it from being removed now: then it stays, and its removal may be tried again
   */
  agentRemoving?(agentKey: string): void;
  /** An agent was removed. Whoever has that id next must find nothing of it. */
  agentRemoved?(agentKey: string): void;
  /** Every few seconds. `now` is the clock's. */
  sweep?(now: number): void;
  /** The broker is about to close all connections: whatever is still running ends. In reverse order of the list. */
  drain?(): void;
  /** What was asked of the family and is not answered yet: the end waits for it, for a while. */
  answered?(): readonly Promise<unknown>[];
  /** Live turns at other brokers whose hosts are connections of this one: a stop waits for them, too. */
  turnsElsewhere?(): number;
  /**
   * Why a stop goes on although this broker has no turns left: others that stop with it have some, until the time for that
   * is over; or it is to be there until they are gone. Asked again at each of the root actor's steps.
   */
  held?(): 'until drained' | 'until last' | undefined;
  /** What is told of a connection in its context, while somebody watches. */
  clientFacts?(client: Client): Readonly<Record<string, unknown>>;
  /** What it has for `broker.status`. */
  status?(): Partial<BrokerStatus>;
  /** What an agent says of itself that it can do. */
  capabilitiesOf?(agentKey: string): readonly string[];
  /** What is told of the broker in its context, while somebody watches. */
  brokerFacts?(): Readonly<Record<string, unknown>>;
}

/**
 * Reads a notification that is an event: gives what the connection's actor hears, undefined where it is malformed. `note` is
 * told of one that was not as it should be, whether it goes on or not.
 */
export type ReadNotification = (params: unknown, note: (fault: EventFault) => void) => ConnectionEvent | undefined;

/**
 * What families take off the connections' way. Tables that are filled once, at start: a frame pays one look-up in them, and
 * an agent's token none.
 */
export class Inbound {
  /** By event type. */
  readonly routes = new Map<string, Route>();
  /** Notifications that are events, by method. */
  readonly notifications = new Map<string, ReadNotification>();
  /** Binary frames: the same. */
  binary: ((data: Uint8Array) => ConnectionEvent | undefined) | undefined;
}

/** The hooks of all families. What one of them throws, a fault of ours, is logged, and the next one is called (law 11). */
export class Hooks {
  readonly #hooks: Hook[] = [];
  readonly #attempt: (what: string, step: () => void) => void;

  constructor(attempt: (what: string, step: () => void) => void) {
    this.#attempt = attempt;
  }

  add(hook: Hook): void {
    this.#hooks.push(hook);
  }

  starting(): void {
    this.#each((hook) => hook.starting?.());
  }
  agentAttached(agentId: string, client: Client): void {
    this.#each((hook) => hook.agentAttached?.(agentId, client));
  }
  agentReplaced(client: Client, isElsewhere: boolean): void {
    this.#each((hook) => hook.agentReplaced?.(client, isElsewhere));
  }
  eventDropped(client: Client, params: unknown): void {
    this.#each((hook) => hook.eventDropped?.(client, params));
  }
  sightChanged(client: Client): void {
    this.#each((hook) => hook.sightChanged?.(client));
  }
  connectionEnded(client: Client): void {
    this.#each((hook) => hook.connectionEnded?.(client));
  }
  /** @throws what one of them throws: the others are not asked */
  agentRemoving(agentId: string): void {
    for (const hook of this.#hooks) hook.agentRemoving?.(agentId);
  }
  agentRemoved(agentId: string): void {
    this.#each((hook) => hook.agentRemoved?.(agentId));
  }
  sweep(now: number): void {
    this.#each((hook) => hook.sweep?.(now));
  }
  drain(): void {
    this.#each((hook) => hook.drain?.(), [...this.#hooks].reverse());
  }
  answered(): Promise<unknown>[] {
    return this.#hooks.flatMap((hook) => hook.answered?.() ?? []);
  }
  turnsElsewhere(): number {
    return this.#hooks.reduce((all, hook) => all + (hook.turnsElsewhere?.() ?? 0), 0);
  }
  held(): 'until drained' | 'until last' | undefined {
    for (const hook of this.#hooks) {
      const held = hook.held?.();
      if (held) return held;
    }
    return undefined;
  }
  clientFacts(client: Client): Record<string, unknown> {
    return Object.assign({}, ...this.#hooks.map((hook) => hook.clientFacts?.(client)));
  }
  status(): Partial<BrokerStatus> {
    return Object.assign({}, ...this.#hooks.map((hook) => hook.status?.()));
  }
  capabilitiesOf(agentId: string): readonly string[] {
    return this.#hooks.flatMap((hook) => hook.capabilitiesOf?.(agentId) ?? []);
  }
  brokerFacts(): Record<string, unknown> {
    return Object.assign({}, ...this.#hooks.map((hook) => hook.brokerFacts?.()));
  }

  #each(call: (hook: Hook) => void, hooks: readonly Hook[] = this.#hooks): void {
    for (const hook of hooks) this.#attempt('what a family had', () => call(hook));
  }
}
