/** So much may wait for a process that takes nothing. Characters. */
export const MAX_WAITING = 16 * 1024 * 1024;
/** So long it takes nothing then. Milliseconds. */
export const STUCK_MS = 5_000;

/**
 * What is sent to another process, which may have stopped to read: Node would keep all of it. A process that has just begun is
 * told much at once, and that is no fault.
 */
export class Outbox<Message> {
  readonly #write: (message: Message, taken: () => void) => void;
  readonly #overrun: () => void;
  #waiting = 0;
  /** When anything was taken last, or began to wait. */
  #takenAt = 0;
  #isOver = false;

  /**
   * @param write - `taken` is called when the message is on its way
   * @param overrun - it takes nothing, and more waits than may: nothing more is sent. Called once
   */
  constructor(write: (message: Message, taken: () => void) => void, overrun: () => void) {
    this.#write = write;
    this.#overrun = overrun;
  }

  send(message: Message): void {
    if (this.#isOver) return;
    const size = JSON.stringify(message).length;
    const now = performance.now();
    if (this.#waiting === 0) this.#takenAt = now;
    if (this.#waiting + size > MAX_WAITING && now - this.#takenAt > STUCK_MS) {
      this.#isOver = true;
      this.#overrun();
      return;
    }
    this.#waiting += size;
    this.#write(message, () => {
      this.#waiting -= size;
      this.#takenAt = performance.now();
    });
  }
}
