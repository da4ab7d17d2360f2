import { type Signal, signal } from '@preact/signals';
import { ErrorCode, type Host, RpcError } from '../../client/browser.ts';
import type { FeedRecord } from '../../protocol/inspect.ts';
import { isObject } from '../../protocol/json.ts';
import { ActorsModel } from './model.ts';

/** A feed that has lost records asks for a new snapshot no more often than this. Milliseconds. */
const RENEW_EVERY_MS = 2_000;
/** Lists are drawn again no more often than this. Milliseconds. */
const SLOW_MS = 200;

/** How the page stands with the feed. */
export type FeedState =
  | { kind: 'off' }
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** The daemon was started without `--inspect`. */
  | { kind: 'unavailable' }
  | { kind: 'failed'; problem: string };

/** What a feed needs of its surroundings. */
export interface FeedDependencies {
  /** Hears the parameters of `inspect.event`. @returns what stops it. */
  hear(listener: (params: unknown) => void): () => void;
  /** Runs something before the next picture is drawn. */
  nextFrame(run: () => void): void;
  /** Unix milliseconds, by the broker's clock as well as it is known. */
  now(): number;
}

/** One subscription to the inspection feed, and what it tells. */
export class Feed {
  readonly model = new ActorsModel();
  readonly state: Signal<FeedState> = signal({ kind: 'off' });
  /** Grows when the model has changed, once a picture at most: what draws the model reads this. */
  readonly version = signal(0);
  /** The same, a few times a second: for lists, which nobody reads faster. */
  readonly slowVersion = signal(0);
  /** The id of the turn that has started last while this feed was open. */
  readonly newestTurn: Signal<string | undefined> = signal(undefined);
  readonly #to: FeedDependencies;
  #host: Host | undefined;
  #stop: (() => void) | undefined;
  #timer: ReturnType<typeof setInterval> | undefined;
  #isDirty = false;
  #isSlowDirty = false;
  /** What came while a snapshot was on its way; undefined where none is. */
  #early: FeedRecord[] | undefined;
  #renewedAt = 0;
  #wantsRenewal = false;

  constructor(to: FeedDependencies) {
    this.#to = to;
  }

  /** Subscribes on a connection. Does nothing where it is that one already. */
  open(host: Host): void {
    if (this.#host === host) return;
    this.close();
    this.#host = host;
    // Before the broker is asked, for the first records may be in the same packet as the snapshot.
    this.#stop = this.#to.hear((params) => this.#hear(params));
    this.#timer = setInterval(() => this.#tick(), 1_000);
    this.state.value = { kind: 'connecting' };
    void this.#renew(host);
  }

  /** Asks again, after it was refused. */
  retry(): void {
    if (this.#host && this.state.value.kind === 'failed') void this.#renew(this.#host);
  }

  /** Unsubscribes. What was seen stays to be looked at. */
  close(): void {
    const host = this.#host;
    if (!host) return;
    this.#host = undefined;
    this.#stop?.();
    clearInterval(this.#timer);
    this.#early = undefined;
    if (this.state.value.kind === 'live') host.request('inspect.unsubscribe', {}).catch(() => {});
    this.state.value = { kind: 'off' };
  }

  /** Unsubscribes, and forgets what was seen. */
  reset(): void {
    this.close();
    this.model.clear();
    this.newestTurn.value = undefined;
    this.#mark();
  }

  async #renew(host: Host): Promise<void> {
    this.#early = [];
    this.#renewedAt = this.#to.now();
    this.#wantsRenewal = false;
    try {
      const snapshot = await host.request('inspect.subscribe', {});
      if (this.#host !== host) {
        // Left meanwhile: then nobody listens.
        if (this.#host === undefined) host.request('inspect.unsubscribe', {}).catch(() => {});
        return;
      }
      const early = this.#early ?? [];
      this.#early = undefined;
      this.model.renew(snapshot, this.#to.now());
      this.state.value = { kind: 'live' };
      this.#apply(early);
      this.slowVersion.value += 1;
      this.#mark();
    } catch (error) {
      if (this.#host !== host) return;
      this.#early = undefined;
      const isMissing = error instanceof RpcError && error.code === ErrorCode.MethodNotFound;
      this.state.value = isMissing
        ? { kind: 'unavailable' }
        : { kind: 'failed', problem: error instanceof Error ? error.message : String(error) };
    }
  }

  #hear(params: unknown): void {
    if (!isObject(params) || !Array.isArray(params.records)) return;
    const records = params.records as FeedRecord[];
    if (this.#early) this.#early.push(...records);
    else this.#apply(records);
  }

  #apply(records: readonly FeedRecord[]): void {
    if (this.state.value.kind !== 'live' || records.length === 0) return;
    if (this.model.apply(records, this.#to.now()) === 'gap') this.#wantsRenewal = true;
    if (this.model.newestTurn !== undefined) this.newestTurn.value = this.model.newestTurn;
    this.#mark();
  }

  #mark(): void {
    if (!this.#isDirty) {
      this.#isDirty = true;
      this.#to.nextFrame(() => {
        this.#isDirty = false;
        this.version.value += 1;
      });
    }
    if (this.#isSlowDirty) return;
    this.#isSlowDirty = true;
    setTimeout(() => {
      this.#isSlowDirty = false;
      this.slowVersion.value += 1;
    }, SLOW_MS);
  }

  #tick(): void {
    const now = this.#to.now();
    if (this.model.expire(now)) this.#mark();
    const isDue = now - this.#renewedAt >= RENEW_EVERY_MS && this.#early === undefined;
    if (this.#wantsRenewal && isDue && this.#host) void this.#renew(this.#host);
  }
}
