import type { Sizes } from './sizes.ts';
import type { Cores } from './targets/pinning.ts';
import type { Target } from './targets/target.ts';

/** What a scenario is run with. */
export interface Setting {
  sizes: Sizes;
  cores: Cores | undefined;
}

/** One table of the report. The first column is text, the others are numbers. */
export interface Table {
  title: string;
  columns: readonly string[];
  rows: readonly (readonly string[])[];
}

/** One goal, and whether it was met. */
export interface Goal {
  what: string;
  wanted: string;
  measured: string;
  met: boolean;
}

/** What a scenario found out. */
export interface Outcome {
  tables: Table[];
  goals: Goal[];
  /** The greatest median share of time that something else had the core (see `Cost`), where that matters. */
  waited?: number;
  /** Every number, for `--json`. */
  raw: unknown;
}

/** Something that is measured. */
export interface Scenario {
  /** As `--only` takes it. */
  name: string;
  /** One line for `--help`. */
  does: string;
  run(setting: Setting): Promise<Outcome>;
}

/** Results of several targets, by name, a number for each round. */
export type Rounds<T> = ReadonlyMap<string, T[]>;

/**
 * Measures targets in turn, round after round, so that whatever else the machine does meets all of them alike; each round
 * begins with another one.
 */
export async function interleave<T>(
  targets: readonly Target[],
  rounds: number,
  run: (target: Target) => Promise<T>,
): Promise<Rounds<T>> {
  const results = new Map<string, T[]>(targets.map(({ name }) => [name, []]));
  for (let round = 0; round < rounds; round += 1) {
    for (const index of targets.keys()) {
      const target = targets[(index + round) % targets.length];
      if (target) results.get(target.name)?.push(await run(target));
    }
  }
  return results;
}

/** One number of every round of a target. */
export function pick<T>(results: Rounds<T>, name: string, read: (result: T) => number): number[] {
  return (results.get(name) ?? []).map(read);
}
