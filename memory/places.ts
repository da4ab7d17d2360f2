import type { Database } from 'lmdb';
import { v7 as uuid } from 'uuid';

/** Rows beside the facts. No owner is called so: ids have no slash. */
const PLACES = '/places';
const LEFT = '/left';

/** Behind every second half of a key, which is ASCII. */
const AFTER_ALL = '\x7f';

/**
 * Where in a database somebody's facts are: under their owner's id, until that owner is forgotten. From then on whoever
 * has that id has another place, and the place that was left waits to be emptied, over a restart, too.
 */
export class Places {
  readonly #db: Database<unknown, [string, string]>;
  readonly #moved = new Map<string, string>();
  readonly #left = new Map<string, string>();

  constructor(db: Database<unknown, [string, string]>) {
    this.#db = db;
    for (const { key, value } of db.getRange(rowsOf(PLACES))) this.#moved.set(key[1], value as string);
    for (const { key, value } of db.getRange(rowsOf(LEFT))) this.#left.set(key[1], value as string);
  }

  /** Places that have not been emptied. */
  get left(): string[] {
    return [...this.#left.keys()];
  }

  of(owner: string): string {
    return this.#moved.get(owner) ?? owner;
  }

  /** Gives an owner another place, and the one it had. That is on disk when this returns. @throws what LMDB says. */
  leave(owner: string): string {
    const [before, after] = [this.of(owner), `${owner}/${uuid()}`];
    this.#db.transactionSync(() => {
      this.#db.put([PLACES, owner], after);
      this.#db.put([LEFT, before], owner);
    });
    this.#moved.set(owner, after);
    this.#left.set(before, owner);
    return before;
  }

  /** Nothing is there any more. */
  async emptied(place: string): Promise<void> {
    await this.#db.remove([LEFT, place]);
    this.#left.delete(place);
  }

  /** Forgets places other than their owner's id that are not needed. Only while nothing is being written. */
  async tidy(isEmpty: (place: string) => boolean): Promise<void> {
    const owners = new Set(this.#left.values());
    const idle = [...this.#moved].filter(([owner, place]) => !owners.has(owner) && isEmpty(place));
    for (const [owner] of idle) this.#moved.delete(owner);
    await Promise.all(idle.map(([owner]) => this.#db.remove([PLACES, owner])));
  }
}

function rowsOf(name: string) {
  return { start: [name, ''] as [string, string], end: [name, AFTER_ALL] as [string, string] };
}
