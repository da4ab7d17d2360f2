import type { Random } from './random.ts';

/** What a host tells an agent to do, as the prompt. */
export interface Script {
  /** What the turn's text is told from all others' by. */
  nonce: string;
  pieces: number;
  /** Between two pieces, in milliseconds; 0: as fast as the connection takes them. */
  gap: number;
  /** Characters that a piece is longer by. */
  padding: number;
  /** The agent calls the host's tool in the middle, which does this. */
  tool?: ToolMode;
  /** The agent asks for an approval in the middle. */
  asks?: boolean;
  /** The first piece overtakes the ack. */
  isEarly?: boolean;
  /** Nobody cancels it or leaves it: what the agent asks for must be given. */
  isCalm?: boolean;
}

/** What a host's tool does: answers, refuses, tells of progress first, answers too late; or it needs an approval. */
export type ToolMode = 'answer' | 'refuse' | 'progress' | 'late' | 'gated';

const MODES: readonly ToolMode[] = ['answer', 'answer', 'refuse', 'progress', 'late', 'gated'];

/** The tool that the daemon is configured to park until somebody approves. */
export const GATED_TOOL = 'gated';
export const TOOL = 'tool';
/** A host's own refusal, which the agent gets as it is. */
export const REFUSED = -32_055;
/** How long an agent waits for a tool that answers too late, and for any other. Milliseconds. */
export const toolTimeout = (mode: ToolMode) => (mode === 'late' ? 300 : 30_000);

/** A turn of some seconds. */
export function someScript(random: Random, nonce: string, rest: Partial<Script> = {}): Script {
  return {
    nonce,
    pieces: random.between(5, 30),
    gap: random.between(50, 450),
    padding: random.between(0, 40),
    isEarly: random.chance(0.1),
    ...rest,
  };
}

export function someMode(random: Random): ToolMode {
  return random.pick(MODES);
}
