import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, unlinkSync, writeFileSync } from 'node:fs';
import { open, rename, rm, unlink, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { about, isSystemError, naming, unless } from './errors.ts';

/** How file systems say that they cannot sync a directory. */
const CANNOT_SYNC = ['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'];

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
  unless(CANNOT_SYNC, () => {
    const directory = openSync(dirname(path), 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  });
}

/**
 * The same while a broker runs: the event loop waits for no disk. Its pieces are asked for one by one, as they are written.
 *
 * @throws the system error; the old file is then as it was.
 */
export async function replaceFile(path: string, pieces: Iterable<string>): Promise<void> {
  const temporary = `${path}.tmp`;
  await unlink(temporary).catch(except(['ENOENT']));
  try {
    const file = await open(temporary, 'wx', 0o600);
    try {
      await writeFile(file, pieces);
      await file.sync();
    } catch (error) {
      throw naming(temporary, error);
    } finally {
      await file.close();
    }
    await rename(temporary, path);
  } catch (error) {
    await rm(temporary, { force: true }).catch(() => {});
    throw error;
  }
  const syncing = async () => {
    const directory = await open(dirname(path), 'r');
    try {
      await directory.sync();
    } finally {
      await directory.close();
    }
  };
  await syncing().catch(except(CANNOT_SYNC));
}

const except = (codes: readonly string[]) => (error: unknown) => {
  if (!isSystemError(error) || !codes.includes(error.code ?? '')) throw error;
};

/** Removes a file if it still holds what we wrote: what somebody else put there since is theirs. */
export function removeIfOurs(path: string, text: string): void {
  const found = unless(['ENOENT', 'ENOTDIR'], () => readFileSync(path, 'utf8'));
  if (found === text) unless(['ENOENT'], () => unlinkSync(path));
}
