import type { WaitingAudio } from '../../protocol/link.ts';

/** How much of one stream waits to be written, and who waits until it is less. */
export class StreamWaiting implements WaitingAudio {
  bytes = 0;
  #wake: () => void = () => {};

  written(): void {
    this.#wake();
  }

  /** Nobody need wait any longer, however much it is. */
  release(): void {
    this.#wake();
  }

  /** Resolves when less than that waits, or at `release`. One may wait at a time. */
  async below(bytes: number, signal: AbortSignal): Promise<void> {
    while (this.bytes >= bytes && !signal.aborted) {
      await new Promise<void>((resolve) => {
        this.#wake = resolve;
      });
    }
  }
}
