import type { HostEvent, HostEventKind } from '../../protocol/host.ts';
import type { Client } from './client.ts';
import type { Kernel } from './kernel.ts';
import { tell } from './tell.ts';
import { createEventPrefix } from './unique-ids.ts';

interface Entry {
  event: HostEvent;
  /** Of its payload, as JSON. */
  bytes: number;
  /** What this reader sees of it, where that is not the same for all. */
  view: ((event: HostEvent, reader: Client) => HostEvent) | undefined;
}

/** What an event tells, besides what the log adds. */
export interface Happening {
  kind: HostEventKind | (string & {});
  agentId?: string | undefined;
  message: string;
  payload?: unknown;
  /** Of the payload, as JSON, where a client chose it. */
  bytes?: number;
  /** What a reader sees of it, where that is not the same for all. Called for each, whenever it reads. */
  view?: (event: HostEvent, reader: Client) => HostEvent;
}

/** What has happened: numbered without a gap, the last ones kept, told to every subscriber (`wire.md` section 4). */
export class EventLog {
  readonly #state: Kernel;
  readonly #kept: Entry[] = [];
  readonly #subscribers = new Set<Client>();
  readonly #idPrefix = createEventPrefix();
  #keptBytes = 0;
  #sequence = 0;

  constructor(state: Kernel) {
    this.#state = state;
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

  /** The newest `limit` events as this client may see them, oldest first. */
  newest(limit: number, client: Client): HostEvent[] {
    return this.#kept.slice(-limit).map((entry) => view(entry, client));
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
    const { keptEvents, keptEventBytes } = this.#state.limits;
    while (this.#kept.length > keptEvents || (this.#keptBytes > keptEventBytes && this.#kept.length > 1)) {
      this.#keptBytes -= this.#kept.shift()?.bytes ?? 0;
    }
    for (const client of this.#subscribers) {
      tell(this.#state.ref, client.ref, { type: 'rpc.notify', method: 'host.event', params: view(entry, client) });
    }
    return entry.event;
  }
}

function view({ event, view: viewFor }: Entry, reader: Client): HostEvent {
  return viewFor ? viewFor(event, reader) : event;
}
