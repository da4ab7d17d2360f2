import { Fleet } from '../load/fleet.ts';
import type { Plan } from '../load/plan.ts';
import { startAll } from '../targets/known.ts';
import type { Cores } from '../targets/pinning.ts';
import type { Target } from '../targets/target.ts';
import { flood, HUNDRED } from './flooding.ts';

/** The three that are compared, with their agents and hosts connected, and warm. Shared by all that compare them. */
export class Trio {
  readonly targets: readonly Target[];
  readonly #fleets = new Map<Target, Fleet>();

  private constructor(targets: readonly Target[]) {
    this.targets = targets;
  }

  /** Starts them, and has each do some work, so that what is measured is compiled code. */
  static async start(cores: Cores | undefined, warmUp: Plan): Promise<Trio> {
    const trio = new Trio(await startAll(cores));
    for (const target of trio.targets) {
      const fleet = await Fleet.open(target, HUNDRED.agents, HUNDRED.hosts);
      trio.#fleets.set(target, fleet);
      await flood(target, fleet, warmUp);
    }
    return trio;
  }

  /** Who is connected to a target. */
  fleet(target: Target): Fleet {
    const fleet = this.#fleets.get(target);
    if (!fleet) throw new Error(`nobody is connected to ${target.name}`);
    return fleet;
  }

  /** Closes the connections and ends the processes. */
  stop(): void {
    for (const fleet of this.#fleets.values()) fleet.close();
    for (const target of this.targets) target.stop();
  }
}
