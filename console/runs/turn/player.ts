import { batch, type Signal, signal } from '@preact/signals';
import { type Moment, momentAt, momentOf } from './moments.ts';

/** How fast may be played. */
export const SPEEDS = [0.1, 0.25, 0.5, 1, 2, 5, 10] as const;
/** A pause is played no longer than this where they are shortened. Milliseconds of the turn. */
const LONGEST_PAUSE_MS = 1_500;

/** Goes through the moments of a turn: by steps, by time, or along with one that still grows. */
export class Player {
  /** Where it stands among the moments; -1 while there are none. */
  readonly index = signal(-1);
  /** The time that it shows. Unix milliseconds. */
  readonly at = signal(0);
  readonly isPlaying = signal(false);
  /** It goes along with what comes. */
  readonly follows: Signal<boolean>;
  readonly speed = signal<number>(1);
  /** Pauses are shortened, so that nobody waits for a person who waited. */
  readonly skipsPauses = signal(true);
  readonly moments: Signal<readonly Moment[]> = signal([]);
  /** The time of the end. */
  readonly end = signal(0);
  #event: number | undefined;

  /** @param event the record to begin with. Without one it begins at the end, and goes along. */
  constructor(event: number | undefined) {
    this.#event = event;
    this.follows = signal(event === undefined);
  }

  /** There are other moments than before, or more of them. Whoever does not go along stays at the same one. */
  renew(moments: readonly Moment[], end: number): void {
    batch(() => {
      this.moments.value = moments;
      this.end.value = Math.max(end, moments.at(-1)?.at ?? end);
      const index = this.follows.peek() ? moments.length - 1 : momentOf(moments, this.#event ?? 0);
      this.#show(index, this.isPlaying.peek() ? this.at.peek() : undefined);
    });
  }

  /** So many moments on, or back. */
  step(by: number): void {
    this.seek(this.index.peek() + by);
  }

  /** To a moment, by its place. Beyond the last one there is none. */
  seek(index: number): void {
    batch(() => {
      this.isPlaying.value = false;
      this.follows.value = false;
      this.#go(index);
    });
  }

  /** To the moment that a record belongs to. */
  seekEvent(event: number): void {
    this.seek(momentOf(this.moments.peek(), event));
  }

  /** To a time. Unix milliseconds. */
  seekTime(at: number): void {
    this.seek(momentAt(this.moments.peek(), at));
  }

  /** Goes along with what comes, from the end. */
  follow(): void {
    batch(() => {
      this.isPlaying.value = false;
      this.follows.value = true;
      this.#show(this.moments.peek().length - 1);
    });
  }

  /** Plays, from the beginning where it stands at the end; or stops. */
  toggle(): void {
    batch(() => {
      const plays = !this.isPlaying.peek();
      const last = this.moments.peek().length - 1;
      if (last < 0) return;
      this.follows.value = false;
      if (plays && this.index.peek() >= last) this.#go(0);
      this.isPlaying.value = plays && last > 0;
    });
  }

  /** So much time has passed while it plays. Milliseconds. @returns whether it stands at another moment. */
  tick(elapsed: number): boolean {
    if (!this.isPlaying.peek()) return false;
    const moments = this.moments.peek();
    let index = this.index.peek();
    let at = this.at.peek();
    let left = elapsed * this.speed.peek();
    const start = index;
    const skips = this.skipsPauses.peek();
    while (left > 0) {
      const next = moments[index + 1];
      const busy = Math.min(moments[index]?.busy ?? at, next?.at ?? Number.POSITIVE_INFINITY);
      if (!next && at >= busy) break;
      // Of a pause that is too long its end is played.
      if (next && skips && at >= busy && next.at - at > LONGEST_PAUSE_MS) at = next.at - LONGEST_PAUSE_MS;
      const goal = at < busy || !next ? busy : next.at;
      const wait = Math.min(left, Math.max(0, goal - at));
      left -= wait;
      at += wait;
      if (next && at >= next.at) index += 1;
    }
    const isOver = index >= moments.length - 1 && at >= (moments.at(-1)?.busy ?? at);
    batch(() => {
      this.at.value = at;
      this.index.value = index;
      this.#event = moments[index]?.event;
      if (isOver) this.isPlaying.value = false;
    });
    return index !== start;
  }

  #go(index: number): void {
    const moments = this.moments.peek();
    const next = Math.max(0, Math.min(moments.length - 1, index));
    if (moments.length === 0) return;
    this.#event = moments[next]?.event;
    this.#show(next);
  }

  #show(index: number, at = this.moments.peek()[index]?.at): void {
    this.index.value = index;
    if (at !== undefined) this.at.value = at;
  }
}
