/** How often whoever asked is told at most. Milliseconds. */
const EVERY_MS = 500;
/** Also where nothing comes: clients give up on a call of which they hear nothing for a minute. Milliseconds. */
const SIGN_OF_LIFE_MS = 10_000;
/** How much of an answer is shown, from its end. */
const SHOWN = 200;

/** What an MCP client is told while it waits. */
export interface ProgressNote {
  /** Grows each time. */
  progress: number;
  /** What the agent has said last. */
  message?: string;
}

/** Tells of a turn while it runs, not too often, and never of nothing for long. */
export class Progress {
  readonly #tell: (note: ProgressNote) => void;
  readonly #alive: NodeJS.Timeout;
  #next: NodeJS.Timeout | undefined;
  #told = 0;
  #last = '';

  constructor(tell: (note: ProgressNote) => void) {
    this.#tell = tell;
    this.#alive = setInterval(() => this.#send(), SIGN_OF_LIFE_MS);
  }

  /** Something came; of the answer, or else an empty text. */
  note(text: string): void {
    this.#last = `${this.#last}${text}`.slice(-SHOWN);
    this.#next ??= setTimeout(() => {
      this.#next = undefined;
      this.#send();
    }, EVERY_MS);
  }

  stop(): void {
    clearInterval(this.#alive);
    clearTimeout(this.#next);
  }

  #send(): void {
    this.#told += 1;
    this.#alive.refresh();
    this.#tell({ progress: this.#told, ...(this.#last === '' ? {} : { message: this.#last }) });
  }
}
