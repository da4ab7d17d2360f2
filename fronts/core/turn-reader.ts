import type { ChatEvent, TerminalEvent } from '../../client/node.ts';
import type { AskedCall } from './asked-calls.ts';
import type { FrontError } from './errors.ts';

/** How a turn ended: by its terminal, or by what became of the way to it. */
export type TurnEnd = { event: TerminalEvent } | { error: FrontError };

/**
 * `park`: this response is over, and the turn waits for the client's next request. `ask`: it will be in a moment, when what
 * is asked besides has come, too; then {@link TurnReader.calls} is called.
 */
export type Step = 'park' | 'ask' | undefined;

/** Whoever writes a response. Each is called in order, and none of them after a `park` or the end. */
export interface TurnReader {
  /** Anything but a terminal. */
  event(event: ChatEvent): Step;
  /** The agent calls tools of the client's: those that it has not been shown, none where it is asked something else. */
  calls(calls: readonly AskedCall[]): Step;
  /** The last of all. */
  ended(end: TurnEnd): void;
}
