import {
  close,
  constants,
  fdatasync,
  fsync,
  ftruncate,
  ftruncateSync,
  open,
  read,
  readdir,
  rename,
  stat,
  statfs,
  unlink,
  write,
  writeSync,
} from 'node:fs';
import { promisify } from 'node:util';
import { isUnsupported, OWN_FILE_ONLY } from '../journal/files.ts';

/** What the journal needs of a file system. Files are numbers, as the system's. Each may fail with a system error. */
export interface JournalFiles {
  /** Names in a directory. */
  list(directory: string): Promise<string[]>;
  /** Bytes of a file; what is none is refused. */
  size(path: string): Promise<number>;
  /** Bytes that are free on the file system of a directory. */
  room(directory: string): Promise<number>;
  /** A new one, 0600, to be written. */
  create(path: string): Promise<number>;
  /** One that is there, to be written anew. */
  open(path: string): Promise<number>;
  /** One that is there, to be read. */
  openRead(path: string): Promise<number>;
  /** @returns how many bytes there were, up to all of `bytes` */
  read(file: number, bytes: Buffer, at: number): Promise<number>;
  write(file: number, bytes: Buffer, at: number): Promise<void>;
  /** At once. @returns how many bytes were taken */
  writeNow(file: number, bytes: Buffer, at: number): number;
  /** What was written is on disk. */
  sync(file: number): Promise<void>;
  /** Names of a directory are on disk. */
  syncDirectory(path: string): Promise<void>;
  truncate(file: number, length: number): Promise<void>;
  truncateNow(file: number, length: number): void;
  close(file: number): Promise<void>;
  rename(from: string, to: string): Promise<void>;
  remove(path: string): Promise<void>;
}

const openFile = promisify(open);
const closeFile = promisify(close);
const readSome = promisify(read);
const writeSome = promisify(write);
const syncAll = promisify(fsync);
const statOf = promisify(stat);
const roomOf = promisify(statfs);

/** The system's. What takes long is done in its pool of threads. */
export const systemFiles: JournalFiles = {
  list: promisify(readdir),
  async size(path) {
    const found = await statOf(path);
    if (!found.isFile()) throw new Error(`${path} is no file; move it away`);
    return found.size;
  },
  async room(directory) {
    const { bavail, bsize } = await roomOf(directory);
    return bavail * bsize;
  },
  create: (path) => openFile(path, 'wx+', 0o600),
  open: (path) => openFile(path, constants.O_RDWR | OWN_FILE_ONLY),
  openRead: (path) => openFile(path, constants.O_RDONLY | OWN_FILE_ONLY),
  async read(file, bytes, at) {
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await readSome(file, bytes, length, bytes.length - length, at + length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return length;
  },
  async write(file, bytes, at) {
    for (let written = 0; written < bytes.length; )
      written += (await writeSome(file, bytes, written, bytes.length - written, at + written)).bytesWritten;
  },
  writeNow: (file, bytes, at) => writeSync(file, bytes, 0, bytes.length, at),
  sync: promisify(fdatasync),
  async syncDirectory(path) {
    try {
      const directory = await openFile(path, 'r');
      await syncAll(directory).finally(() => closeFile(directory));
    } catch (error) {
      if (!isUnsupported(error)) throw error;
    }
  },
  truncate: promisify(ftruncate),
  truncateNow: ftruncateSync,
  close: closeFile,
  rename: promisify(rename),
  remove: promisify(unlink),
};
