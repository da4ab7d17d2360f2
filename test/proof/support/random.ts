import { Random as Choices } from '../../../soak/load/random.ts';

/** Choices that a seed fixes: the same seed makes the same ones. */
export class Random extends Choices {
  /** An integer from 0 to `below - 1`. */
  int(below: number): number {
    return this.between(0, below - 1);
  }

  /** The same members in another order. */
  shuffled<T>(members: readonly T[]): T[] {
    return members
      .map((member) => ({ member, at: this.next() }))
      .sort((a, b) => a.at - b.at)
      .map(({ member }) => member);
  }

  bytes(length: number): Buffer {
    return Buffer.from(Array.from({ length }, () => this.int(256)));
  }

  /** Another sequence, of the same seed: what is drawn from it changes nothing here. */
  fork(index: number): Random {
    return new Random(Math.imul(this.state ^ index, 0x9e3779b1) + index);
  }
}

/** The seed of this run: `PROOF_SEED`, or a new one. Printed, so that a run that failed can be made again. */
export function proofSeed(name: string): number {
  const seed = Number(process.env.PROOF_SEED ?? Math.floor(Math.random() * 2 ** 32));
  console.log(`${name}: PROOF_SEED=${seed}`);
  return seed;
}
