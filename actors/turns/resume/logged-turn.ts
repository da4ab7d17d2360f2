import type { TurnEvent } from '../../../machines/turn.machine.ts';
import type { Client } from '../../kernel/client.ts';
import type { ActorOf } from '../../kernel/tell.ts';

/** What logs need to know of a turn. */
export interface LoggedTurn {
  readonly id: string;
  readonly sessionId: string;
  readonly agentId: string;
  readonly tokenHead: string;
  readonly resumeWindowMs: number;
  readonly host: Client | undefined;
  readonly ref: ActorOf<TurnEvent> | undefined;
}
