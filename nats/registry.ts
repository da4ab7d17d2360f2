import { z } from 'zod';
import type { Change } from './bucket.ts';
import { keyOf } from './names.ts';
import type { Store } from './store.ts';

const entry = z.object({ name: z.string(), record: z.string() });

/** What all brokers are to know under a name, such as registered agents: a copy of a bucket. */
export class Registry {
  readonly #store: Store;
  readonly #bucket: string;
  readonly #registered: (name: string, record: string | undefined) => void;
  /** By key of the bucket: what was told. */
  readonly #told = new Map<string, string>();
  readonly #revisions = new Map<string, number>();

  /** @param registered - hears of each change; never from inside a call */
  constructor(store: Store, bucket: string, registered: (name: string, record: string | undefined) => void) {
    this.#store = store;
    this.#bucket = bucket;
    this.#registered = registered;
  }

  /**
   * Writes what all are to know; it was told here when this resolves.
   * @throws {NatsError} `away`: it may have been written all the same; `max_payload`
   */
  async register(name: string, record: string | undefined): Promise<void> {
    const key = keyOf(name);
    const subject = `$KV.${this.#bucket}.${key}`;
    const value = record === undefined ? undefined : Buffer.from(JSON.stringify({ name, record }));
    const revision = await (value ? this.#store.put(subject, value) : this.#store.mark(subject));
    if (revision !== undefined) this.changed({ key, revision, value });
  }

  /** The bucket tells what it has under a key. */
  changed({ key, revision, value }: Change): void {
    if (revision <= (this.#revisions.get(key) ?? 0)) return;
    this.#revisions.set(key, revision);
    const found = value && read(value);
    if (found) {
      this.#told.set(key, found.name);
      this.#registered(found.name, found.record);
      return;
    }
    const name = this.#told.get(key);
    this.#told.delete(key);
    if (name !== undefined) this.#registered(name, undefined);
  }

  /** Nothing of what was told is there any more. */
  emptied(): void {
    this.#revisions.clear();
    const names = [...this.#told.values()];
    this.#told.clear();
    for (const name of names) this.#registered(name, undefined);
  }
}

function read(value: Buffer): { name: string; record: string } | undefined {
  try {
    return entry.safeParse(JSON.parse(value.toString())).data;
  } catch {
    return;
  }
}
