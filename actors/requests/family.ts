import type { AnyStateMachine } from 'xstate';
import type { FamilyEvent } from '../../machines/broker.machine.ts';
import type { ConnectionEvent } from '../../machines/connection.machine.ts';
import type { HotEvents } from '../../machines/hot-events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import type { Facts } from '../kernel/facts.ts';
import type { Hook, ReadNotification, Route } from '../kernel/hooks.ts';
import type { Kernel } from '../kernel/kernel.ts';
import type { Metric } from '../kernel/metric.ts';
import type { Handlers, NotificationHandlers } from './dispatcher.ts';

/** A chart, and what is told of an actor that runs it, besides its state, while somebody watches. */
export interface Chart {
  readonly machine: AnyStateMachine;
  /** What it hears off the chart. */
  readonly hot?: HotEvents;
  // biome-ignore lint/suspicious/noExplicitAny: read from the record that this very machine holds
  facts(context: any, kernel: Kernel): Facts;
  /** To which turn an actor that runs it belongs, if to any: it is recorded with that. */
  // biome-ignore lint/suspicious/noExplicitAny: read from the record that this very machine holds
  turnOf?(context: any): { readonly id: string } | undefined;
  /** What is shown of its own events, by type, where that is not all that is in them. */
  readonly shown?: Readonly<Record<string, (event: JsonObject) => JsonObject>>;
}

/** What a family brings once it is installed in a broker. Its hooks are called in the order of the list of families. */
export interface Installed extends Hook {
  /** Its requests. Each has to be in the method table. */
  readonly methods?: Handlers;
  readonly notifications?: NotificationHandlers;
  /** Which of its clients' events it takes off the way of requests. See {@link Inbound}. */
  readonly inbound?: {
    readonly routes?: Readonly<Partial<Record<FamilyEvent['type'], Route>>>;
    readonly notifications?: Readonly<Record<string, ReadNotification>>;
    readonly binary?: (data: Uint8Array) => ConnectionEvent | undefined;
  };
  /** Put together at scrape. */
  readonly metrics?: readonly Metric[];
}

/**
 * Everything about one subject of the broker's, in one folder: what it answers, what it shows, and what becomes of it when
 * a connection ends or the broker stops. `actors/families.ts` is the one list of them.
 */
export interface Family<O = object> {
  readonly name: string;
  /** Its charts: the inspector, the documentation and the console read this. */
  readonly charts?: readonly Chart[];
  /** Called once for each broker, before its actor is made. */
  install(kernel: Kernel, options: O): Installed;
}
