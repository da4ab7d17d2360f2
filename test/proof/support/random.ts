/** Choices that a seed fixes: the same seed makes the same ones. */
export class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** In [0, 1). Mulberry32: one word of state, good enough to choose by. */
  next(): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let word = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    word ^= word + Math.imul(word ^ (word >>> 7), word | 61);
    return ((word ^ (word >>> 14)) >>> 0) / 2 ** 32;
  }

  /** An integer from 0 to `below - 1`. */
  int(below: number): number {
    return Math.floor(this.next() * below);
  }

  chance(probability: number): boolean {
    return this.next() < probability;
  }

  pick<T>(choices: readonly T[]): T {
    const choice = choices[this.int(choices.length)];
    if (choice === undefined) throw new Error('nothing to choose from');
    return choice;
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)));
  }

  /** Another sequence, of the same seed: what is drawn from it changes nothing here. */
  fork(index: number): Random {
    return new Random(Math.imul(this.#state ^ index, 0x9e3779b1) + index);
  }
}

/** The seed of this run: `PROOF_SEED`, or a new one. Printed, so that a run that failed can be made again. */
export function proofSeed(name: string): number {
  const seed = Number(process.env.PROOF_SEED ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`${name}: PROOF_SEED=${seed}`);
  return seed;
}
