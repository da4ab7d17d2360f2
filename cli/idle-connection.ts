import { ConnectionLostError, type HostStatus, type SwitchboardError } from '../client/node.ts';
import { CloseCode } from '../protocol/close-codes.ts';
import type { Interruptions } from './interruptions.ts';
import { RESUME_WINDOW } from './turn.ts';

/**
 * The connection of a conversation, as far as no answer depends on it: says when it is lost and when it is back, and
 * gives it up in time. While an answer comes, that turn does so itself.
 */
export class IdleConnection {
  readonly #interruptions: Interruptions;
  readonly #leaveLine: () => void;
  readonly #over = new AbortController();
  #lost: SwitchboardError | undefined;
  #isBusy = false;
  #status: HostStatus = { status: 'connecting' };
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** @param leaveLine puts the cursor on a line of its own. */
  constructor(interruptions: Interruptions, leaveLine: () => void) {
    this.#interruptions = interruptions;
    this.#leaveLine = leaveLine;
  }

  /** Why it is not waited for any longer. */
  get lost(): SwitchboardError | undefined {
    return this.#lost;
  }

  /** Aborts when it is not waited for any longer. */
  get over(): AbortSignal {
    return this.#over.signal;
  }

  become(status: HostStatus): void {
    this.#status = status;
    if (!this.#isBusy) this.#look();
  }

  /** Runs one turn, which tells of its connection itself. */
  async during(turn: () => Promise<void>): Promise<void> {
    this.#isBusy = true;
    try {
      await turn();
    } finally {
      this.#isBusy = false;
      this.#look();
    }
  }

  /** It will not come back. */
  end(error: SwitchboardError): void {
    clearTimeout(this.#timer);
    this.#lost ??= error;
    this.#over.abort();
  }

  #look(): void {
    const status = this.#status;
    if (status.status === 'ready') {
      clearTimeout(this.#timer);
      this.#timer = undefined;
      this.#interruptions.back();
    }
    if (status.status !== 'waiting' || this.#timer) return;
    const { error } = status;
    // A daemon that says that it stops need not be waited for.
    if (error instanceof ConnectionLostError && error.closeCode === CloseCode.GoingAway) this.end(error);
    else {
      // The cursor stands behind the prompt.
      if (!this.#interruptions.isWaiting) this.#leaveLine();
      this.#interruptions.waiting('Ctrl-C leaves');
      this.#timer = setTimeout(() => this.end(error), RESUME_WINDOW);
    }
  }
}
