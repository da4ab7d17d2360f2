import type { Claim, Directory, DirectoryHandlers } from '../cluster/directory.ts';
import { DEAD_MS } from '../link/members.ts';
import { Attachments } from './attachments.ts';
import { Watch } from './bucket.ts';
import { Claims } from './claims.ts';
import { NatsError } from './errors.ts';
import { Graves } from './graves.ts';
import { Line } from './line.ts';
import type { Lives } from './lives.ts';
import { type Bucket, namesOf } from './names.ts';
import type { NatsOptions } from './options.ts';
import { Registry } from './registry.ts';
import { bucketConfig, Store } from './store.ts';

/** What dead lives have left behind is looked for so often. Milliseconds. */
const SWEEP_MS = 5_000;

interface Open {
  readonly line: Line;
  readonly watches: readonly Watch[];
  readonly attachments: Attachments;
  readonly claims: Claims;
  readonly registry: Registry;
  readonly graves: Graves;
}

/**
 * What the brokers of a cluster know together, in buckets of JetStream's KV. It has a connection of its own, so that no
 * link keeps it waiting. What was told stands while NATS is away; what is attached then is written when it is back.
 */
export class NatsDirectory implements Directory {
  readonly #options: NatsOptions;
  readonly #lives: Lives;
  #open: Open | undefined;
  #timer: NodeJS.Timeout | undefined;
  #awaySince: number | undefined;

  /**
   * @param lives - which brokers are heard: the carrier's
   * @throws {NatsError} `config`
   */
  constructor(options: NatsOptions, lives: Lives) {
    namesOf(options.cluster);
    this.#options = options;
    this.#lives = lives;
  }

  get isConnected(): boolean {
    return this.#open?.watches.every(({ isFresh }) => isFresh) ?? false;
  }

  /** @throws {NatsError} where there is no server, no JetStream, too few servers, or no right to them */
  async open(self: { readonly id: string; readonly epoch: string }, handlers: DirectoryHandlers): Promise<void> {
    const options = { ...this.#options, self };
    const line = await Line.open(options, 'directory');
    try {
      await this.#begin(line, options, handlers);
    } catch (error) {
      for (const watch of this.#open?.watches ?? []) watch.close();
      this.#open = undefined;
      await line.close();
      throw error;
    }
  }

  attach(agentKey: string, client: string): void {
    this.#open?.attachments.attach(agentKey, client);
  }

  detach(agentKey: string, client: string): void {
    this.#open?.attachments.detach(agentKey, client);
  }

  /** @throws {NatsError} `away`, within a second */
  async claim(name: string): Promise<Claim> {
    return this.#written(this.#opened().claims.claim(name));
  }

  release(name: string): void {
    this.#open?.claims.release(name);
  }

  buried(broker: string, epoch: string): void {
    this.#open?.graves.bury({ broker, epoch });
    setImmediate(() => this.#open?.attachments.sweep());
  }

  /** @throws {NatsError} `away`; `max_payload` */
  async register(name: string, record: string | undefined): Promise<void> {
    await this.#written(this.#opened().registry.register(name, record));
  }

  async close(): Promise<void> {
    const open = this.#open;
    if (!open) return;
    this.#open = undefined;
    clearInterval(this.#timer);
    for (const watch of open.watches) watch.close();
    await Promise.all([open.attachments.close(), open.claims.close()]);
    await open.line.close();
  }

  /** Where something cannot be written, it is looked whether anything can. */
  async #written<T>(writing: Promise<T>): Promise<T> {
    try {
      return await writing;
    } catch (error) {
      for (const watch of this.#open?.watches ?? []) watch.check();
      throw error;
    }
  }

  #opened(): Open {
    if (!this.#open) throw new NatsError('away', 'the directory is not open');
    return this.#open;
  }

  async #begin(line: Line, options: NatsOptions, handlers: DirectoryHandlers): Promise<void> {
    const { self, cluster, replicas } = options;
    const names = namesOf(cluster);
    const store = await Store.open(line, replicas);
    const buckets: Bucket[] = ['ATT', 'SES', 'AGENT'];
    for (const bucket of buckets) await store.make(bucketConfig(names.bucket(bucket), names.changes(bucket)));
    const life = { broker: self.id, epoch: self.epoch };
    const graves = new Graves(life, this.#lives);
    const isOpen = () => this.#open !== undefined;
    const attachments = new Attachments(store, names.bucket('ATT'), life, graves, {
      attached: (agentKey, place) => void (isOpen() && handlers.attached(agentKey, place)),
      lost: (agentKey, client) => void (isOpen() && handlers.lost?.(agentKey, client)),
      detached: (agentKey, place) => void (isOpen() && handlers.detached(agentKey, place)),
    });
    const claims = new Claims(store, names.bucket('SES'), life, graves);
    const registry = new Registry(store, names.bucket('AGENT'), (name, record) => {
      if (isOpen()) handlers.registered?.(name, record);
    });
    const attached = new Watch(store, names.bucket('ATT'), {
      changed: (change) => attachments.changed(change),
      emptied: () => attachments.emptied(),
      caughtUp: () => {
        attachments.assert();
        claims.assert(this.#wasAwayLong());
      },
    });
    const registered = new Watch(store, names.bucket('AGENT'), {
      changed: (change) => registry.changed(change),
      emptied: () => registry.emptied(),
      caughtUp: () => {},
    });
    this.#open = { line, watches: [attached, registered], attachments, claims, registry, graves };
    line.listen({
      connected: () => {},
      disconnected: () => {
        this.#awaySince ??= performance.now();
      },
    });
    await attached.open(names.changes('ATT'));
    await registered.open(names.changes('AGENT'));
    this.#timer = setInterval(() => {
      attachments.sweep();
      // Somebody may have thought this life over, and removed what it has.
      if (attached.isFresh) attachments.assert();
    }, SWEEP_MS).unref();
  }

  /** Whether others may have thought this broker dead while it was away. */
  #wasAwayLong(): boolean {
    const since = this.#awaySince;
    this.#awaySince = undefined;
    return since !== undefined && performance.now() - since >= DEAD_MS - 1_000;
  }
}
