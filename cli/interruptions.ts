import type { Io } from './io.ts';

/** Says that the connection is lost, and that it is back: a dim line each, on stderr. */
export class Interruptions {
  readonly #io: Io;
  #isWaiting = false;

  constructor(io: Io) {
    this.#io = io;
  }

  /** Whether there is no connection. */
  get isWaiting(): boolean {
    return this.#isWaiting;
  }

  /** @param hint how to stop waiting. */
  waiting(hint: string): void {
    if (!this.#isWaiting) this.#say(`[connection lost; waiting for it to come back… ${hint}]`);
    this.#isWaiting = true;
  }

  back(): void {
    if (this.#isWaiting) this.#say('[back]');
    this.#isWaiting = false;
  }

  #say(words: string): void {
    sayDim(this.#io, words);
  }
}

/** A dim line on stderr: nothing that anybody asked for, but it is well to know. */
export function sayDim({ stderr, env }: Io, words: string): void {
  stderr.write(stderr.isTTY && !env.NO_COLOR ? `\u001b[2m${words}\u001b[22m\n` : `${words}\n`);
}
