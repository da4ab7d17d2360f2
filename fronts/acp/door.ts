import type { AgentRow } from '../../client/node.ts';
import type { Limits } from '../../protocol/limits.ts';
import type { FrontTurn, TurnSpec } from '../core/turn.ts';

/** The way from one ACP client to one agent: by a connection to a daemon, or inside it. */
export interface AcpDoor {
  readonly agentId: string;
  /** How much may wait for a client that does not read. */
  readonly limits: Pick<Limits, 'softLimitBytes' | 'hardLimitBytes' | 'hardLimitMs' | 'cutBytes'>;
  /** What the broker says of the agent; undefined: it does not exist for whoever asks. @throws what `frontErrorOf` knows. */
  find(): Promise<AgentRow | undefined>;
  /** Opens a turn on a connection of its own. See `FrontTurn.open`. */
  openTurn(spec: Omit<TurnSpec, 'agentId'>, signal: AbortSignal): Promise<FrontTurn>;
}
