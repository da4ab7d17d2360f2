import type { Packages } from './packages.ts';
import type { Scene } from './scene.ts';

/** One program, or several that are tried alike. */
export interface Trial {
  name: string;
  /** One line for `--help`. */
  does: string;
  /** What npm installs for it, as `name@version`. */
  packages: readonly string[];
  run(scene: Scene, packages: Packages, check: Check): Promise<void>;
}

/**
 * Prints whether something holds. A text that `holds` returns is printed with it; what it throws is a failure, after which the trial
 * goes on.
 */
export type Check = (name: string, holds: () => Promise<unknown>) => Promise<void>;

/** @throws {Error} where `isTrue` is not, with what was seen. */
export function must(isTrue: boolean, seen: unknown): asserts isTrue {
  if (!isTrue) throw new Error(typeof seen === 'string' ? seen : JSON.stringify(seen));
}

/** Prints checks of one trial, and counts those that failed. */
export class Printer {
  readonly #trial: string;
  passed = 0;
  failed = 0;

  constructor(trial: string) {
    this.#trial = trial;
  }

  readonly check: Check = async (name, holds) => {
    const begun = performance.now();
    const line = (word: string, details: string) =>
      console.log(`${word} ${this.#trial} › ${name}${details && `: ${details}`} (${seconds(begun)} s)`);
    try {
      const details = await holds();
      line('PASS', typeof details === 'string' ? details : '');
      this.passed++;
    } catch (error) {
      line('FAIL', error instanceof Error ? error.message : String(error));
      this.failed++;
    }
  };
}

function seconds(begun: number): string {
  return ((performance.now() - begun) / 1000).toFixed(1);
}
