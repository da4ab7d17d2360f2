import { chmodSync, existsSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSystemError, StartError } from './errors.ts';
import { isForeign, refuseForeign } from './own-file.ts';

/**
 * Makes a directory, mode 0700, and its missing parents. Not `mkdirSync`'s own `recursive`: that never returns where a
 * file system answers `ENOENT` to making anything, as `/proc` does.
 *
 * @throws the system error; `EEXIST` where a file is in the way.
 */
export function makeDirectory(path: string): void {
  try {
    mkdirSync(path, 0o700);
  } catch (error) {
    if (!isSystemError(error)) throw error;
    if (error.code === 'EEXIST' && statSync(path).isDirectory()) return;
    const parent = dirname(path);
    if (error.code !== 'ENOENT' || existsSync(parent)) throw error;
    makeDirectory(parent);
    makeDirectory(path);
  }
}

/**
 * The same of one that decides something. What is there already is looked at, and not set right: by now somebody else may
 * have written to it.
 *
 * @param rest - what to do about one that is open to others.
 * @throws StartError where it is no directory, or somebody else's, or open to others.
 */
export function makeOwnDirectory(path: string, rest: string): void {
  make(path, 'is no directory (ENOTDIR)');
  refuseForeign(path, statSync(path), rest);
}

/** The same inside of such a one. Others cannot have got there, so it is closed where it is open. */
export function makePrivateDirectory(path: string): void {
  make(path, 'is no directory');
  const { uid, mode } = statSync(path);
  if (isForeign({ uid })) throw new StartError(`${path} belongs to somebody else (user ${uid}); move it away`);
  if ((mode & 0o777) !== 0o700) chmodSync(path, 0o700);
}

function make(path: string, what: string): void {
  try {
    makeDirectory(path);
  } catch (error) {
    // Also of a link that leads nowhere.
    const isThere = lstatSync(path, { throwIfNoEntry: false }) !== undefined;
    if (isSystemError(error) && isThere) throw new StartError(`${path} ${what}; move it away`);
    throw error;
  }
}
