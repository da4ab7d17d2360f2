import type { HostEvent, HostEventKind } from '../../protocol/host.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { type Audience, type Views, viewOf } from './audience.ts';
import type { Client } from './client.ts';
import { EventShelves } from './event-shelves.ts';
import { EventView, viewKeyOf } from './event-view.ts';
import { JsonText } from './json-text.ts';
import type { Kernel } from './kernel.ts';
import { tell } from './tell.ts';
import { createEventId } from './unique-ids.ts';

/** An event without its number, which is each reader's own. */
export type Unnumbered = Omit<HostEvent, 'id' | 'sequence'>;

/** What a reader sees of an event, where that is not the same for all: the same object for all who see the same. */
export type ViewFor = (event: Unnumbered, reader: Client) => Unnumbered;

/** An event that is kept. */
export interface Entry {
  /** How many there were before it, whoever sees them. */
  readonly at: number;
  readonly id: string;
  readonly event: Unnumbered;
  /** Of its payload, as JSON. */
  readonly bytes: number;
  readonly view: ViewFor | undefined;
  readonly audience: Audience;
  /** The event as JSON, as all see it, but for its id and number; once somebody has asked for it. */
  rest?: string;
  /** The same, whole, and numbered as whoever asked last sees it. */
  text?: { sequence: number; json: JsonText };
}

/** What some readers see in place of an event, as {@link Entry.rest} and {@link Entry.text}. */
type Others = Map<Unnumbered, { rest: string; text: NonNullable<Entry['text']> }>;

/** What an event tells, besides what the log adds. */
export interface Happening {
  /** Whose it is. It exists for nobody of another. */
  tenant: string;
  kind: HostEventKind | (string & {});
  agentId?: string | undefined;
  message: string;
  payload?: unknown;
  /** Of the payload, as JSON, where a client chose it. */
  bytes?: number;
  /** What some readers see of it, whenever they read. */
  views?: Views | undefined;
  /** For whom this event exists. */
  audience: Audience;
}

/** An event of one broker's, as others are told of it. */
export interface ToldEvent extends Pick<Happening, 'tenant' | 'views' | 'audience'> {
  readonly id: string;
  readonly event: Unnumbered;
  readonly bytes: number;
}

/** Views that nobody is subscribed to, and that are remembered all the same: whoever comes back finds its numbers going on. */
const MAX_IDLE_VIEWS = 1_000;

/**
 * What has happened: the last ones kept, told to every subscriber that may know of it, and numbered without a gap for each
 * of them (`wire.md` section 4, `docs/protocol.md#principals`).
 */
export class EventLog {
  readonly #kernel: Kernel;
  readonly #kept = new EventShelves();
  /** Views that somebody is subscribed to, by what they see. */
  readonly #watched = new Map<string, EventView>();
  /** Which of them a client is subscribed to. */
  readonly #subscribed = new WeakMap<Client, string>();
  /** The others, the least lately used first: {@link MAX_IDLE_VIEWS} of them. */
  readonly #idle = new Map<string, EventView>();
  /** Called with each event of this broker's own. Never throws. */
  told: ((event: ToldEvent) => void) | undefined;
  #count = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The number of the newest event that this client may know of. */
  sequenceFor(client: Client): number {
    return this.#viewOf(client).sequence;
  }

  /** From now on this client hears every event that it may know of, until it goes. */
  subscribe(client: Client): void {
    // Where nobody has to say who they are, it may have said so since it subscribed.
    this.unsubscribe(client);
    const name = viewKeyOf(client);
    const view = this.#viewOf(client, name);
    view.subscribers.add(client);
    this.#idle.delete(name);
    this.#watched.set(name, view);
    this.#subscribed.set(client, name);
  }

  /** A client may see less than before, or more: if it is subscribed it hears of that from now on. */
  seesAnew(client: Client): void {
    const name = this.#subscribed.get(client);
    if (name !== undefined && name !== viewKeyOf(client)) this.subscribe(client);
  }

  unsubscribe(client: Client): void {
    const name = this.#subscribed.get(client);
    const view = name === undefined ? undefined : this.#watched.get(name);
    if (name === undefined || !view) return;
    this.#subscribed.delete(client);
    view.subscribers.delete(client);
    if (view.subscribers.size > 0) return;
    this.#watched.delete(name);
    this.#keepIdle(name, view);
  }

  emit({ tenant, kind, agentId, message, payload, bytes = 0, views, audience }: Happening): Entry {
    const event: Unnumbered = {
      timestamp: new Date().toISOString(),
      kind,
      ...(agentId === undefined ? {} : { agent_id: agentId }),
      message,
      payload: payload ?? {},
    };
    const told: ToldEvent = { id: createEventId(), tenant, event, bytes, views, audience };
    const entry = this.add(told);
    this.told?.(told);
    return entry;
  }

  /** Something has happened, here or at another broker. */
  add({ id, tenant, event, bytes, views, audience }: ToldEvent): Entry {
    this.#count += 1;
    const entry: Entry = { at: this.#count, id, event, bytes, view: views && viewOf(views), audience };
    this.#kept.add(tenant, entry);
    // Told before the oldest goes: a view counts what is kept.
    this.#tellAll(tenant, entry);
    const { limits, shared } = this.#kernel;
    const mostEach = shared.ofTenants('events');
    this.#kept.trim(tenant, { most: limits.keptEvents, mostBytes: limits.keptEventBytes, mostEach });
    return entry;
  }

  /** An event that has just been emitted, as the client that brought it about sees it. */
  justEmitted({ id, event }: Entry, client: Client): HostEvent {
    return { id, sequence: this.sequenceFor(client), ...event };
  }

  /**
   * What is kept from before `sequence` as this client may see it, the newest first; made one by one, as they are asked for.
   */
  *newestFirst(client: Client, before = Number.POSITIVE_INFINITY): Generator<JsonText> {
    const view = this.#viewOf(client);
    let { sequence } = view;
    const kept = this.#kept.of(client.tenant);
    for (let at = kept.length - 1; at >= 0; at -= 1) {
      const entry = kept[at] as Entry;
      if (!view.shows(entry)) continue;
      if (sequence < before) yield textFor(entry, sequence, client);
      sequence -= 1;
    }
  }

  /** Counted up to now. */
  #viewOf(client: Client, name = viewKeyOf(client)): EventView {
    let view = this.#watched.get(name);
    if (!view) {
      view = this.#idle.get(name) ?? new EventView(client);
      this.#keepIdle(name, view);
    }
    view.catchUp(this.#kept.of(client.tenant));
    return view;
  }

  #keepIdle(name: string, view: EventView): void {
    // The one that was used last stands last.
    this.#idle.delete(name);
    this.#idle.set(name, view);
    if (this.#idle.size <= MAX_IDLE_VIEWS) return;
    for (const oldest of this.#idle.keys()) {
      this.#idle.delete(oldest);
      return;
    }
  }

  /** Put together once for all who see the same: there may be thousands of them. */
  #tellAll(tenant: string, entry: Entry): void {
    const others: Others = new Map();
    const kept = this.#kept.of(tenant);
    for (const view of this.#watched.values()) {
      if (view.tenant !== tenant || !view.shows(entry)) continue;
      view.catchUp(kept);
      for (const client of view.subscribers) {
        const params = textFor(entry, view.sequence, client, others);
        tell(this.#kernel.ref, client.ref, { type: 'rpc.notify', method: 'host.event', params });
      }
    }
  }
}

/**
 * The event as this reader may see it. What all see is put together once, and kept as long as the event; what some see,
 * once for those that are told of it together.
 */
function textFor(entry: Entry, sequence: number, reader: Client, others?: Others): JsonText {
  const { id, event, view, text } = entry;
  const seen = view ? view(event, reader) : event;
  const known = seen === event ? text : others?.get(seen)?.text;
  if (known?.sequence === sequence) return known.json;
  const rest = (seen === event ? entry.rest : others?.get(seen)?.rest) ?? restOf(seen);
  const json = numbered(id, sequence, rest);
  if (seen === event) {
    entry.rest = rest;
    entry.text = { sequence, json };
  } else others?.set(seen, { rest, text: { sequence, json } });
  return json;
}

const restOf = (event: Unnumbered): string => writeJson(event).slice(1);

const numbered = (id: string, sequence: number, rest: string): JsonText =>
  new JsonText(`{"id":"${id}","sequence":${sequence},${rest}`);
