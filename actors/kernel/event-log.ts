import type { HostEvent, HostEventKind } from '../../protocol/host.ts';
import type { Approval } from '../approvals/approval-record.ts';
import type { Client } from '../connection/client.ts';
import type { BrokerState } from './broker-state.ts';
import { tell } from './tell.ts';
import { createEventPrefix } from './unique-ids.ts';

interface Entry {
  event: HostEvent;
  /** Of its payload, as JSON. */
  bytes: number;
  /** Of an approval's event: the row is made for each reader, who may see more of it or less. */
  approval?: Approval;
}

/** What an event tells, besides what the log adds. */
export interface Happening {
  kind: HostEventKind | (string & {});
  agentId?: string | undefined;
  message: string;
  payload?: unknown;
  /** Of the payload, as JSON, where a client chose it. */
  bytes?: number;
}

/** What has happened: numbered without a gap, the last ones kept, told to every subscriber (`wire.md` section 4). */
export class EventLog {
  readonly #state: BrokerState;
  readonly #kept: Entry[] = [];
  readonly #subscribers = new Set<Client>();
  readonly #idPrefix = createEventPrefix();
  #keptBytes = 0;
  #sequence = 0;

  constructor(state: BrokerState) {
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
    return this.#add({ event: this.#toEvent(happening), bytes: happening.bytes ?? 0 });
  }

  emitApproval(kind: 'approval.requested' | 'approval.resolved', approval: Approval): void {
    const { action, agentId } = approval.subject;
    const message =
      kind === 'approval.requested' ? `approval requested: ${action}` : `approval ${approval.status}: ${action}`;
    const event = this.#toEvent({ kind, agentId: agentId ?? undefined, message, payload: approval.publicRow() });
    this.#add({ event, approval, bytes: approval.bytes });
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

function view({ event, approval }: Entry, client: Client): HostEvent {
  if (!approval?.subject.hidden || !approval.mayBeResolvedBy(client)) return event;
  // The row as it was then; only what was hidden from others is added.
  const payload = event.payload as { details: object };
  return { ...event, payload: { ...payload, details: { ...payload.details, ...approval.subject.hidden } } };
}
