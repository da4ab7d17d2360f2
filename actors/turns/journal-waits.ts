import type { TurnJournal } from '../../protocol/turn-journal.ts';

/**
 * What waits until the journal may be relied on, and does not wait for ever: while it is degraded nothing can be relied on, and
 * streams go on.
 */
export class JournalWaits {
  readonly #journal: TurnJournal;
  /** By what has to be done, in order: how it is taken back. */
  readonly #waiting = new Map<() => void, () => void>();
  #over: (() => void)[] = [];

  constructor(journal: TurnJournal) {
    this.#journal = journal;
  }

  /** Runs it once all up to this block may be relied on, at once where that is so or nothing can be. */
  run(position: number, run: () => void): void {
    if (this.#journal.state === 'degraded') {
      run();
      return;
    }
    let isDone = false;
    const once = () => {
      if (isDone) return;
      isDone = true;
      this.#waiting.delete(once);
      try {
        run();
      } finally {
        if (this.#waiting.size === 0) for (const resolve of this.#over.splice(0)) resolve();
      }
    };
    const takeBack = this.#journal.whenSettled(position, once);
    if (!isDone) this.#waiting.set(once, takeBack);
  }

  /** Resolves when nothing waits any more: what was to be said before the end is said. */
  over(): Promise<void> | undefined {
    if (this.#waiting.size === 0) return undefined;
    return new Promise((resolve) => this.#over.push(resolve));
  }

  /** Nothing more can be relied on: whatever waits goes on. */
  release(): void {
    for (const [once, takeBack] of [...this.#waiting]) {
      takeBack();
      once();
    }
  }
}
