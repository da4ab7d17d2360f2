import { closeSync, constants, fstatSync, openSync, readSync, type Stats } from 'node:fs';
import { about, StartError } from './errors.ts';

/** A file's text, and who may have written it. */
export interface OwnFile {
  text: string;
  uid: number;
  mode: number;
}

/**
 * Reads a file that decides something. Nothing waits for the other end of a pipe, and nothing is read without end.
 *
 * @param maxBytes - of a longer one only so much is read.
 * @throws StartError where it is no file; a system error that names it.
 */
export function readOwnFile(path: string, maxBytes = Number.POSITIVE_INFINITY): OwnFile {
  const file = openSync(path, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stat = fstatSync(file);
    // Says EISDIR itself.
    if (stat.isDirectory()) about(path, () => readSync(file, Buffer.alloc(1)));
    if (!stat.isFile()) throw new StartError(`${path} is no file; move it away`);
    const bytes = Buffer.alloc(Math.min(stat.size, maxBytes));
    let length = 0;
    about(path, () => {
      for (let some = 1; some > 0 && length < bytes.length; length += some)
        some = readSync(file, bytes, length, bytes.length - length, length);
    });
    return { text: bytes.toString('utf8', 0, length), uid: stat.uid, mode: stat.mode };
  } finally {
    closeSync(file);
  }
}

/** Whether something is neither ours nor the superuser's. */
export function isForeign({ uid }: Pick<Stats, 'uid'>): boolean {
  const own = process.getuid?.();
  return own !== undefined && uid !== own && uid !== 0;
}

/**
 * As ssh does of its files: what somebody else may write is not what we trust, and is not set right in silence, for by then
 * they may have written it.
 *
 * @throws StartError
 */
export function refuseForeign(path: string, stat: Pick<Stats, 'uid' | 'mode'>, rest: string): void {
  if (isForeign(stat)) throw new StartError(`${path} belongs to somebody else (user ${stat.uid}); ${rest}`);
  // Windows has no such bits.
  if (process.getuid === undefined || (stat.mode & 0o022) === 0) return;
  const mode = (stat.mode & 0o7777).toString(8).padStart(4, '0');
  throw new StartError(`${path} can be written by others (mode ${mode}); ${rest}, then chmod go-w it`);
}
