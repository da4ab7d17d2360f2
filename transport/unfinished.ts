import { AWAY_MS } from '../protocol/patience.ts';

/** A connection that holds a message of which the end has not come. */
export interface Holder {
  /** It has not said who it is, or is being closed: it goes before all others. */
  readonly isStranger: boolean;
  /** Nothing is read of it: that the end does not come is not its fault. */
  readonly isPaused: boolean;
  /** Gives up its message, and with it the connection. */
  giveUp(): void;
}

interface Held {
  bytes: number;
  since: number;
}

/** What all unfinished messages of one broker may take, and how long each may last (`wire.md` section 1). */
export class UnfinishedMessages {
  readonly #maxBytes: number;
  readonly #timeoutMs: number;
  readonly #held = new Map<Holder, Held>();
  #bytes = 0;
  #sweptAt = performance.now();

  constructor(maxBytes: number, timeoutMs: number) {
    this.#maxBytes = maxBytes;
    this.#timeoutMs = timeoutMs;
  }

  /** Bytes that they take together. */
  get bytes(): number {
    return this.#bytes;
  }

  /** What one holds now. @param isNew its message began just now. */
  set(holder: Holder, bytes: number, isNew: boolean): void {
    let held = this.#held.get(holder);
    if (!held) {
      held = { bytes: 0, since: performance.now() };
      this.#held.set(holder, held);
    } else if (isNew) held.since = performance.now();
    this.#bytes += bytes - held.bytes;
    held.bytes = bytes;
    while (this.#bytes > this.#maxBytes) this.#giveUp(this.#worst());
  }

  /** One holds nothing any more. */
  delete(holder: Holder): void {
    const held = this.#held.get(holder);
    if (!held) return;
    this.#held.delete(holder);
    this.#bytes -= held.bytes;
  }

  /** Gives up those that last too long. Called again and again, every `intervalMs`. */
  sweep(intervalMs: number): void {
    const now = performance.now();
    const wasAway = now - this.#sweptAt > intervalMs + AWAY_MS;
    this.#sweptAt = now;
    for (const [holder, held] of [...this.#held]) {
      // The rest of it may have been waiting in the socket all the while.
      if (wasAway || holder.isPaused) held.since = now;
      else if (now - held.since > this.#timeoutMs) this.#giveUp(holder);
    }
  }

  #giveUp(holder: Holder): void {
    this.delete(holder);
    holder.giveUp();
  }

  /** Who costs most: bytes, times how long. A message that comes as fast as it can costs little, however large. */
  #worst(): Holder {
    const now = performance.now();
    let worst: Holder | undefined;
    let most = -1;
    for (const [holder, { bytes, since }] of this.#held) {
      const cost = bytes * (now - since + 1) * (holder.isStranger ? STRANGERS_FIRST : 1);
      if (cost <= most) continue;
      most = cost;
      worst = holder;
    }
    // More than nothing is held, so somebody holds it.
    return worst as Holder;
  }
}

/** So many times as much a stranger's message counts when one has to go. */
const STRANGERS_FIRST = 1e6;
