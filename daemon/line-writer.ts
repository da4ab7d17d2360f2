import { constants, statSync } from 'node:fs';
import { type FileHandle, open } from 'node:fs/promises';
import { dirname } from 'node:path';
import { isSystemError } from './errors.ts';

/** How long after a failure it is tried again. */
const RETRY_MS = 1_000;

/** Of a name in a directory that others may write to: no link is followed, and nothing waits for the other end of a pipe. */
export const OWN_FILE_ONLY = constants.O_NOFOLLOW | constants.O_NONBLOCK;

/** Who hears how the writing goes. */
export interface WriterEvents {
  /** Something could not be written, and is tried again. `isFirst`: it went well before. */
  failed(error: unknown, isFirst: boolean): void;
  /** Everything is written. */
  idle(): void;
  /** It was closed, and so many lines could not be written. */
  lost(lines: number): void;
}

/**
 * Adds lines to a file that is there, in order: what comes while one piece is being written and synced is the next piece.
 * A piece that fails is taken back, and tried again: no line is there twice, and none is half there.
 */
export class LineWriter {
  readonly #path: string;
  readonly #on: WriterEvents;
  #waiting: string[] = [];
  /** What is being written. */
  #writing: string[] = [];
  #work: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #isDropped = false;
  /** The file may end in half a line of a crash's. */
  #isTorn: boolean;
  /** The file is new, and its name perhaps not on disk. */
  #isNew: boolean;
  #hasFailed = false;
  /** Bytes of the file that are whole lines, once that is known. */
  #length: number | undefined;
  /** What failed may have left something behind them. */
  #hasRest = false;

  constructor(
    path: string,
    { isTorn = false, isNew = false }: { isTorn?: boolean; isNew?: boolean },
    on: WriterEvents,
  ) {
    this.#path = path;
    this.#isTorn = isTorn;
    this.#isNew = isNew;
    this.#on = on;
    if (isNew) this.#work = this.#run();
  }

  add(line: string): void {
    if (this.#isDropped) return;
    this.#waiting.push(line);
    if (!this.#retry) this.#work ??= this.#run();
  }

  /** What the file says by now: so many bytes of it, and behind them what is not yet written. @throws the system error */
  contents(): { bytes: number; lines: readonly string[] } {
    return { bytes: this.#length ?? statSync(this.#path).size, lines: [...this.#writing, ...this.#waiting] };
  }

  /** Resolves once everything that was added is written, or could not be once more. */
  async close(): Promise<void> {
    await this.#work;
    clearTimeout(this.#retry);
    this.#retry = undefined;
    if (this.#hasFailed && !this.#isDropped) await this.#run();
    if (this.#waiting.length > 0) this.#on.lost(this.#waiting.length);
    this.drop();
  }

  /** What waits is forgotten, and nothing is written any more. */
  drop(): void {
    this.#isDropped = true;
    this.#waiting = [];
    this.#isNew = false;
    clearTimeout(this.#retry);
    this.#retry = undefined;
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0 || this.#isNew) {
      this.#writing = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(this.#writing);
        this.#hasFailed = false;
      } catch (error) {
        this.#waiting = this.#isDropped ? [] : [...this.#writing, ...this.#waiting];
        this.#writing = [];
        this.#work = undefined;
        if (this.#isDropped) return;
        this.#on.failed(error, !this.#hasFailed);
        this.#hasFailed = true;
        this.#retry = setTimeout(() => {
          this.#retry = undefined;
          this.#work = this.#run();
        }, RETRY_MS).unref();
        return;
      }
    }
    this.#work = undefined;
    this.#on.idle();
  }

  async #write(lines: readonly string[]): Promise<void> {
    // Not made anew where it was deleted.
    const file = await open(this.#path, constants.O_WRONLY | constants.O_APPEND | OWN_FILE_ONLY);
    try {
      const stat = await file.stat();
      if (!stat.isFile()) throw new Error(`${this.#path} is no file`);
      // By now that name may be another's: what was opened before it was deleted harms nobody.
      if (this.#isDropped) return;
      const length = this.#hasRest ? Math.min(stat.size, this.#length ?? stat.size) : stat.size;
      if (length < stat.size) await file.truncate(length);
      this.#length = length;
      const bytes = Buffer.from(lines.map((line) => `${line}\n`).join(''));
      const text = this.#isTorn && bytes.length > 0 ? Buffer.concat([NEW_LINE, bytes]) : bytes;
      this.#hasRest = true;
      await this.#add(file, text);
      this.#hasRest = false;
      this.#length = length + text.length;
      // In the same moment: who reads while the file is being closed finds each line once.
      this.#writing = [];
      if (text.length > 0) this.#isTorn = false;
    } finally {
      // What was synced is there, however this goes.
      await file.close().catch(() => {});
    }
  }

  /** All of it is on disk then, the name too; or, as far as that can be had, nothing. */
  async #add(file: FileHandle, text: Buffer): Promise<void> {
    try {
      await file.appendFile(text);
      await file.datasync();
      if (this.#isNew) await syncName(this.#path);
      this.#isNew = false;
    } catch (error) {
      // Where that fails as well it is done before the next try.
      if (this.#length !== undefined) await file.truncate(this.#length).catch(() => {});
      throw error;
    }
  }
}

const NEW_LINE = Buffer.from('\n');

/** A file outlives a power cut only once its directory is on disk. Some file systems cannot do that. */
async function syncName(path: string): Promise<void> {
  try {
    const directory = await open(dirname(path), 'r');
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
