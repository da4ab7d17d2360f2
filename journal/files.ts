import { closeSync, constants, fsyncSync, openSync, writeSync } from 'node:fs';

/** Of a name in a directory that others may write to: no link is followed, and nothing waits for the other end of a pipe. */
export const OWN_FILE_ONLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** What a file system says that cannot bring a directory to disk. */
const CANNOT = ['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'];

/** Whether a directory's sync failed for want of such a thing, and not for a fault. */
export function isUnsupported(error: unknown): boolean {
  return CANNOT.includes((error as NodeJS.ErrnoException).code ?? '');
}

/** Names of a directory outlive a power cut only once it is on disk. Some file systems cannot do that. */
export function syncDirectory(path: string): void {
  try {
    const directory = openSync(path, 'r');
    try {
      fsyncSync(directory);
    } finally {
      closeSync(directory);
    }
  } catch (error) {
    if (!isUnsupported(error)) throw error;
  }
}

/** All of it, though the system may take a part at a time. */
export function writeAllSync(file: number, bytes: Buffer, at: number): void {
  for (let written = 0; written < bytes.length; )
    written += writeSync(file, bytes, written, bytes.length - written, at + written);
}
