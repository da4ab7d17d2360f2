import {
  close,
  constants,
  fdatasync,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { isSystemError } from './errors.ts';

/** Of a name in a directory that others may write to: no link is followed, and nothing waits for the other end of a pipe. */
export const OWN_FILE_ONLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

const syncData = promisify(fdatasync);
const closeLater = promisify(close);

/**
 * A file that is added to. What is written is with the kernel when that returns, whatever becomes of this process; what is
 * synced is on disk.
 */
export class LineFile {
  readonly path: string;
  /** Bytes of it when it was opened. */
  readonly size: number;
  readonly #handle: number;
  readonly #stat: Stats;

  /** @throws the system error, and an error where there is none, for it is not made anew, or it is no file. */
  constructor(path: string) {
    this.path = path;
    this.#handle = openSync(path, constants.O_WRONLY | constants.O_APPEND | OWN_FILE_ONLY);
    const stat = fstatSync(this.#handle);
    this.size = stat.size;
    this.#stat = stat;
    if (stat.isFile()) return;
    void this.close();
    throw new Error(`${path} is no file`);
  }

  /** @throws where the file has been moved away, or deleted: what is added to it nobody would find. */
  append(bytes: Buffer): void {
    const { dev, ino } = lstatSync(this.path);
    if (dev !== this.#stat.dev || ino !== this.#stat.ino) throw new Error(`${this.path} is another file by now`);
    for (let written = 0; written < bytes.length; ) written += writeSync(this.#handle, bytes, written);
  }

  /** What is behind so many bytes goes. */
  cut(length: number): void {
    ftruncateSync(this.#handle, length);
  }

  sync(): Promise<void> {
    return syncData(this.#handle);
  }

  /** The file outlives a power cut only once its directory is on disk. Some file systems cannot do that. */
  async syncName(): Promise<void> {
    try {
      const directory = await open(dirname(this.path), 'r');
      try {
        await directory.sync();
      } finally {
        await directory.close();
      }
    } catch (error) {
      const cannot = ['EINVAL', 'EISDIR', 'EPERM', 'EACCES', 'ENOTSUP'];
      if (!isSystemError(error) || !cannot.includes(error.code ?? '')) throw error;
    }
  }

  /** Never rejects: what was synced is there, however this goes. */
  async close(): Promise<void> {
    await closeLater(this.#handle).catch(() => {});
  }
}
