/*
 * Collections that cost nothing while they are empty. A connection has ten of them and a turn three, nearly always
 * empty: as plain Maps and Sets they would be a third of what an idle connection takes.
 */

/** A Set that is made with its first member. */
export class LazySet<T> implements Iterable<T> {
  #set: Set<T> | undefined;

  get size(): number {
    return this.#set?.size ?? 0;
  }

  has(member: T): boolean {
    return this.#set?.has(member) ?? false;
  }

  add(member: T): this {
    this.#set ??= new Set();
    this.#set.add(member);
    return this;
  }

  delete(member: T): boolean {
    if (!this.#set?.delete(member)) return false;
    if (this.#set.size === 0) this.#set = undefined;
    return true;
  }

  [Symbol.iterator](): Iterator<T> {
    return (this.#set ?? NOTHING)[Symbol.iterator]();
  }
}

/** A Map that is made with its first entry. */
export class LazyMap<K, V> implements Iterable<[K, V]> {
  #map: Map<K, V> | undefined;

  get size(): number {
    return this.#map?.size ?? 0;
  }

  has(key: K): boolean {
    return this.#map?.has(key) ?? false;
  }

  get(key: K): V | undefined {
    return this.#map?.get(key);
  }

  set(key: K, value: V): this {
    this.#map ??= new Map();
    this.#map.set(key, value);
    return this;
  }

  delete(key: K): boolean {
    if (!this.#map?.delete(key)) return false;
    if (this.#map.size === 0) this.#map = undefined;
    return true;
  }

  clear(): void {
    this.#map = undefined;
  }

  [Symbol.iterator](): Iterator<[K, V]> {
    return (this.#map ?? NOTHING)[Symbol.iterator]() as Iterator<[K, V]>;
  }

  keys(): IterableIterator<K> {
    return (this.#map ?? new Map<K, V>()).keys();
  }

  values(): IterableIterator<V> {
    return (this.#map ?? new Map<K, V>()).values();
  }
}

const NOTHING: readonly never[] = [];
