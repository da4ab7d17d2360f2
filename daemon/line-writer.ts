import { statSync } from 'node:fs';
import { LineFile } from './line-file.ts';

/** How long after a failure it is tried again. */
const RETRY_MS = 1_000;

const NEW_LINE = Buffer.from('\n');

/** Who hears how the writing goes. */
export interface WriterEvents {
  /** Something could not be written, and is tried again. `isFirst`: it went well before. */
  failed(error: unknown, isFirst: boolean): void;
  /** Everything is written and synced. */
  idle(): void;
  /** It was closed, and so many lines could not be written. */
  lost(lines: number): void;
}

/**
 * Adds lines to a file that is there, in order. A line is written in the moment in which it is added, so that it outlives
 * this process, and synced behind that, together with what was written since the last sync. What cannot be written or
 * synced is taken back, and tried again: no line is there twice, and none is half there.
 */
export class LineWriter {
  readonly #path: string;
  readonly #on: WriterEvents;
  /** Not in the file. */
  #waiting: string[] = [];
  /** In the file, and perhaps not on disk. */
  #unsynced: string[] = [];
  #file: LineFile | undefined;
  /** Bytes of the file that are whole lines, once that is known. */
  #length: number | undefined;
  /** Of them, those that are on disk. */
  #synced = 0;
  /** What failed may have left something behind the whole lines. */
  #hasRest = false;
  /** The file may end in half a line of a crash's. */
  #isTorn: boolean;
  /** The file is new, and its name perhaps not on disk. */
  #isNew: boolean;
  #syncing: Promise<void> | undefined;
  #retry: NodeJS.Timeout | undefined;
  #hasFailed = false;
  #isDropped = false;

  constructor(
    path: string,
    { isTorn = false, isNew = false }: { isTorn?: boolean; isNew?: boolean },
    on: WriterEvents,
  ) {
    this.#path = path;
    this.#isTorn = isTorn;
    this.#isNew = isNew;
    this.#on = on;
    if (isNew) this.#write();
  }

  /** Never throws. */
  add(line: string): void {
    if (this.#isDropped) return;
    this.#waiting.push(line);
    if (!this.#retry) this.#write();
  }

  /** What the file says by now: so many bytes of it, and behind them what is not yet written. @throws the system error */
  contents(): { bytes: number; lines: readonly string[] } {
    return { bytes: this.#length ?? statSync(this.#path).size, lines: [...this.#waiting] };
  }

  /** Resolves once everything that was added is written and synced, or could not be once more. */
  async close(): Promise<void> {
    while (this.#syncing) await this.#syncing;
    if (this.#retry) {
      clearTimeout(this.#retry);
      this.#retry = undefined;
      this.#write();
      while (this.#syncing) await this.#syncing;
    }
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

  #write(): void {
    try {
      this.#file ??= this.#open();
      this.#append(this.#file);
    } catch (error) {
      this.#fail(error);
    }
    this.#syncing ??= this.#sync();
  }

  #open(): LineFile {
    const file = new LineFile(this.#path);
    const length = this.#hasRest ? Math.min(file.size, this.#length ?? file.size) : file.size;
    this.#length = length;
    this.#synced = length;
    if (length < file.size) this.#hasRest = true;
    return file;
  }

  /** All of what waits is in the file then; or, as far as that can be had, nothing. */
  #append(file: LineFile): void {
    const length = this.#length ?? 0;
    if (this.#hasRest) file.cut(length);
    this.#hasRest = false;
    if (this.#waiting.length === 0) return;
    const lines = Buffer.from(this.#waiting.map((line) => `${line}\n`).join(''));
    const bytes = this.#isTorn ? Buffer.concat([NEW_LINE, lines]) : lines;
    this.#hasRest = true;
    file.append(bytes);
    this.#hasRest = false;
    this.#isTorn = false;
    this.#length = length + bytes.length;
    this.#unsynced.push(...this.#waiting);
    this.#waiting = [];
  }

  /** Syncs until everything is. Never rejects. */
  async #sync(): Promise<void> {
    for (let file = this.#file; file && (this.#unsynced.length > 0 || this.#isNew); file = this.#file) {
      const [lines, length] = [this.#unsynced.length, this.#length ?? 0];
      try {
        await file.sync();
        if (this.#isNew) await file.syncName();
        this.#isNew = false;
        this.#unsynced.splice(0, lines);
        this.#synced = length;
        if (!this.#retry) this.#hasFailed = false;
      } catch (error) {
        this.#takeBack(file);
        this.#fail(error);
        break;
      }
    }
    const file = this.#file;
    this.#file = undefined;
    // In the same moment: who reads while the file is being closed finds each line once.
    await file?.close();
    this.#syncing = undefined;
    if (this.#retry || this.#isDropped) return;
    if (this.#file || this.#waiting.length > 0 || this.#unsynced.length > 0 || this.#isNew) this.#write();
    else this.#on.idle();
  }

  /** What was not synced may never get to the disk: it is written anew. */
  #takeBack(file: LineFile): void {
    if (this.#isDropped) return;
    this.#waiting = [...this.#unsynced, ...this.#waiting];
    this.#unsynced = [];
    if (this.#length === this.#synced) return;
    this.#length = this.#synced;
    this.#hasRest = true;
    try {
      file.cut(this.#synced);
      this.#hasRest = false;
    } catch {
      // Before the next try, then.
    }
  }

  #fail(error: unknown): void {
    if (this.#isDropped) return;
    this.#on.failed(error, !this.#hasFailed);
    this.#hasFailed = true;
    clearTimeout(this.#retry);
    this.#retry = setTimeout(() => {
      this.#retry = undefined;
      this.#write();
    }, RETRY_MS).unref();
  }
}
