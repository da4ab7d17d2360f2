import type { Client } from '../kernel/client.ts';
import type { HeldCalls } from './held-calls.ts';

/** Other brokers, which may have turns that an agent goes on with here. */
export interface Elsewhere {
  /**
   * Has what an agent names, and this broker does not know, brought here. Resolves when that is done, or nobody has it; gives
   * those that have ended.
   */
  fetch(client: Client, wanted: readonly { turn_id: string; session_id: string }[]): Promise<ReadonlySet<string>>;
  /** What waits for a turn of one of these sessions that is being brought here. */
  pending(sessionKeys: readonly string[]): HeldCalls | undefined;
  /** An agent has named all that it goes on with: what waits for it elsewhere ends. */
  unnamed(agentKey: string): void;
}
