import type { Lives } from './lives.ts';

/** So many lives that are over are remembered. */
const MAX_BURIED = 1_000;

/** A broker, and which life of it. */
export interface Life {
  readonly broker: string;
  readonly epoch: string;
}

/** Which lives of brokers are over, so that what they had is anybody's. */
export class Graves {
  readonly #self: Life;
  readonly #lives: Lives;
  readonly #buried = new Set<string>();

  constructor(self: Life, lives: Lives) {
    this.#self = self;
    this.#lives = lives;
  }

  bury({ broker, epoch }: Life): void {
    const [oldest] = this.#buried;
    if (this.#buried.size >= MAX_BURIED && oldest !== undefined) this.#buried.delete(oldest);
    this.#buried.add(`${broker} ${epoch}`);
    this.#lives.died(broker, epoch);
  }

  isOurs({ broker, epoch }: Life): boolean {
    return broker === this.#self.broker && epoch === this.#self.epoch;
  }

  /** One that was buried may have been cut off only: whoever is heard lives. */
  isOver(life: Life): boolean {
    const { broker, epoch } = life;
    if (broker === this.#self.broker) return epoch !== this.#self.epoch;
    if (this.#lives.isAlive(broker, epoch)) return false;
    return this.#buried.has(`${broker} ${epoch}`) || this.#lives.isOver(broker, epoch);
  }
}
