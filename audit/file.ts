import { constants } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** No link is followed, and nothing waits for the other end of a pipe. */
const FLAGS = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_NOFOLLOW | constants.O_NONBLOCK;
const NEW_LINE = 0x0a;
/** How every record begins. */
const BEGUN = Buffer.from('{"n":');
/** What is read at once. */
const CHUNK = 64 * 1024;

/** The longest line that there is, its end included: everything in a record is bounded. */
export const MAX_LINE_BYTES = 16 * 1024;

/** What an audit file ends with. */
export interface Tail {
  /** Its last whole line, without its end; undefined where it has none. */
  readonly line: Buffer | undefined;
  /** Bytes behind it: of a line that was not finished. */
  readonly torn: number;
}

/** A file that whole lines are added to. */
export class TrailFile {
  readonly #handle: FileHandle;
  /** Bytes of whole lines; known while something else may stand behind them. */
  #whole: number | undefined;

  private constructor(handle: FileHandle) {
    this.#handle = handle;
  }

  /** Opens a file, or makes it with mode 0600. @throws the system error; an error where it is no file */
  static async open(path: string): Promise<TrailFile> {
    const handle = await open(path, FLAGS, 0o600);
    const stat = await handle.stat();
    if (!stat.isFile()) {
      await handle.close();
      throw new Error(`${path} is no file`);
    }
    if (stat.size === 0) await syncName(path);
    return new TrailFile(handle);
  }

  /** @throws the system error; an error where what it ends in is none of our lines */
  async tail(): Promise<Tail> {
    const { size } = await this.#handle.stat();
    const length = Math.min(size, 2 * MAX_LINE_BYTES);
    const { buffer, bytesRead } = await this.#handle.read(Buffer.alloc(length), 0, length, size - length);
    const bytes = buffer.subarray(0, bytesRead);
    const end = bytes.lastIndexOf(NEW_LINE);
    const torn = bytes.length - (end + 1);
    if (end < 0) {
      const begun = bytes.subarray(0, BEGUN.length);
      // Nothing that could be cut off is ours.
      if (length < size || !begun.equals(BEGUN.subarray(0, begun.length)))
        throw new Error('the file of the audit does not end in a line of an audit trail');
      return { line: undefined, torn };
    }
    const line = bytes.subarray(0, end);
    return { line: line.subarray(line.lastIndexOf(NEW_LINE) + 1), torn };
  }

  /** Takes away what was not finished. */
  async cutTorn(torn: number): Promise<void> {
    if (torn > 0) await this.#handle.truncate((await this.#handle.stat()).size - torn);
  }

  /** Whether its name is gone: what is added to it nobody would find. */
  async isDeleted(): Promise<boolean> {
    return (await this.#handle.stat()).nlink === 0;
  }

  /** Adds whole lines: all of them, or, as far as that can be had, none. @throws the system error */
  async append(lines: string): Promise<void> {
    if (this.#whole !== undefined) {
      await this.#handle.truncate(this.#whole);
      this.#whole = undefined;
    }
    const bytes = Buffer.from(lines);
    const { size } = await this.#handle.stat();
    try {
      for (let at = 0; at < bytes.length; ) {
        const { bytesWritten } = await this.#handle.write(bytes, at, Math.min(CHUNK, bytes.length - at));
        at += bytesWritten;
      }
    } catch (error) {
      this.#whole = size;
      await this.#handle.truncate(size).then(
        () => {
          this.#whole = undefined;
        },
        // Before the next try, then.
        () => {},
      );
      throw error;
    }
  }

  /** @throws the system error */
  sync(): Promise<void> {
    return this.#handle.datasync();
  }

  /** Never rejects: what was synced is there, however this goes. */
  async close(): Promise<void> {
    await this.#handle.close().catch(() => {});
  }
}

/**
 * A new file outlives a power cut only once its directory is on disk. Some file systems cannot do that, and some
 * directories may not be read.
 */
async function syncName(path: string): Promise<void> {
  try {
    const directory = await open(dirname(path), 'r');
    await directory.sync().finally(() => directory.close());
  } catch {
    // What is lost then shows: the log has a checkpoint of it.
  }
}
