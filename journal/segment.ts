import {
  closeSync,
  constants,
  fchmodSync,
  fdatasync,
  fdatasyncSync,
  fstatSync,
  fsyncSync,
  ftruncateSync,
  openSync,
  read,
  readSync,
  rmSync,
  write,
} from 'node:fs';
import { dirname } from 'node:path';
import { promisify } from 'node:util';
import { readBlocks, SEGMENT_HEADER, seedOf, segmentHeader } from './blocks.ts';
import { OWN_FILE_ONLY, syncDirectory, writeAllSync } from './files.ts';

const writeSome = promisify(write);
const readSome = promisify(read);
const syncData = promisify(fdatasync);

/** One open file of a journal. */
export class Segment {
  readonly number: number;
  readonly path: string;
  readonly seed: number;
  /** Bytes of it that are whole blocks, and on disk. */
  end: number;
  readonly #file: number;

  private constructor(number: number, path: string, file: number, seed: number) {
    this.number = number;
    this.path = path;
    this.#file = file;
    this.seed = seed;
    this.end = SEGMENT_HEADER;
  }

  /** A new one, mode 0600, on disk when this returns. @throws the system error; nothing is left of it then. */
  static create(number: number, path: string): Segment {
    const file = openSync(path, 'wx+', 0o600);
    try {
      const header = segmentHeader();
      writeAllSync(file, header, 0);
      fsyncSync(file);
      syncDirectory(dirname(path));
      return new Segment(number, path, file, seedOf(header) as number);
    } catch (error) {
      closeSync(file);
      rmSync(path, { force: true });
      throw error;
    }
  }

  /**
   * One that is there.
   *
   * @param isLast - a crash may have cut it short: what it has left of the last block goes, and nothing else.
   * @param each - is told its blocks.
   * @returns `undefined` for one that the crash has not let begin: it is removed.
   * @throws {Error} naming the file where something of it that was on disk is damaged; a system error.
   */
  static open(
    number: number,
    path: string,
    isLast: boolean,
    each: (block: Buffer, at: number) => void,
  ): Segment | undefined {
    const file = openSync(path, constants.O_RDWR | OWN_FILE_ONLY);
    try {
      const stat = fstatSync(file);
      if (!stat.isFile()) throw new Error(`${path} is no file; move it away`);
      fchmodSync(file, 0o600);
      const bytes = Buffer.allocUnsafe(stat.size);
      const text = bytes.subarray(0, readSync(file, bytes, 0, bytes.length, 0));
      const seed = seedOf(text);
      if (seed === undefined && isLast && text.length <= SEGMENT_HEADER) {
        closeSync(file);
        rmSync(path, { force: true });
        return undefined;
      }
      if (seed === undefined) throw damaged(path, 0);
      const segment = new Segment(number, path, file, seed);
      const { end, isDamaged } = readBlocks(text, seed, each);
      if (isDamaged || (!isLast && end < text.length)) throw damaged(path, end);
      segment.end = end;
      if (end < text.length) {
        ftruncateSync(file, end);
        fsyncSync(file);
      }
      return segment;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  }

  read(at: number, length: number): Buffer {
    const bytes = Buffer.allocUnsafe(length);
    return bytes.subarray(0, readSync(this.#file, bytes, 0, length, at));
  }

  /** All of its blocks. */
  async readAll(): Promise<Buffer> {
    const bytes = Buffer.allocUnsafe(this.end);
    let length = 0;
    while (length < bytes.length) {
      const { bytesRead } = await readSome(this.#file, bytes, length, bytes.length - length, length);
      if (bytesRead === 0) break;
      length += bytesRead;
    }
    return bytes.subarray(0, length);
  }

  async write(bytes: Buffer): Promise<void> {
    const at = this.end;
    for (let written = 0; written < bytes.length; ) {
      const { bytesWritten } = await writeSome(this.#file, bytes, written, bytes.length - written, at + written);
      written += bytesWritten;
    }
  }

  sync(): Promise<void> {
    return syncData(this.#file);
  }

  /** The same in one, and at once. */
  writeNow(bytes: Buffer): void {
    writeAllSync(this.#file, bytes, this.end);
    fdatasyncSync(this.#file);
  }

  /** What is behind so many bytes goes. */
  cut(length = this.end): void {
    ftruncateSync(this.#file, length);
  }

  close(): void {
    closeSync(this.#file);
  }

  remove(): void {
    this.close();
    rmSync(this.path, { force: true });
  }
}

function damaged(path: string, at: number): Error {
  return new Error(
    `${path} is damaged (at byte ${at}); put a copy of it from before in its place, or move its directory away to begin anew`,
  );
}
