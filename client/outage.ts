/** The longest delay that a timer takes. Milliseconds. */
const MAX_DELAY = 2 ** 31 - 1;

/** The time that a chat is without a connection. */
export class Outage {
  /** Resolves when it is over, whatever came of it. */
  readonly over: Promise<void>;
  readonly #timer: ReturnType<typeof setTimeout>;
  #end: () => void = () => {};

  /** @param windowMs how long it may last. @param expired it has. */
  constructor(windowMs: number, expired: () => void) {
    this.over = new Promise((resolve) => {
      this.#end = resolve;
    });
    this.#timer = setTimeout(expired, Math.min(windowMs, MAX_DELAY));
  }

  end(): void {
    clearTimeout(this.#timer);
    this.#end();
  }
}
