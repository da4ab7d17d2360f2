/** Bytes of an id. */
const ID = 16;
const UUID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/** The bytes of a fact's id; `undefined` for what is no id of ours. */
export function idBytes(id: string): Buffer | undefined {
  return UUID.test(id) ? Buffer.from(id.replaceAll('-', ''), 'hex') : undefined;
}

/** Where a fact is, and how long. */
export interface Entry {
  place: number;
  length: number;
}

/**
 * Where somebody's facts are, by id, in 28 bytes a fact: they are too many for objects. An id that comes behind all others,
 * as almost every one does, costs no search.
 */
export class FactTable {
  #ids = Buffer.alloc(0);
  #places = new Float64Array(0);
  #lengths = new Uint32Array(0);
  #size = 0;

  get size(): number {
    return this.#size;
  }

  get(id: Buffer): Entry | undefined {
    const index = this.#search(id);
    return this.#has(index, id) ? this.at(index) : undefined;
  }

  at(index: number): Entry | undefined {
    if (index >= this.#size) return undefined;
    return { place: this.#places[index] as number, length: this.#lengths[index] as number };
  }

  idAt(index: number): Buffer {
    return this.#ids.subarray(index * ID, index * ID + ID);
  }

  /** The first one behind an id. */
  indexAfter(id: Buffer): number {
    const index = this.#search(id);
    return this.#has(index, id) ? index + 1 : index;
  }

  set(id: Buffer, { place, length }: Entry): void {
    const index = this.#search(id);
    if (!this.#has(index, id)) this.#insert(index, id);
    this.#places[index] = place;
    this.#lengths[index] = length;
  }

  delete(id: Buffer): void {
    const index = this.#search(id);
    if (!this.#has(index, id)) return;
    this.#ids.copyWithin(index * ID, (index + 1) * ID, this.#size * ID);
    this.#places.copyWithin(index, index + 1, this.#size);
    this.#lengths.copyWithin(index, index + 1, this.#size);
    this.#size -= 1;
    if (this.#size < this.#places.length / 4) this.#resize();
  }

  *entries(): Generator<Entry> {
    for (let index = 0; index < this.#size; index += 1) yield this.at(index) as Entry;
  }

  #has(index: number, id: Buffer): boolean {
    return index < this.#size && this.idAt(index).equals(id);
  }

  /** Where an id is, or would be. */
  #search(id: Buffer): number {
    let [low, high] = [0, this.#size];
    if (high > 0 && this.idAt(high - 1).compare(id) < 0) return high;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.idAt(middle).compare(id) < 0) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #insert(index: number, id: Buffer): void {
    if (this.#size === this.#places.length) this.#resize();
    this.#ids.copyWithin((index + 1) * ID, index * ID, this.#size * ID);
    this.#places.copyWithin(index + 1, index, this.#size);
    this.#lengths.copyWithin(index + 1, index, this.#size);
    this.#size += 1;
    id.copy(this.#ids, index * ID);
  }

  /** Room for half as many again. */
  #resize(): void {
    const room = Math.max(4, Math.ceil(this.#size * 1.5));
    const [ids, places, lengths] = [Buffer.alloc(room * ID), new Float64Array(room), new Uint32Array(room)];
    this.#ids.copy(ids, 0, 0, this.#size * ID);
    places.set(this.#places.subarray(0, this.#size));
    lengths.set(this.#lengths.subarray(0, this.#size));
    [this.#ids, this.#places, this.#lengths] = [ids, places, lengths];
  }
}
