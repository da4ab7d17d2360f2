import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import { type Fact, type FactStore, takeSome } from './fact-store.ts';
import { Places } from './places.ts';

/** Behind every id: those are of hexadecimal digits and dashes. */
const AFTER_ALL = 'g';

/** How many facts are forgotten in one go: whoever else has something to write waits for one of them at most. */
const PIECE = 1_000;

/** How large the database is, as LMDB tells it. */
interface Stats {
  pageSize: number;
  treeBranchPageCount: number;
  treeLeafPageCount: number;
  overflowPages: number;
}

/**
 * Keeps facts in an LMDB database in a directory that is there already. A write resolves when it is synced to disk, and
 * a crash at any moment leaves the whole of what was written before. Who is forgotten has no facts from that moment on,
 * whatever happens then; what room they took is free by and by.
 * @throws whatever LMDB says of a directory that it cannot use.
 */
export function lmdbFactStore(directory: string): FactStore {
  const db = open<Fact, [place: string, id: string]>({
    path: directory,
    noSubdir: false,
    cache: false,
    // Else LMDB makes promises for itself that are rejected by a full disk, too, and that nobody else can handle.
    eventTurnBatching: false,
    // Else it waits for ever when it is closed after such a failure. So a write is synced when it resolves.
    overlappingSync: false,
  });
  // LMDB makes its files by the umask.
  for (const name of ['data.mdb', 'lock.mdb']) {
    const file = join(directory, name);
    if (existsSync(file)) chmodSync(file, 0o600);
  }
  const places = new Places(db as ConstructorParameters<typeof Places>[0]);
  const rangeOf = (place: string, after = '') => ({
    start: [place, after] as [string, string],
    end: [place, AFTER_ALL] as [string, string],
  });
  const idsOf = (place: string, limit: number) => [...db.getKeys({ ...rangeOf(place), limit })];
  const isEmpty = (place: string) => idsOf(place, 1).length === 0;

  let isClosing = false;
  const emptying = new Set<Promise<void>>();
  /** Removes what is in a place that nobody has, once `before` is settled. */
  const empty = (place: string, before?: Promise<unknown>): Promise<void> => {
    const run = async () => {
      await before;
      for (;;) {
        // The rest when it is opened again.
        if (isClosing) return;
        const keys = idsOf(place, PIECE);
        await Promise.all(keys.map((key) => written(db.remove(key))));
        if (keys.length < PIECE) break;
      }
      await written(places.emptied(place));
    };
    const running = run().finally(() => emptying.delete(running));
    emptying.add(running);
    return running;
  };
  const quietly = (work: Promise<unknown>) => work.catch(() => {});
  /** What could not be removed, on a full disk, or before the last end. */
  const emptyRest = () => {
    if (emptying.size > 0) return;
    for (const place of places.left) void quietly(empty(place));
  };
  void quietly(written(places.tidy(isEmpty)));
  emptyRest();

  return {
    get: (owner, id) => db.get([places.of(owner), id]),
    count: (owner) => db.getKeysCount(rangeOf(places.of(owner))),
    reader(owner) {
      const place = places.of(owner);
      let after: string | undefined;
      return (limit, maxBytes) => {
        const range = db.getRange({ ...rangeOf(place, after), exclusiveStart: after !== undefined, limit });
        const facts = takeSome(
          range.map(({ value }) => value),
          limit,
          maxBytes,
        );
        after = facts.at(-1)?.id ?? after;
        return facts;
      };
    },
    put: (owner, fact) => written(db.put([places.of(owner), fact.id], fact)).finally(emptyRest),
    delete: (owner, id) => written(db.remove([places.of(owner), id])),
    drop(owner, before) {
      if (!before && isEmpty(places.of(owner))) return Promise.resolve();
      return empty(places.leave(owner), before);
    },
    bytes() {
      const { pageSize, treeBranchPageCount, treeLeafPageCount, overflowPages } = db.getStats() as Stats;
      return (treeBranchPageCount + treeLeafPageCount + overflowPages) * pageSize;
    },
    async close() {
      isClosing = true;
      await Promise.allSettled(emptying);
      await db.close();
    },
  };
}

/** Waits for a write. LMDB tells the cause of a failure in a promise of its own, which nobody else handles. */
async function written(write: Promise<unknown>): Promise<void> {
  try {
    await write;
  } catch (error) {
    const { commitError } = error as { commitError?: Promise<unknown> };
    commitError?.catch(() => {});
    throw error;
  }
}
