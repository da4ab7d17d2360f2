import type { Client } from '../kernel/client.ts';
import type { HeldCalls } from './held-calls.ts';

/** A turn that an agent names, and this broker does not know. */
export interface Wanted {
  readonly turn_id: string;
  readonly session_id: string;
  /** It can be put together from what its agent has, where nobody else has it. */
  hasTicket(): boolean;
}

/** Other brokers, which may have turns that an agent goes on with here. */
export interface Elsewhere {
  /**
   * Has what an agent names, and this broker does not know, brought here. Resolves when that is done, or nobody has it; gives
   * those that have ended, and those with a ticket whose broker is gone: their sessions are this broker's then.
   */
  fetch(client: Client, wanted: readonly Wanted[]): Promise<ReadonlyMap<string, 'ended' | 'lost'>>;
  /** What waits for a turn of one of these sessions that is being brought here. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined;
  /** An agent has named all that it goes on with: what waits for it elsewhere ends. */
  unnamed(agentKey: string): void;
  /** What became of one that was lost. To be called for each of them. @param isThere - it goes on here */
  rebuilt(turn: Pick<Wanted, 'turn_id' | 'session_id'>, isThere: boolean): void;
  /** Turns from before a restart are taken up: some may go on elsewhere. */
  recovered(): void;
}
