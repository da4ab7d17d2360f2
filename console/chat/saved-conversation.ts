import type { ChatHandle } from '../../client/browser.ts';
import type { SavedTranscript } from './saved-transcript.ts';
import type { SavedFigures } from './turn-figures.ts';

/** What goes with a prompt. */
export interface SendOptions {
  /** The agent's model; empty for its own choice. */
  model: string;
  /** Whether the agent is asked to stream. */
  stream: boolean;
  /** Whether the page offers its tool. */
  tool: boolean;
}

/** A conversation as it is kept over a reload of the page, as JSON. With a turn that runs it holds a secret: its handle. */
export interface SavedConversation {
  sessionId: string;
  agentId: string;
  options: SendOptions;
  transcript: SavedTranscript;
  turnId: string | undefined;
  events: number;
  isRunning: boolean;
  /** Of a turn that runs and can be gone on with. */
  handle: ChatHandle | undefined;
  /** Of a turn that runs: what it took so far. */
  figures?: SavedFigures | undefined;
}
