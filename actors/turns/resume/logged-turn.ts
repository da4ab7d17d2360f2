import type { TurnEvent } from '../../../machines/turn-events.ts';
import type { Principal } from '../../../protocol/principal.ts';
import type { ActorOf } from '../../kernel/tell.ts';
import type { AgentLine } from './agent-line.ts';
import type { Opening } from './opening.ts';

/** What logs need to know of a turn. */
export interface LoggedTurn {
  readonly id: string;
  readonly sessionId: string;
  readonly sessionKey: string;
  readonly owner: Principal;
  readonly agentId: string;
  readonly tokenHead: string;
  readonly resumeWindowMs: number;
  /** The connection that opened it. */
  readonly openerId: string;
  readonly opening: Opening | undefined;
  readonly line: AgentLine | undefined;
  readonly ref: ActorOf<TurnEvent> | undefined;
}
