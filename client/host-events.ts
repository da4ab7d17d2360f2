import type { ApprovalRow } from '../protocol/approvals.ts';
import type { HostEvent } from '../protocol/host.ts';
import type { ResultOf } from '../protocol/methods.ts';
import { approvalOutcome } from './approval-outcome.ts';
import { BufferOverflowError, ProtocolError, RpcError, type SwitchboardError } from './errors.ts';
import { DEFAULT_BUFFER_LIMIT, EventQueue } from './event-queue.ts';
import { checkPart } from './part-options.ts';
import type { Peer } from './peer.ts';
import type { JsonCodec } from './place.ts';
import { quietly } from './quietly.ts';
import { misfits, type Shape } from './shape.ts';

/** What is read of an event. */
const EVENT: Shape<HostEvent> = { sequence: 'number', kind: 'string' };

/** What `host.subscribe` answers: everything that was before the first event. */
export type HostSnapshot = ResultOf<'host.subscribe'>;

/** How to subscribe. */
export interface SubscribeOptions {
  /** How much may wait to be read, in characters of JSON, before reading ends in a `BufferOverflowError`. Default 16 Mi. */
  bufferLimit?: number | undefined;
  /** The host has come back after a lost connection: hears the new snapshot, after which events go on. */
  onRenewed?: ((snapshot: HostSnapshot) => void) | undefined;
}

/**
 * What happens at the broker, from a snapshot on: none missing, none twice. Iterating yields the events after the
 * snapshot; they can be read once, and reading throws what became of the connection, after the events that came before.
 *
 * Leaving the loop closes it. The wire knows no unsubscribing, so a connection that has subscribed once is sent events
 * until it ends; closing stops keeping them.
 *
 * A host that comes back after a lost connection renews it: what the broker still keeps of the events in between comes
 * first; a broker that was restarted counts them anew.
 */
export interface HostSubscription extends AsyncIterable<HostEvent> {
  /** The last snapshot. */
  readonly snapshot: HostSnapshot;
  /** Ends the iteration at once; what was not read is forgotten. Harmless when called again. */
  close(): void;
}

/** The subscriptions of one host. */
export class HostEvents {
  readonly #open = new Set<SubscriptionRun>();

  /** @throws {RpcError} refused. @throws {SwitchboardError} what became of the connection. */
  async subscribe(peer: Peer, options: SubscribeOptions = {}): Promise<HostSubscription> {
    checkPart('subscribe', options);
    const { bufferLimit = DEFAULT_BUFFER_LIMIT, onRenewed } = options;
    await peer.request('server.handshake', { protocol_version: 3 });
    return new Promise((resolve, reject) => {
      const run = new SubscriptionRun(bufferLimit, () => this.#open.delete(run), onRenewed);
      // Registered before the broker is asked, for the first event may be in the same packet as the snapshot.
      this.#open.add(run);
      peer.call(
        'host.subscribe',
        {},
        {
          result: (value) => {
            run.start(value as HostSnapshot);
            resolve(run);
          },
          error: (error) => {
            run.close();
            reject(error);
          },
        },
      );
    });
  }

  /** See `Host.approvalOutcome`. */
  async outcome(peer: Peer, id: string, options: { signal?: AbortSignal | undefined }): Promise<ApprovalRow> {
    checkPart('approvalOutcome', options);
    return approvalOutcome((each) => this.subscribe(peer, each), id, options.signal);
  }

  /** `host.event`; `size` is its frame's length in characters. */
  event(params: unknown, size: number): void {
    const issues = misfits(params, EVENT);
    for (const run of [...this.#open]) {
      if (issues.length > 0) run.end(new ProtocolError('an event of the broker', issues));
      else run.event(params as HostEvent, size);
    }
  }

  /** There is a connection again. Never rejects: a refusal ends the subscriptions, a loss is followed by the next. */
  async renew(peer: Peer): Promise<void> {
    const runs = [...this.#open].filter((run) => run.isStarted);
    if (runs.length === 0) return;
    for (const run of runs) run.pause();
    try {
      await peer.request('server.handshake', { protocol_version: 3 });
      const snapshot = (await peer.request('host.subscribe', {})) as HostSnapshot;
      // Some may have been closed meanwhile.
      for (const run of runs) if (this.#open.has(run)) run.renew(snapshot, peer.json);
    } catch (error) {
      if (error instanceof RpcError || error instanceof ProtocolError) for (const run of runs) run.end(error);
    }
  }

  /** There will be no other connection. */
  ended(error: SwitchboardError): void {
    for (const run of [...this.#open]) run.end(error);
  }
}

class SubscriptionRun implements HostSubscription {
  readonly #limit: number;
  readonly #queue: EventQueue<HostEvent>;
  readonly #forget: () => void;
  readonly #onRenewed: SubscribeOptions['onRenewed'];
  /** What came before the snapshot did. */
  #early: { event: HostEvent; size: number }[] = [];
  #snapshot: HostSnapshot | undefined;
  /** The last one that was seen, in a snapshot or by itself. */
  #sequence = 0;
  #isWaiting = true;

  constructor(limit: number, forget: () => void, onRenewed: SubscribeOptions['onRenewed']) {
    this.#limit = limit;
    this.#queue = new EventQueue(limit);
    this.#forget = forget;
    this.#onRenewed = onRenewed;
  }

  get snapshot(): HostSnapshot {
    if (!this.#snapshot) throw new TypeError('not subscribed yet');
    return this.#snapshot;
  }

  get isStarted(): boolean {
    return this.#snapshot !== undefined;
  }

  start(snapshot: HostSnapshot): void {
    this.#snapshot = snapshot;
    this.#isWaiting = false;
    // The snapshot tells of all these already.
    this.#sequence = snapshot.event_sequence;
    for (const { event, size } of this.#early.splice(0)) this.event(event, size);
  }

  /** Another snapshot is under way. */
  pause(): void {
    this.#isWaiting = true;
    this.#early = [];
  }

  renew(snapshot: HostSnapshot, json: JsonCodec): void {
    const before = this.#snapshot;
    const isSame =
      before?.identity.pid === snapshot.identity.pid &&
      before.events_epoch === snapshot.events_epoch &&
      snapshot.event_sequence >= this.#sequence;
    const missed = snapshot.events.filter(({ sequence }) => !isSame || sequence > this.#sequence);
    this.#sequence = 0;
    this.#isWaiting = false;
    for (const event of missed) this.event(event, json.stringify(event).length);
    this.start(snapshot);
    quietly(() => this.#onRenewed?.(snapshot));
  }

  event(event: HostEvent, size: number): void {
    if (this.#isWaiting) {
      this.#early.push({ event, size });
      return;
    }
    if (event.sequence <= this.#sequence) return;
    this.#sequence = event.sequence;
    if (!this.#queue.push(event, size)) this.end(new BufferOverflowError(this.#limit));
  }

  end(error: SwitchboardError): void {
    this.#forget();
    this.#queue.end({ error });
  }

  close(): void {
    this.#forget();
    this.#queue.discard();
  }

  [Symbol.asyncIterator](): AsyncIterator<HostEvent, undefined> {
    return this.#queue.readOnce('the events of a subscription', () => this.#forget());
  }
}
