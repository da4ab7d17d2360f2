import type { Link } from '../../protocol/link.ts';
import type { Deadline } from '../kernel/deadlines.ts';
import type { Kernel } from '../kernel/kernel.ts';

/** A shorter frame costs no more than others of its kind, and is free: requests are counted, and a token is nothing. */
const FREE_BYTES = 4 * 1024;

/**
 * How many bytes of large frames one connection may have read, as a token bucket (`wire.md` section 1). What a frame
 * costs is known only when it is there. So none is refused: after one that was too much, the connection is not read until
 * it is paid for, and its sender waits.
 */
export class Inflow {
  readonly #kernel: Kernel;
  readonly #link: Link;
  #credit: number;
  #at: number;
  #pause: Deadline | undefined;

  constructor(kernel: Kernel, link: Link) {
    this.#kernel = kernel;
    this.#link = link;
    this.#credit = kernel.limits.byteBurst;
    this.#at = kernel.clock.now();
  }

  /** A frame of so many bytes has come. */
  take(bytes: number): void {
    if (bytes <= FREE_BYTES) return;
    this.#refill();
    this.#credit -= bytes;
    if (this.#credit >= 0 || this.#pause) return;
    this.#link.pause?.();
    this.#wait();
  }

  /** The connection is over. */
  stop(): void {
    this.#kernel.deadlines.disarm(this.#pause);
  }

  #refill(): void {
    const { clock, limits } = this.#kernel;
    const now = clock.now();
    this.#credit = Math.min(limits.byteBurst, this.#credit + ((now - this.#at) * limits.bytesPerSecond) / 1000);
    this.#at = now;
  }

  /** Until it is paid for: more may have come meanwhile. */
  #wait(): void {
    const ms = (-this.#credit * 1000) / this.#kernel.limits.bytesPerSecond;
    this.#pause = this.#kernel.deadlines.arm(ms, () => {
      this.#refill();
      if (this.#credit < 0) return this.#wait();
      this.#pause = undefined;
      this.#link.resume?.();
    });
  }
}
