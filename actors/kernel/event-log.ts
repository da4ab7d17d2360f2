import type { HostEvent, HostEventKind } from '../../protocol/host.ts';
import type { Client } from './client.ts';
import { JsonText } from './json-text.ts';
import type { Kernel } from './kernel.ts';
import { tell } from './tell.ts';
import { createEventPrefix } from './unique-ids.ts';

/** What a reader sees of an event, where that is not the same for all: the same object for all who see the same. */
type ViewFor = (event: HostEvent, reader: Client) => HostEvent;

interface Entry {
  /** The event as JSON, as all see it, once somebody has asked for it. */
  text?: JsonText;
  event: HostEvent;
  /** Of its payload, as JSON. */
  bytes: number;
  view: ViewFor | undefined;
}

/** What an event tells, besides what the log adds. */
export interface Happening {
  kind: HostEventKind | (string & {});
  agentId?: string | undefined;
  message: string;
  payload?: unknown;
  /** Of the payload, as JSON, where a client chose it. */
  bytes?: number;
  /** Called for each reader, whenever it reads. */
  view?: ViewFor;
}

/** What has happened: numbered without a gap, the last ones kept, told to every subscriber (`wire.md` section 4). */
export class EventLog {
  readonly #kernel: Kernel;
  readonly #kept: Entry[] = [];
  readonly #subscribers = new Set<Client>();
  readonly #idPrefix = createEventPrefix();
  #keptBytes = 0;
  #sequence = 0;

  constructor(kernel: Kernel) {
    this.#kernel = kernel;
  }

  /** The newest event's number. */
  get sequence(): number {
    return this.#sequence;
  }

  /** From now on this client hears every event, until it goes. */
  subscribe(client: Client): void {
    this.#subscribers.add(client);
  }

  unsubscribe(client: Client): void {
    this.#subscribers.delete(client);
  }

  emit(happening: Happening): HostEvent {
    return this.#add({ event: this.#toEvent(happening), bytes: happening.bytes ?? 0, view: happening.view });
  }

  /** What is kept from before `sequence` as this client may see it, the newest first; made one by one, as they are asked for. */
  *newestFirst(client: Client, before = Number.POSITIVE_INFINITY): Generator<JsonText> {
    for (let at = this.#kept.length - 1; at >= 0; at -= 1) {
      const entry = this.#kept[at] as Entry;
      if (entry.event.sequence < before) yield textFor(entry, client);
    }
  }

  #toEvent({ kind, agentId, message, payload }: Happening): HostEvent {
    this.#sequence += 1;
    return {
      id: `${this.#idPrefix}${this.#sequence}`,
      sequence: this.#sequence,
      timestamp: new Date().toISOString(),
      kind,
      ...(agentId === undefined ? {} : { agent_id: agentId }),
      message,
      payload: payload ?? {},
    };
  }

  #add(entry: Entry): HostEvent {
    this.#kept.push(entry);
    this.#keptBytes += entry.bytes;
    const { keptEvents, keptEventBytes } = this.#kernel.limits;
    while (this.#kept.length > keptEvents || (this.#keptBytes > keptEventBytes && this.#kept.length > 1)) {
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0;
    }
    this.#tellAll(entry);
    return entry.event;
  }

  /** Put together once for all who see the same: there may be thousands of them. */
  #tellAll(entry: Entry): void {
    const others = new Map<HostEvent, JsonText>();
    for (const client of this.#subscribers) {
      const params = textFor(entry, client, others);
      tell(this.#kernel.ref, client.ref, { type: 'rpc.notify', method: 'host.event', params });
    }
  }
}

/**
 * The event as this reader may see it. What all see is put together once, and kept as long as the event; what some see,
 * once for those that are told of it together.
 */
function textFor(entry: Entry, reader: Client, others?: Map<HostEvent, JsonText>): JsonText {
  const { event, view } = entry;
  const seen = view ? view(event, reader) : event;
  const known = seen === event ? entry.text : others?.get(seen);
  if (known) return known;
  const text = new JsonText(JSON.stringify(seen));
  if (seen === event) entry.text = text;
  else others?.set(seen, text);
  return text;
}
