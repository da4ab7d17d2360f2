import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { about, unless } from './errors.ts';

/**
 * Replaces a file (mode 0600) so that a reader, or a crash at any moment, sees the old text or the new one and nothing
 * between. One writer a path at a time: the temporary file's name is fixed, so a crash leaves one at most.
 *
 * @throws the system error; the old file is then as it was.
 */
export function writeFileAtomic(path: string, text: string): void {
  const temporary = `${path}.tmp`;
  unless(['ENOENT'], () => unlinkSync(temporary));
  try {
    const file = openSync(temporary, 'wx', 0o600);
    try {
      about(temporary, () => {
        writeFileSync(file, text);
        fsyncSync(file);
      });
    } finally {
      closeSync(file);
    }
    renameSync(temporary, path);
  } catch (error) {
    rmSync(temporary, { force: true });
    throw error;
  }
  // The rename itself outlives a power cut only once its directory is on disk. Some file systems cannot do that.
  unless(['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'], () => {
    const directory = openSync(dirname(path), 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  });
}

/** Removes a file if it still holds what we wrote: what somebody else put there since is theirs. */
export function removeIfOurs(path: string, text: string): void {
  const found = unless(['ENOENT', 'ENOTDIR'], () => readFileSync(path, 'utf8'));
  if (found === text) unless(['ENOENT'], () => unlinkSync(path));
}
