import { chmodSync, existsSync } from 'node:fs';
import { join } from 'node:path';
import { open } from 'lmdb';
import type { Fact, FactStore } from './fact-store.ts';

/** Behind every id: those are of hexadecimal digits and dashes. */
const AFTER_ALL = 'g';

/**
 * Keeps facts in an LMDB database in a directory that is there already. A write resolves when it is synced to disk, and
 * a crash at any moment leaves the whole of what was written before.
 * @throws whatever LMDB says of a directory that it cannot use.
 */
export function lmdbFactStore(directory: string): FactStore {
  const db = open<Fact, [scope: string, id: string]>({ path: directory, noSubdir: false, cache: false });
  // LMDB makes its files by the umask.
  for (const name of ['data.mdb', 'lock.mdb']) {
    const file = join(directory, name);
    if (existsSync(file)) chmodSync(file, 0o600);
  }
  const rangeOf = (scope: string, after = '') => ({
    start: [scope, after] as [string, string],
    end: [scope, AFTER_ALL] as [string, string],
  });
  const written = async (write: Promise<boolean>) => {
    await write;
    await db.flushed;
  };
  return {
    get: (scope, id) => db.get([scope, id]),
    count: (scope) => db.getKeysCount(rangeOf(scope)),
    page(scope, after, limit) {
      const range = db.getRange({ ...rangeOf(scope, after), exclusiveStart: after !== undefined, limit });
      return [...range].map(({ value }) => value);
    },
    put: (scope, fact) => written(db.put([scope, fact.id], fact)),
    delete: (scope, id) => written(db.remove([scope, id])),
    async drop(scope) {
      const keys = [...db.getKeys(rangeOf(scope))];
      // In pieces: whoever else has something to write waits for one of them at most.
      for (let at = 0; at < keys.length; at += PIECE) {
        await Promise.all(keys.slice(at, at + PIECE).map((key) => db.remove(key)));
      }
      await db.flushed;
    },
    close: () => db.close(),
  };
}

/** How many facts are forgotten in one go. */
const PIECE = 1_000;
