import { z } from 'zod';
import type { Claim } from '../cluster/directory.ts';
import { NatsError } from './errors.ts';
import type { Graves, Life } from './graves.ts';
import { hashKey } from './names.ts';
import { REQUEST_MS, type Store } from './store.ts';

const holder = z.object({ broker: z.string(), epoch: z.string() });

/** So many are asked for at a time, when NATS is back. */
const AT_ONCE = 16;
/** What could not be done is done again after so long. Milliseconds. */
const RETRY_MS = 1_000;
/**
 * What nothing is known of is looked for once more after so long: what had not got to a majority when somebody looked may be
 * written then. So many wait for that. Milliseconds.
 */
const LATE_MS = 5_000;
const MAX_LATE = 10_000;
/** What is due so is looked for no more if nothing is there: whoever wants the name asks its holder, who lets go of it then. */
const LAST_LOOK = -1;
/** So many are to be let go of at most, while NATS is away. */
const MAX_DUE = 100_000;

/** Names that one life of one broker holds: sessions whose id its caller chose. */
export class Claims {
  readonly #store: Store;
  readonly #bucket: string;
  readonly #self: Life;
  readonly #graves: Graves;
  /** Keys of what is held, with their revision. */
  readonly #held = new Map<string, number>();
  /** Keys that are being claimed, and whether they were let go of meanwhile. */
  readonly #pending = new Map<string, { isReleased: boolean }>();
  /** Keys that are being let go of. */
  readonly #leaving = new Map<string, Promise<unknown>>();
  /** Keys that are looked for once more. */
  readonly #late = new Map<string, NodeJS.Timeout>();
  /** What is to be let go of: keys with their revision, 0 or {@link LAST_LOOK} where it is not known whether they were ever claimed. */
  readonly #due = new Map<string, number>();
  #isWorking = false;
  #isChecking = false;
  #timer: NodeJS.Timeout | undefined;
  #isClosed = false;

  constructor(store: Store, bucket: string, self: Life, graves: Graves) {
    this.#store = store;
    this.#bucket = bucket;
    this.#self = self;
    this.#graves = graves;
  }

  /** @throws {NatsError} `away`, within a second */
  async claim(name: string): Promise<Claim> {
    const key = hashKey(name);
    const pending = this.#pending.get(key) ?? { isReleased: false };
    // Asked for again: it is wanted.
    pending.isReleased = false;
    this.#pending.set(key, pending);
    const enough = timeLimit();
    const attempt = this.#attempt(key, this.#leaving.get(key));
    try {
      const revision = await Promise.race([attempt, enough.over]);
      if (typeof revision === 'string') return { isOurs: false, broker: revision };
      this.#due.delete(key);
      if (pending.isReleased) this.#drop(key, revision);
      else this.#held.set(key, revision);
      return { isOurs: true };
    } catch (error) {
      // Perhaps it is claimed all the same, then or later.
      const settle = () => this.#pending.has(key) || this.#held.has(key) || this.#drop(key, 0);
      void attempt.then(settle, settle);
      throw error;
    } finally {
      enough.end();
      this.#pending.delete(key);
    }
  }

  release(name: string): void {
    const key = hashKey(name);
    const pending = this.#pending.get(key);
    if (pending) pending.isReleased = true;
    // What is not known to be held may be all the same: it was written later than anybody waited for.
    const revision = this.#held.get(key) ?? (pending ? undefined : 0);
    this.#held.delete(key);
    if (revision !== undefined) this.#drop(key, revision);
  }

  /** NATS is back. @param wasLong - so that others may have thought this broker dead, and taken what it held */
  assert(wasLong: boolean): void {
    this.#work();
    if (wasLong) void this.#check();
  }

  /** Lets go of everything, as far as that can be done at once: what is left belongs to a life that is over. */
  async close(): Promise<void> {
    this.#isClosed = true;
    clearTimeout(this.#timer);
    for (const late of this.#late.values()) clearTimeout(late);
    const all = [...this.#held.values(), ...this.#due.values()].filter((revision) => revision > 0);
    const enough = timeLimit();
    const each = async () => {
      for (let revision = all.pop(); revision !== undefined; revision = all.pop()) {
        await this.#store.remove(this.#stream, revision);
      }
    };
    await Promise.race([Promise.allSettled(Array.from({ length: AT_ONCE }, each)), enough.over]).catch(() => {});
    all.length = 0;
    enough.end();
  }

  get #stream(): string {
    return `KV_${this.#bucket}`;
  }

  #subject(key: string): string {
    return `$KV.${this.#bucket}.${key}`;
  }

  /** @returns its revision where it is ours, else the name of the broker that holds it */
  async #attempt(key: string, before?: Promise<unknown>): Promise<number | string> {
    // What is about to be removed is not to be taken for what was claimed.
    await before?.catch(() => {});
    const value = JSON.stringify(this.#self);
    let expected = 0;
    for (;;) {
      const revision = await this.#store.put(this.#subject(key), value, expected);
      if (revision !== undefined) return revision;
      const there = await this.#store.get(this.#stream, this.#subject(key));
      const found = there?.value && read(there.value);
      if (there && found && this.#graves.isOurs(found)) return there.revision;
      if (found && !this.#graves.isOver(found)) return found.broker;
      expected = there?.revision ?? 0;
    }
  }

  #drop(key: string, revision: number): void {
    if (this.#isClosed || this.#due.size >= MAX_DUE) return;
    this.#due.set(key, revision);
    this.#work();
  }

  /** Lets go of what is due, one after the other. */
  #work(): void {
    if (this.#isWorking || this.#isClosed || !this.#store.line.isConnected) return;
    this.#isWorking = true;
    this.#letGo()
      .catch(() => {
        this.#timer ??= setTimeout(() => {
          this.#timer = undefined;
          this.#work();
        }, RETRY_MS).unref();
      })
      .finally(() => {
        this.#isWorking = false;
      });
  }

  async #letGo(): Promise<void> {
    const each = async () => {
      for (const [key, revision] of this.#due) {
        if (this.#isClosed) return;
        this.#due.delete(key);
        try {
          await this.#letGoOf(key, revision);
        } catch (error) {
          if (!this.#held.has(key)) this.#due.set(key, revision);
          throw error;
        }
      }
    };
    const results = await Promise.allSettled(Array.from({ length: AT_ONCE }, each));
    for (const result of results) if (result.status === 'rejected') throw result.reason;
  }

  async #letGoOf(key: string, revision: number): Promise<void> {
    const known = revision > 0 ? revision : await this.#ownRevision(key, revision);
    // Claimed again meanwhile, it is wanted.
    if (known === undefined || this.#held.has(key) || this.#pending.has(key)) return;
    const leaving = this.#store.remove(this.#stream, known);
    this.#leaving.set(key, leaving);
    try {
      await leaving;
    } finally {
      if (this.#leaving.get(key) === leaving) this.#leaving.delete(key);
    }
  }

  /** Where this life has claimed it: the revision of that. Where nobody has, it may have: that is seen later. */
  async #ownRevision(key: string, look: number): Promise<number | undefined> {
    const there = await this.#store.get(this.#stream, this.#subject(key));
    const found = there?.value && read(there.value);
    if (there && found) return this.#graves.isOurs(found) ? there.revision : undefined;
    if (look !== LAST_LOOK && !this.#late.has(key) && this.#late.size < MAX_LATE && !this.#isClosed) {
      const late = setTimeout(() => {
        this.#late.delete(key);
        this.#drop(key, LAST_LOOK);
      }, LATE_MS);
      this.#late.set(key, late.unref());
    }
    return;
  }

  /** Claims again what was taken from this life, or lost, unless somebody has it now. */
  async #check(): Promise<void> {
    if (this.#isChecking) return;
    this.#isChecking = true;
    const keys = [...this.#held.keys()];
    const each = async () => {
      for (let key = keys.pop(); key !== undefined && !this.#isClosed; key = keys.pop()) {
        if (this.#held.has(key)) await this.#again(key);
      }
    };
    // Where NATS is away once more, it is done when that is back.
    await Promise.allSettled(Array.from({ length: AT_ONCE }, each));
    this.#isChecking = false;
  }

  async #again(key: string): Promise<void> {
    const revision = await this.#attempt(key);
    if (!this.#held.has(key)) {
      if (typeof revision === 'number') this.#drop(key, revision);
    } else if (typeof revision === 'number') this.#held.set(key, revision);
    else this.#held.delete(key);
  }
}

function timeLimit(): { over: Promise<never>; end(): void } {
  let timer: NodeJS.Timeout | undefined;
  const over = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new NatsError('away', 'NATS does not answer within a second')), REQUEST_MS);
  });
  over.catch(() => {});
  return { over, end: () => clearTimeout(timer) };
}

function read(value: Buffer): Life | undefined {
  try {
    return holder.safeParse(JSON.parse(value.toString())).data;
  } catch {
    return;
  }
}
