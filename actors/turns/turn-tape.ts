import type { SynthesizedTerminal } from './turn-messages.ts';

/**
 * What whoever records a turn hears from it itself: what comes in such numbers that nothing may be made of each (law 2), and
 * what goes to nobody where there is no host.
 */
export interface TurnTape {
  /** A token was passed on. `now`: the clock's milliseconds. */
  token(delta: string, now: number): void;
  /** The broker has ended it itself. */
  synthesized(terminal: SynthesizedTerminal): void;
}
