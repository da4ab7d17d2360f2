import { z } from 'zod';
import type { Place } from '../cluster/directory.ts';
import type { Change } from './bucket.ts';
import { NatsError } from './errors.ts';
import type { Graves, Life } from './graves.ts';
import { keyOf } from './names.ts';
import type { Store } from './store.ts';

/** What could not be written is written again after so long. Milliseconds. */
const RETRY_MS = 250;
/** Why it could not is said so often at most. Milliseconds. */
const WARN_MS = 60_000;

const attachment = z.object({
  key: z.string(),
  broker: z.string(),
  epoch: z.string(),
  client: z.string(),
  /** When it attached, by that broker's clock: for those that attached while NATS was away. */
  at: z.number(),
});
type Attachment = z.infer<typeof attachment>;

/** An agent of this broker's. */
interface Own {
  readonly agentKey: string;
  readonly client: string;
  readonly at: number;
  /** Its place in the order, as far as it is known. */
  revision: number | undefined;
  /** It could not be given one at once: whoever has one now may be newer. */
  wasTried: boolean;
  /** Somebody is newer, and it needs none. */
  isLost: boolean;
}

/** Who hears of {@link Attachments}. Never called from inside a call to them, and never throws. */
export interface AttachmentHandlers {
  attached(agentKey: string, place: Place): void;
  detached(agentKey: string, place: Place): void;
  /** An attach of this broker's own is older than what stands there. */
  lost(agentKey: string, client: string): void;
}

/** Who is attached where: a copy of the bucket, in which this broker's own are written until they stand there. */
export class Attachments {
  readonly #store: Store;
  readonly #bucket: string;
  readonly #self: Life;
  readonly #graves: Graves;
  readonly #handlers: AttachmentHandlers;
  /** By key of the bucket: the newest that was told. */
  readonly #places = new Map<string, { agentKey: string; place: Place }>();
  readonly #revisions = new Map<string, number>();
  readonly #own = new Map<string, Own>();
  /** What is to be removed: keys with the revision that was seen there, 0 for whichever is this life's. */
  readonly #leftovers = new Map<string, number>();
  readonly #busy = new Set<string>();
  #timer: NodeJS.Timeout | undefined;
  #warnedAt = Number.NEGATIVE_INFINITY;
  #isClosed = false;

  constructor(store: Store, bucket: string, self: Life, graves: Graves, handlers: AttachmentHandlers) {
    this.#store = store;
    this.#bucket = bucket;
    this.#self = self;
    this.#graves = graves;
    this.#handlers = handlers;
  }

  attach(agentKey: string, client: string): void {
    const key = keyOf(agentKey);
    if (this.#own.get(key)?.client === client) return;
    // While NATS is away, somebody may attach after it and be written before it.
    const wasTried = !this.#store.line.isConnected;
    this.#own.set(key, { agentKey, client, at: Date.now(), revision: undefined, wasTried, isLost: false });
    this.#work(key);
  }

  detach(agentKey: string, client: string): void {
    const key = keyOf(agentKey);
    const own = this.#own.get(key);
    if (own?.client !== client) return;
    this.#own.delete(key);
    if (own.isLost) return;
    this.#leftovers.set(key, own.revision ?? 0);
    this.#work(key);
  }

  /** The bucket tells what it has under a key. */
  changed({ key, revision, value }: Change): void {
    if (revision <= (this.#revisions.get(key) ?? 0)) return;
    this.#revisions.set(key, revision);
    const found = value && read(value);
    if (!found || this.#graves.isOver(found)) {
      this.#gone(key);
      if (found) this.#clear(key, revision);
      return;
    }
    const { broker, epoch, client } = found;
    const place: Place = { broker, epoch, client, revision };
    this.#places.set(key, { agentKey: found.key, place });
    this.#handlers.attached(found.key, place);
  }

  /** Nothing of what was told is there any more. */
  emptied(): void {
    this.#revisions.clear();
    for (const key of [...this.#places.keys()]) this.#gone(key);
  }

  /** To be called when everything was told: what of this broker's is not there is written, what has to go is removed. */
  assert(): void {
    for (const [key, own] of this.#own) {
      const there = this.#places.get(key)?.place;
      if (there && there.revision >= (own.revision ?? 0) && !this.#graves.isOver(there)) continue;
      own.wasTried ||= own.revision !== undefined;
      own.revision = undefined;
      own.isLost = false;
    }
    this.#workAll();
  }

  /** Removes what belongs to lives that are over. */
  sweep(): void {
    for (const [key, { place }] of [...this.#places]) {
      if (!this.#graves.isOver(place)) continue;
      this.#gone(key);
      this.#clear(key, place.revision);
    }
  }

  /** What was attached here is gone, as far as that can be said at once. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    const revisions = [...this.#own].flatMap(([key, { revision }]) =>
      revision === undefined ? [] : [{ key, revision }],
    );
    await Promise.allSettled(revisions.map(({ key, revision }) => this.#store.mark(this.#subject(key), revision)));
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }

  #gone(key: string): void {
    const known = this.#places.get(key);
    this.#places.delete(key);
    if (known) this.#handlers.detached(known.agentKey, known.place);
  }

  #clear(key: string, revision: number): void {
    this.#leftovers.set(key, revision);
    this.#work(key);
  }

  /** Does what is to be done with a key, step by step; again after a while, where NATS does not answer. */
  #work(key: string): void {
    if (this.#isClosed || this.#busy.has(key) || !this.#store.line.isConnected) return;
    this.#busy.add(key);
    const steps = async () => {
      // Others write too: each round that is lost, somebody else has won.
      while (!this.#isClosed && (await this.#step(key))) {}
    };
    steps()
      .catch((error) => {
        this.#later();
        if (!(error instanceof NatsError && error.problem === 'away')) this.#warn(error);
      })
      .finally(() => this.#busy.delete(key));
  }

  #warn(error: unknown): void {
    const now = performance.now();
    if (now - this.#warnedAt < WARN_MS) return;
    this.#warnedAt = now;
    this.#store.line.tell('warn', `NATS is not told who is attached: ${(error as Error).message}`);
  }

  #later(): void {
    if (this.#isClosed) return;
    this.#timer ??= setTimeout(() => {
      this.#timer = undefined;
      this.#workAll();
    }, RETRY_MS).unref();
  }

  #workAll(): void {
    for (const [key, own] of this.#own) if (isUnwritten(own)) this.#work(key);
    for (const key of this.#leftovers.keys()) this.#work(key);
  }

  /** @returns whether there is more to do */
  async #step(key: string): Promise<boolean> {
    const own = this.#own.get(key);
    if (own && isUnwritten(own)) return this.#write(key, own);
    const seen = this.#leftovers.get(key);
    if (seen === undefined) return false;
    await this.#remove(key, seen);
    // What was written meanwhile has taken its place.
    if (this.#leftovers.get(key) === seen) this.#leftovers.delete(key);
    return true;
  }

  async #write(key: string, own: Own): Promise<boolean> {
    const { client, at } = own;
    const value: Attachment = { key: own.agentKey, ...this.#self, client, at };
    let expected: number | undefined;
    if (own.wasTried) {
      const there = await this.#store.get(`KV_${this.#bucket}`, this.#subject(key));
      const found = there?.value && read(there.value);
      if (there && found && this.#graves.isOurs(found) && found.client === client) {
        this.#settle(key, own, there.revision, value);
        return true;
      }
      // It is told by the bucket, and whoever is older is closed.
      if (there && found && isNewer(found, value) && !this.#graves.isOver(found)) {
        own.isLost = true;
        this.#handlers.lost(own.agentKey, client);
        return true;
      }
      expected = there?.revision ?? 0;
    }
    own.wasTried = true;
    const revision = await this.#store.put(this.#subject(key), JSON.stringify(value), expected);
    if (revision !== undefined) this.#settle(key, own, revision, value);
    return true;
  }

  #settle(key: string, own: Own, revision: number, value: Attachment): void {
    own.revision = revision;
    // Where it was detached meanwhile, this is what is to be removed.
    if (this.#own.get(key) !== own && this.#leftovers.get(key) === 0) this.#leftovers.set(key, revision);
    this.changed({ key, revision, value: Buffer.from(JSON.stringify(value)) });
  }

  async #remove(key: string, seen: number): Promise<void> {
    let revision = seen;
    if (revision === 0) {
      const there = await this.#store.get(`KV_${this.#bucket}`, this.#subject(key));
      const found = there?.value && read(there.value);
      const { client } = this.#own.get(key) ?? {};
      if (!there || !found || !this.#graves.isOurs(found) || found.client === client) return;
      revision = there.revision;
    }
    const marked = await this.#store.mark(this.#subject(key), revision);
    if (marked !== undefined) this.changed({ key, revision: marked, value: undefined });
  }
}

const isUnwritten = ({ revision, isLost }: Own): boolean => revision === undefined && !isLost;

/** Whether it attached later; of two at the same time, whose name sorts last. */
function isNewer(a: Attachment, b: Attachment): boolean {
  return a.at > b.at || (a.at === b.at && a.broker > b.broker);
}

function read(value: Buffer): Attachment | undefined {
  try {
    return attachment.safeParse(JSON.parse(value.toString())).data;
  } catch {
    return;
  }
}
