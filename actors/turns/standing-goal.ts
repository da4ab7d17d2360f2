import type { Goal } from '../../protocol/chat.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { key } from '../kernel/key.ts';

/** The goal that stands for a turn's session, as the turn sees it: what it is, and who keeps what becomes of it. */
export interface StandingGoal {
  readonly goal: Goal;
  /** The agent has accepted a turn with it. */
  began(): void;
  /** An event of that turn that is no token, its terminal too. */
  heard(event: JsonObject): void;
  /** That turn is over, whether its host was told so or not. */
  ended(): void;
}

/** Finds what stands for a session, by its key (`agentSessionId`). */
export const STANDING_GOALS = key<(sessionKey: string) => StandingGoal | undefined>('the goals that stand');
