import { createHash, randomBytes } from 'node:crypto';
import type { HeldKey, Identity } from '../../machines/connection.machine.ts';
import { WireError } from '../../protocol/errors.ts';
import { type Front, KEY_PREFIX } from '../../protocol/grants.ts';
import type { KeyRow } from '../../protocol/keys.ts';
import { toMoment } from '../../protocol/moment.ts';
import { tenantOf } from '../../protocol/principal.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { key } from '../kernel/key.ts';
import { Tally } from '../kernel/tally.ts';
import { GatheredSaves } from './gathered-saves.ts';
import { Held, mayUseOf, sameParts } from './held-key.ts';
import type { KeyRecord, KeyStore } from './key-store.ts';

/** The keys of a broker. */
export const KEYS = key<KeyRing>('the keys');

/** So many keys that are gone are remembered, for the log: whoever tries one was somebody once. */
const MAX_GONE = 1_000;

/** So much later than the store knows a key may have been used before it is told. Milliseconds. */
const KEEP_USE_MS = 3_600_000;

/** Why a key is refused: for the log alone. */
export type KeyFault = 'unknown' | 'expired' | 'removed' | 'rotated' | 'front';

/** What a new key is to be: see `keys.add`. */
export type NewKey = Omit<KeyRecord, 'token_hash' | 'created_at' | 'expires_at' | 'last_used_at' | 'previous'> & {
  /** Unix milliseconds. */
  expiresAt?: number | undefined;
};

/** A key as it is kept here. */
interface Known {
  readonly record: KeyRecord;
  /** Unix milliseconds; infinity where it does not end. */
  readonly expiresAt: number;
  /** The same of the one before it. */
  readonly previousUntil: number;
  /** Of the record, as JSON. */
  readonly bytes: number;
  /** When somebody last came by it, as far as that is known; 0: never. */
  usedAt: number;
  /** The same as the store knows it. */
  keptUseAt: number;
}

/** What a key is kept under: no tenant's name contains a `/`. */
export const keyId = (tenant: string, name: string): string => `${tenant}/${name}`;

/** A fresh key: `sbk_` and 32 random bytes in base64url, 43 characters. */
const createKey = (): string => `${KEY_PREFIX}${randomBytes(32).toString('base64url')}`;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('hex');

/**
 * The keys of people and programs (`docs/protocol.md#keys`). One is found by the SHA-256 of what came: how long that takes says
 * nothing of any key, for nobody can choose a hash.
 */
export class KeyRing {
  readonly #keys = new Map<string, Known>();
  /** By hash, of the ones before a rotation too. */
  readonly #ids = new Map<string, string>();
  readonly #gone = new Map<string, KeyFault>();
  readonly #saves: GatheredSaves<Known | undefined>;
  readonly #now: () => number;
  /** Called with what a key is kept under when it was changed here, or has ended; `kept` says whether that holds. Never throws. */
  changed: (id: string) => void = () => {};
  /** How many there are in each tenant. */
  readonly #sizes = new Tally();
  #bytes = 0;
  /** A key was used since the store was told of any; and one so long since that it is to be told. */
  readonly #use = { isNew: false, isDue: false };
  /** Nothing ends before. */
  #nextEnd = Number.POSITIVE_INFINITY;

  /** @param now Unix milliseconds, by the wall's clock: what ends next month does so after a night's sleep too. */
  constructor(store: KeyStore, now: () => number) {
    this.#now = now;
    for (const record of store.load()) this.#put(keyId(record.tenant, record.name), known(record));
    this.sweep();
    this.#saves = new GatheredSaves(
      () => store.save(this.#toKeep()),
      (id, before) => this.#put(id, before),
    );
  }

  get size(): number {
    return this.#keys.size;
  }

  /** How many there are in one tenant. */
  sizeOf(tenant: string): number {
    return this.#sizes.of(tenant);
  }

  /** Unix milliseconds. */
  get now(): number {
    return this.#now();
  }

  /**
   * Resolves once the store has kept all that has been changed; rejects where it could not, and then it is undone. Undefined:
   * it has.
   */
  get kept(): Promise<void> | undefined {
    return this.#saves.kept;
  }

  /** A key that works, or did until a moment ago. */
  get(id: string): KeyRecord | undefined {
    const key = this.#keys.get(id);
    return key && key.expiresAt > this.now ? key.record : undefined;
  }

  /** What is kept of a key, whether it has ended or not. */
  record(id: string): KeyRecord | undefined {
    return this.#keys.get(id)?.record;
  }

  /** What all of them are kept under. */
  ids(): Iterable<string> {
    return this.#keys.keys();
  }

  /** The broker that keeps the keys of a cluster says what there is of one, or that there is none: no store is told. */
  learn(id: string, record: KeyRecord | undefined): void {
    const before = this.#keys.get(id)?.record;
    this.#put(id, record && known(before ? sameParts(before, record) : record), record ? 'rotated' : 'removed');
  }

  /** Those of one tenant, or of all. */
  *records(tenant?: string): Iterable<KeyRecord> {
    const { now } = this;
    for (const { record, expiresAt } of this.#keys.values())
      if (expiresAt > now && (tenant === undefined || record.tenant === tenant)) yield record;
  }

  /** What is told of a key. */
  row({ token_hash: _, previous, ...told }: KeyRecord, connections: number): KeyRow {
    const isKept = previous !== undefined && Date.parse(previous.until) > this.now;
    const usedAt = this.#keys.get(keyId(told.tenant, told.name))?.usedAt;
    return {
      ...told,
      ...(usedAt ? { last_used_at: toMoment(usedAt) } : {}),
      ...(isKept ? { previous_until: previous.until } : {}),
      connections,
    } as KeyRow;
  }

  /** Who comes by this token, or why nobody does. @param front - by which way */
  find(token: string, front: Front): Identity | KeyFault {
    const hash = hashOf(token);
    const id = this.#ids.get(hash);
    const found = id === undefined ? undefined : this.#keys.get(id);
    if (id === undefined || !found) return this.#gone.get(hash) ?? 'unknown';
    const { now } = this;
    if (found.expiresAt <= now) return 'expired';
    if (found.record.token_hash !== hash && found.previousUntil <= now) return 'rotated';
    const { tenant, sub, name, scopes, agents, fronts } = found.record;
    if (fronts && !fronts.includes(front)) return 'front';
    this.#used(found, now);
    return {
      role: scopes.includes('host') ? 'host' : 'client',
      name,
      principal: Object.freeze({ tenant, sub }),
      scopes: new Set(scopes),
      ...(agents ? { mayUse: mayUseOf(agents) } : {}),
      key: new Held(id, found, hash),
    };
  }

  /** Whether what a connection came by still works. */
  isCurrent(held: HeldKey): boolean {
    const key = this.#keys.get(held.id);
    if (!key || !(held instanceof Held) || key.expiresAt <= this.now) return false;
    if (held.isOf(key.record.token_hash)) return true;
    return held.isOf(key.record.previous?.token_hash) && key.previousUntil > this.now;
  }

  /** Whether somebody else's key is the same person's. */
  hasOther(id: string, { tenant, sub }: { tenant: string; sub: string }): boolean {
    for (const record of this.records(tenant)) if (record.sub === sub && keyId(tenant, record.name) !== id) return true;
    return false;
  }

  /**
   * Makes a key, unless the store cannot keep it: see {@link kept}.
   * @param maxBytes Of all keys, as JSON.
   * @throws {WireError} `-32020`. @throws what the store throws at once
   */
  add({ expiresAt, ...wish }: NewKey, maxBytes: number): { record: KeyRecord; token: string } {
    const token = createKey();
    const record: KeyRecord = {
      ...wish,
      token_hash: hashOf(token),
      created_at: toMoment(this.now),
      ...(expiresAt === undefined ? {} : { expires_at: toMoment(expiresAt) }),
    };
    this.#change(keyId(wish.tenant, wish.name), known(record), maxBytes);
    return { record, token };
  }

  /** Gives a key a new token; the old one works for so long. The same way. */
  rotate(before: KeyRecord, keepMs: number, maxBytes: number): { record: KeyRecord; token: string } {
    const token = createKey();
    const { previous: _, ...rest } = before;
    const record: KeyRecord = {
      ...rest,
      token_hash: hashOf(token),
      ...(keepMs > 0 ? { previous: { token_hash: before.token_hash, until: toMoment(this.now + keepMs) } } : {}),
    };
    this.#change(keyId(before.tenant, before.name), known(record), maxBytes);
    return { record, token };
  }

  /** Forgets a key, as {@link add} makes one; false where there was none. */
  remove(id: string): boolean {
    if (!this.get(id)) return false;
    this.#change(id, undefined, Number.POSITIVE_INFINITY);
    return true;
  }

  /** Forgets what has ended. The store hears of it with the next change. @returns the keys of which something ended */
  sweep(): ReadonlySet<string> {
    const { now } = this;
    const ended = new Set<string>();
    if (this.#nextEnd > now) return ended;
    this.#nextEnd = Number.POSITIVE_INFINITY;
    for (const [id, key] of [...this.#keys]) {
      const { record, expiresAt, previousUntil } = key;
      if (expiresAt <= now) {
        ended.add(id);
        this.#put(id, undefined, 'expired');
      } else if (record.previous && previousUntil <= now) {
        ended.add(id);
        const { previous: _, ...rest } = record;
        this.#put(id, known(rest), 'rotated');
      } else this.#nextEnd = Math.min(this.#nextEnd, endOf(key));
    }
    for (const id of ended) this.changed(id);
    return ended;
  }

  /**
   * Has the store know when keys were last used, where that is long enough after what it knows.
   * @param isLast - no later word follows: whatever is new is told. @throws what the store throws at once
   */
  keepUse(isLast = false): Promise<void> | undefined {
    if (!(isLast ? this.#use.isNew : this.#use.isDue)) return undefined;
    this.#saves.allChanged([]);
    return this.kept;
  }

  #used(key: Known, now: number): void {
    key.usedAt = now;
    this.#use.isNew = true;
    // It may have been set back.
    if (Math.abs(now - key.keptUseAt) >= KEEP_USE_MS) this.#use.isDue = true;
  }

  #toKeep(): KeyRecord[] {
    this.#use.isNew = false;
    this.#use.isDue = false;
    return [...this.#keys.values()].map((key) => {
      key.keptUseAt = key.usedAt;
      return key.usedAt === 0 ? key.record : { ...key.record, last_used_at: toMoment(key.usedAt) };
    });
  }

  #change(id: string, after: Known | undefined, maxBytes: number): void {
    const before = this.#keys.get(id);
    const grows = (after?.bytes ?? 0) - (before?.bytes ?? 0);
    if (grows > 0 && this.#bytes + grows > maxBytes) throw WireError.limitExceeded('max_key_bytes', maxBytes);
    this.#put(id, after, after ? 'rotated' : 'removed');
    this.#saves.changed(id, before);
    this.changed(id);
  }

  /** @param fault - what is told of those that work no more by this */
  #put(id: string, after: Known | undefined, fault: KeyFault = 'removed'): void {
    const before = this.#keys.get(id);
    this.#bytes += (after?.bytes ?? 0) - (before?.bytes ?? 0);
    this.#sizes.add(tenantOf(id), (after ? 1 : 0) - (before ? 1 : 0));
    for (const hash of hashesOf(before)) {
      this.#ids.delete(hash);
      this.#forget(hash, fault);
    }
    for (const hash of hashesOf(after)) {
      this.#ids.set(hash, id);
      this.#gone.delete(hash);
    }
    // What was rotated is the same key.
    if (after && before) Object.assign(after, { usedAt: before.usedAt, keptUseAt: before.keptUseAt });
    if (after) this.#keys.set(id, after);
    else this.#keys.delete(id);
    if (after) this.#nextEnd = Math.min(this.#nextEnd, endOf(after));
  }

  #forget(hash: string, fault: KeyFault): void {
    this.#gone.set(hash, fault);
    if (this.#gone.size <= MAX_GONE) return;
    for (const oldest of this.#gone.keys()) {
      this.#gone.delete(oldest);
      return;
    }
  }
}

function known({ last_used_at: used, ...record }: KeyRecord): Known {
  const usedAt = used === undefined ? 0 : Date.parse(used);
  return {
    record,
    usedAt,
    keptUseAt: usedAt,
    expiresAt: record.expires_at === undefined ? Number.POSITIVE_INFINITY : Date.parse(record.expires_at),
    previousUntil: record.previous ? Date.parse(record.previous.until) : Number.NEGATIVE_INFINITY,
    bytes: Buffer.byteLength(writeJson(record)),
  };
}

/** When something of it ends next. */
const endOf = ({ expiresAt, record, previousUntil }: Known): number =>
  record.previous ? Math.min(expiresAt, previousUntil) : expiresAt;

const hashesOf = (key: Known | undefined): string[] =>
  key ? [key.record.token_hash, ...(key.record.previous ? [key.record.previous.token_hash] : [])] : [];
