import type { Entry } from './event-log.ts';

/** What is kept of one tenant, the oldest first. */
interface Shelf {
  readonly entries: Entry[];
  bytes: number;
}

/** So much is kept. */
export interface ShelfLimits {
  /** Events of all tenants together. */
  readonly most: number;
  /** Bytes of their payloads, the newest event's apart. */
  readonly mostBytes: number;
  /** Events of each tenant. Undefined: as many as of all. */
  readonly mostEach: number | undefined;
}

const NONE: readonly Entry[] = [];

/**
 * The events that are kept, by their tenants. Where they are too many, whoever has most loses the oldest: a busy tenant takes
 * nothing from a quiet one.
 */
export class EventShelves {
  /** Those that have something. */
  readonly #shelves = new Map<string, Shelf>();
  #count = 0;
  #bytes = 0;

  /** Of one tenant, the oldest first. */
  of(tenant: string): readonly Entry[] {
    return this.#shelves.get(tenant)?.entries ?? NONE;
  }

  add(tenant: string, entry: Entry): void {
    const shelf = this.#shelves.get(tenant) ?? { entries: [], bytes: 0 };
    this.#shelves.set(tenant, shelf);
    shelf.entries.push(entry);
    shelf.bytes += entry.bytes;
    this.#count += 1;
    this.#bytes += entry.bytes;
  }

  /** Forgets what is too much, where a tenant's shelf has grown. */
  trim(tenant: string, { most, mostBytes, mostEach = most }: ShelfLimits): void {
    while (this.of(tenant).length > mostEach) this.#drop(tenant);
    while (this.#count > most) this.#drop(this.#fullest(({ entries }) => entries.length));
    while (this.#bytes > mostBytes && this.#count > 1) this.#drop(this.#fullest(({ bytes }) => bytes));
  }

  #fullest(size: (shelf: Shelf) => number): string {
    let fullest = '';
    let largest = -1;
    for (const [tenant, shelf] of this.#shelves) {
      if (size(shelf) <= largest) continue;
      fullest = tenant;
      largest = size(shelf);
    }
    return fullest;
  }

  #drop(tenant: string): void {
    const shelf = this.#shelves.get(tenant);
    const bytes = shelf?.entries.shift()?.bytes ?? 0;
    if (!shelf) return;
    shelf.bytes -= bytes;
    this.#bytes -= bytes;
    this.#count -= 1;
    if (shelf.entries.length === 0) this.#shelves.delete(tenant);
  }
}
