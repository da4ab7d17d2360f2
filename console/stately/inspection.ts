import type { StatelyInspectionEvent } from '@statelyai/inspect';
import type { Host } from '../../client/browser.ts';
import type { FeedRecord } from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import { hearNotifications } from '../tap.ts';
import { StatelyEvents } from './stately-events.ts';

/** So long a broker that dropped records is left alone before it is asked for all actors anew. Milliseconds. */
const RENEW_PAUSE_MS = 1_000;

/** What an {@link Inspection} tells. */
export interface InspectionListener {
  /** A snapshot is there, the first or a new one: every live actor is to be told anew. */
  started(): void;
  /** What has happened since. */
  events(events: readonly StatelyInspectionEvent[]): void;
  /** There is no feed. */
  failed(error: unknown): void;
}

/** The broker's inspection feed over one connection, in Stately's words. */
export class Inspection {
  readonly #host: Host;
  readonly #listener: InspectionListener;
  readonly #unhear: () => void;
  #events: StatelyEvents | undefined;
  /** How the actors stood before the snapshot that is asked for. */
  #before: StatelyEvents | undefined;
  /** What came while the first snapshot is being asked for: it may hold them, or not. */
  #early: FeedRecord[] = [];
  #renewal: ReturnType<typeof setTimeout> | undefined;
  #stopped = false;

  constructor(host: Host, listener: InspectionListener) {
    this.#host = host;
    this.#listener = listener;
    this.#unhear = hearNotifications('inspect.event', (params) => {
      if (isObject(params) && Array.isArray(params.records)) this.#take(params.records as FeedRecord[]);
    });
    void this.#subscribe();
  }

  /** How every live actor stands. */
  actors(): readonly StatelyInspectionEvent[] {
    return this.#events?.actors() ?? [];
  }

  /** Watches no more. */
  stop(): void {
    this.#stopped = true;
    clearTimeout(this.#renewal);
    this.#unhear();
    // Where the connection is gone, so is the watching.
    this.#host.request('inspect.unsubscribe', {}).catch(() => {});
  }

  async #subscribe(): Promise<void> {
    this.#early = [];
    try {
      const snapshot = await this.#host.request('inspect.subscribe', {});
      if (this.#stopped) return;
      this.#events = new StatelyEvents(snapshot, this.#before);
      const ended = this.#before?.endsBefore(snapshot, Date.now()) ?? [];
      this.#before = undefined;
      if (ended.length > 0) this.#listener.events(ended);
      this.#listener.started();
      this.#take(this.#early.splice(0));
    } catch (error) {
      if (!this.#stopped) this.#listener.failed(error);
    }
  }

  #take(records: readonly FeedRecord[]): void {
    if (!this.#events) {
      this.#early.push(...records);
      return;
    }
    // What comes before a renewal is in its snapshot.
    if (this.#renewal !== undefined) return;
    const events = this.#events.take(records);
    if (events === undefined) {
      this.#renewal = setTimeout(() => {
        this.#renewal = undefined;
        this.#before = this.#events;
        this.#events = undefined;
        void this.#subscribe();
      }, RENEW_PAUSE_MS);
    } else if (events.length > 0) this.#listener.events(events);
  }
}
