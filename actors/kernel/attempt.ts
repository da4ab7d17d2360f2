import type { Kernel } from './kernel.ts';

/**
 * One step of clearing up. Whatever broke before may break a step here too, but neither the next one nor the actor that
 * clears up, which may be the root (law 11).
 */
export function attempt(state: Kernel, what: string, step: () => void): void {
  try {
    step();
  } catch (err) {
    state.log.error({ err }, `${what} could not be ended in order`);
  }
}
