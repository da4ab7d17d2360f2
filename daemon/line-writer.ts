import { constants } from 'node:fs';
import { open } from 'node:fs/promises';

/** How long after a failure it is tried again. */
const RETRY_MS = 1_000;

/**
 * Adds lines to a file that is there, in order: what comes while one piece is being written and synced is the next piece.
 * A piece that fails is tried again, behind a new line, so that half of a line spoils no other.
 */
export class LineWriter {
  readonly #path: string;
  readonly #on: { failed(error: unknown): void; idle(): void };
  #waiting: string[] = [];
  #work: Promise<void> | undefined;
  #isDropped = false;
  /** The file may end in half a line: a crash's, or that of a failed write. */
  #isTorn: boolean;
  #hasFailed = false;

  /** @param on - `failed` hears of the first failure of a row, `idle` when everything is written. */
  constructor(path: string, isTorn: boolean, on: { failed(error: unknown): void; idle(): void }) {
    this.#path = path;
    this.#isTorn = isTorn;
    this.#on = on;
  }

  add(line: string): void {
    if (this.#isDropped) return;
    this.#waiting.push(line);
    this.#work ??= this.#run();
  }

  /** Resolves once everything that was added is written, or has failed. */
  async written(): Promise<void> {
    if (!this.#hasFailed) await this.#work;
  }

  /** The same, and it is tried no more. */
  async close(): Promise<void> {
    await this.written();
    this.drop();
  }

  /** What waits is forgotten. */
  drop(): void {
    this.#isDropped = true;
    this.#waiting = [];
  }

  /** Never rejects. */
  async #run(): Promise<void> {
    while (this.#waiting.length > 0) {
      const lines = this.#waiting;
      this.#waiting = [];
      try {
        await this.#write(`${this.#isTorn ? '\n' : ''}${lines.join('\n')}\n`);
        this.#hasFailed = false;
        this.#isTorn = false;
      } catch (error) {
        this.#waiting = this.#isDropped ? [] : [...lines, ...this.#waiting];
        if (!this.#hasFailed) this.#on.failed(error);
        this.#hasFailed = true;
        this.#isTorn = true;
        this.#work = undefined;
        setTimeout(() => {
          this.#work ??= this.#run();
        }, RETRY_MS).unref();
        return;
      }
    }
    this.#work = undefined;
    this.#on.idle();
  }

  async #write(text: string): Promise<void> {
    // Not made anew where it was deleted.
    const file = await open(this.#path, constants.O_WRONLY | constants.O_APPEND);
    try {
      await file.appendFile(text);
      await file.datasync();
    } finally {
      await file.close();
    }
  }
}
