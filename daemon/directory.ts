import { existsSync, mkdirSync, statSync } from 'node:fs';
import { dirname } from 'node:path';
import { isSystemError } from './errors.ts';

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
