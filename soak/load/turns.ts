import { setTimeout as pause } from 'node:timers/promises';
import { someKind } from './kinds.ts';
import type { Load } from './load.ts';

/** How often it is looked whether turns are missing, and how many are begun then at most. Milliseconds. */
const TICK = 20;
const PER_TICK = 10;

/** Turns that are opened at once to fill the store of ended ones. */
const LANES = 20;

/** Opens and ends resumable turns one after another: what the daemon keeps of them it keeps for minutes. */
export async function fillEnded(load: Load): Promise<void> {
  let left = load.plan.ended;
  const lane = async () => {
    for (; left > 0 && !load.isFinishing; ) {
      left -= 1;
      const host = load.take();
      if (!host) return;
      const script = { nonce: load.newNonce(), pieces: 2, gap: 0, padding: 0 };
      const opened = await load.open(host, script, { params: { resume_window_ms: 1_000 } });
      await opened?.heard.end();
      load.give(host);
    }
  };
  await Promise.all(Array.from({ length: LANES }, lane));
}

/** The turns of one process: as many as should live, until the load is finishing. */
export class Turns {
  live = 0;
  readonly #load: Load;
  readonly #running = new Set<Promise<void>>();

  constructor(load: Load) {
    this.#load = load;
  }

  /** @param warm is called once when as many live as should. */
  async keep(warm: () => void): Promise<void> {
    const { plan } = this.#load;
    let isWarm = false;
    while (!this.#load.isFinishing) {
      for (let i = 0; i < PER_TICK && this.live < plan.turns; i += 1) this.#begin();
      if (!isWarm && this.live >= plan.turns) {
        isWarm = true;
        warm();
      }
      await pause(TICK);
    }
    await Promise.all(this.#running);
  }

  #begin(): void {
    const host = this.#load.take();
    if (!host) return;
    this.live += 1;
    const kind = someKind(this.#load);
    const running = kind(this.#load, host)
      .then(() => this.#load.give(host))
      .catch((error: Error) => this.#load.ledger.breach(`the load itself failed: ${error.stack}`))
      .finally(() => {
        this.live -= 1;
        this.#running.delete(running);
      });
    this.#running.add(running);
  }
}
