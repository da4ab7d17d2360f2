import type { TurnEvent } from '../../../machines/turn-events.ts';
import type { Principal } from '../../../protocol/principal.ts';
import type { Sealed } from '../../../protocol/sealed.ts';
import type { ActorOf } from '../../kernel/tell.ts';
import type { AgentLine } from './agent-line.ts';
import type { Opening } from './opening.ts';

/** A secret that resumes a turn, and its hash. */
export interface OpenedSecret {
  readonly token: Sealed<string>;
  readonly tokenHash: string;
}

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
  /** The secret that resumes it, where that had to be known before its agent accepted. */
  readonly secret: OpenedSecret | undefined;
  readonly line: AgentLine | undefined;
  readonly ref: ActorOf<TurnEvent> | undefined;
}
