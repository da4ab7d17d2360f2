import { setTimeout as sleep } from 'node:timers/promises';
import type { Host } from '../client/node.ts';
import { PATIENCE_MS } from './processes.ts';
import type { Scene } from './scene.ts';

/** What becomes of the turns of programs that come by a front, as who runs the daemon sees it. */
export class Watcher {
  readonly #scene: Scene;
  readonly #host: Host;

  private constructor(scene: Scene, host: Host) {
    this.#scene = scene;
    this.#host = host;
  }

  static async of(scene: Scene): Promise<Watcher> {
    return new Watcher(scene, await scene.host({ management: true }));
  }

  /** Waits until a turn runs. */
  begun(): Promise<void> {
    return until('no turn began', async () => (await this.#count('switchboard_turns')) > 0);
  }

  /** How many turns were cancelled so far. */
  cancelled(): Promise<number> {
    return this.#count('switchboard_turns_ended_total', 'ending="cancelled"');
  }

  /** Waits until all turns have ended, of which one was cancelled since there were so many. */
  async stopped(before: number): Promise<void> {
    await until('turns run on', async () => (await this.#count('switchboard_turns')) === 0);
    await until('no turn was cancelled', async () => (await this.cancelled()) > before);
  }

  /** Allows what is asked for next. */
  approves(): Promise<void> {
    return until('nobody asked for an approval', async () => {
      const pending = (await this.#host.approvals()).find(({ status }) => status === 'pending');
      if (pending) await this.#host.resolveApproval(pending.id, 'approve');
      return pending !== undefined;
    });
  }

  /** The sum of a metric's values. */
  async #count(name: string, label = ''): Promise<number> {
    const lines = (await (await fetch(`${this.#scene.url}/metrics`)).text()).split('\n');
    return lines
      .filter((line) => new RegExp(`^${name}[{ ]`).test(line) && line.includes(label))
      .reduce((sum, line) => sum + Number(line.split(' ').at(-1)), 0);
  }
}

async function until(failure: string, isSo: () => Promise<boolean>): Promise<void> {
  for (const end = Date.now() + PATIENCE_MS; !(await isSo()); await sleep(100)) {
    if (Date.now() > end) throw new Error(failure);
  }
}
