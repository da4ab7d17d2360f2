import { createHash, randomBytes } from 'node:crypto';
import { linkSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { removeIfOurs } from './atomic-file.ts';
import { about, StartError, unless } from './errors.ts';
import { isForeign, readOwnFile } from './own-file.ts';
import { isAlive, ownIdentity, type ProcessIdentity } from './process-identity.ts';

/** A lock file that this process holds. */
export interface Lock {
  /** Removes the lock file, if it is still ours. */
  release(): void;
}

/** A living process holds the lock, or is just taking it over from a dead one. */
export class LockHeldError extends Error {
  override readonly name = 'LockHeldError';
  readonly pid: number;
  constructor(path: string, pid: number) {
    super(`${path} is held by process ${pid}`);
    this.pid = pid;
  }
}

/** A lock is lost to others this many times in a row only if something removes it all the time. */
const MAX_ATTEMPTS = 100;

/**
 * Takes a lock file for the life of this process. A dead process's lock is taken over; of any number of processes that
 * try at once exactly one gets it.
 *
 * The file appears with its content in one step (a hard link to a finished file), so nobody reads a half-written one.
 * To replace a stale lock one must hold a second lock, named after the content of the stale one: whoever holds that,
 * and still finds that content, is alone. It is taken by this same function, so a crash on the way blocks nobody.
 *
 * @throws LockHeldError, StartError where what is there is no lock file, or somebody else's, or a system error; nothing is
 *   left behind then.
 */
export function acquireLock(path: string): Lock {
  const unique = randomBytes(8).toString('hex');
  const text = `${JSON.stringify({ ...ownIdentity(), unique })}\n`;
  const ours = `${path}.${unique}.tmp`;
  try {
    about(ours, () => writeFileSync(ours, text, { flag: 'wx', mode: 0o600 }));
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt++) {
      if (linkNew(ours, path)) return { release: () => removeIfOurs(path, text) };
      const found = read(path);
      if (found === undefined) continue;
      // What somebody else has put into a directory like /tmp says nothing, and is not ours to remove.
      if (found.isForeign) throw new StartError(`${path} belongs to somebody else; remove it, or choose another place`);
      const holder = parse(found.text);
      if (holder && isAlive(holder)) throw new LockHeldError(path, holder.pid);
      const takeover = acquireLock(`${path}.${createHash('sha256').update(found.text).digest('hex').slice(0, 16)}`);
      try {
        if (read(path)?.text !== found.text) continue;
        renameSync(ours, path);
        return { release: () => removeIfOurs(path, text) };
      } finally {
        takeover.release();
      }
    }
    throw new Error(`${path} could not be taken in ${MAX_ATTEMPTS} attempts`);
  } finally {
    rmSync(ours, { force: true });
  }
}

function linkNew(from: string, to: string): boolean {
  try {
    linkSync(from, to);
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

/** More than any lock of ours. Bytes. */
const MAX_LOCK = 4_096;

function read(path: string): { text: string; isForeign: boolean } | undefined {
  const found = unless(['ENOENT'], () => readOwnFile(path, MAX_LOCK));
  return found && { text: found.text, isForeign: isForeign(found) };
}

/** Who wrote a lock; `undefined` for text that is no lock of ours, such as the empty file a power cut may leave. */
function parse(text: string): ProcessIdentity | undefined {
  try {
    const { pid, start } = JSON.parse(text) as Partial<ProcessIdentity>;
    if (!Number.isSafeInteger(pid) || (pid as number) <= 0) return undefined;
    return { pid: pid as number, start: typeof start === 'string' ? start : null };
  } catch {
    return undefined;
  }
}
