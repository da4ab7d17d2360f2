/** How often whoever waits for the rate is looked after, in milliseconds. */
const STEP_MS = 20;

/** What a {@link Turnstile} goes by. */
export interface TurnstileOptions {
  atOnce: number;
  perSecond: number;
  maxWaiting: number;
  now(): number;
  setTimeout(run: () => void, ms: number): unknown;
}

/** Lets so many in at once, and so many a second; the others wait in line, and the line has an end. */
export class Turnstile {
  readonly #options: TurnstileOptions;
  readonly #waiting: (() => void)[] = [];
  #inside = 0;
  /** How many may come in by the rate, up to a second's worth. */
  #allowed: number;
  #at: number;
  #isTimed = false;

  constructor(options: TurnstileOptions) {
    this.#options = options;
    this.#allowed = options.perSecond;
    this.#at = options.now();
  }

  get isFull(): boolean {
    return this.#waiting.length >= this.#options.maxWaiting;
  }

  /** Does something once its turn has come. */
  async pass<T>(what: () => Promise<T>): Promise<T> {
    await new Promise<void>((resolve) => {
      this.#waiting.push(resolve);
      this.#admit();
    });
    try {
      return await what();
    } finally {
      this.#inside -= 1;
      this.#admit();
    }
  }

  #admit(): void {
    const { atOnce, perSecond, now } = this.#options;
    const at = now();
    this.#allowed = Math.min(perSecond, this.#allowed + (Math.max(0, at - this.#at) * perSecond) / 1000);
    this.#at = at;
    while (this.#waiting.length > 0 && this.#inside < atOnce && this.#allowed >= 1) {
      this.#inside += 1;
      this.#allowed -= 1;
      this.#waiting.shift()?.();
    }
    if (this.#waiting.length === 0 || this.#allowed >= 1 || this.#isTimed) return;
    this.#isTimed = true;
    this.#options.setTimeout(() => {
      this.#isTimed = false;
      this.#admit();
    }, STEP_MS);
  }
}
