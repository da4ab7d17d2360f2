/** What a SIGHUP does anew: files that were moved away, or replaced. */
export class Reload {
  readonly #steps: (() => unknown)[] = [];
  readonly #failed: (error: unknown) => void;

  /** @param failed - hears of every step that throws, or rejects. */
  constructor(failed: (error: unknown) => void) {
    this.#failed = failed;
  }

  /** Whether a SIGHUP would do nothing. */
  get isEmpty(): boolean {
    return this.#steps.length === 0;
  }

  onReload(step: () => unknown): void {
    this.#steps.push(step);
  }

  /** Runs every step. No step's failure keeps another from running. */
  run(): void {
    for (const step of this.#steps) void Promise.resolve().then(step).catch(this.#failed);
  }
}
