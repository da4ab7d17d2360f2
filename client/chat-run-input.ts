import type { Interruption } from './chat.ts';
import type { ChatHandle } from './chat-handle.ts';
import type { ChatRun } from './chat-run.ts';
import type { Peer } from './peer.ts';

/** What a `ChatRun` is made of. */
export interface ChatRunInput {
  peer: Peer;
  agentId: string;
  sessionId: string;
  /** Whether nobody else can have a turn in this session, because its id was made here. */
  ownSession: boolean;
  bufferLimit: number;
  /** Cancels the turn when it aborts; an observer leaves it. */
  signal?: AbortSignal | undefined;
  /** Whether it outlives its connection. */
  resumable: boolean;
  /** Whether it only watches the turn of another. */
  observes: boolean;
  /** How long the turn waits for its host. Milliseconds. */
  window(): number;
  /** Opens it again, as it was opened first; undefined where that would be another turn. */
  reopen?: ((peer: Peer, run: ChatRun) => void) | undefined;
  /** A turn from before, which is gone on with. */
  handle?: ChatHandle | undefined;
  onInterruption?: ((interruption: Interruption) => void) | undefined;
  /** There will be no more of it, once. */
  over(run: ChatRun): void;
}
