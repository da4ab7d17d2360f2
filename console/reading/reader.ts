import { untracked } from '@preact/signals';
import { nextFrame } from '../next-frame.ts';
import type { Answer } from './answer.ts';
import type { TextBlock } from './text-block.ts';

/** So long it reads before the page is drawn again. Milliseconds. */
const SLICE_MS = 8;
/** So much of it at most: what was read is laid out as well. */
const SLICE_STEPS = 8;

/** Reads a text as an answer, a slice before each frame: a long one that is there at once holds up nothing. */
export class Reader {
  readonly answer: Answer;
  readonly #block: TextBlock;
  #isReading = false;
  #scheduled = false;

  constructor(block: TextBlock, answer: Answer) {
    this.#block = block;
    this.answer = answer;
  }

  /** Reads on: what has come since, and what was left. */
  read(): void {
    this.#isReading = true;
    if (!this.#scheduled) untracked(() => this.#slice());
  }

  /** Nobody looks at it any more. */
  stop(): void {
    this.#isReading = false;
  }

  #slice(): void {
    const { answer } = this;
    const block = this.#block;
    const end = block.forgotten + block.size;
    if (end > answer.received) answer.append(block.since(answer.received), end);
    const until = performance.now() + SLICE_MS;
    let isMore = answer.step();
    for (let step = 1; isMore && step < SLICE_STEPS && performance.now() < until; step++) isMore = answer.step();
    answer.forget(block.forgotten);
    answer.show();
    if (!isMore) return;
    this.#scheduled = true;
    nextFrame(() => {
      this.#scheduled = false;
      if (this.#isReading) this.#slice();
    });
  }
}
