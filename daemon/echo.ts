import { setTimeout as delay } from 'node:timers/promises';
import { type AgentEvent, type AgentOptions, connectAgent, type Turn } from '../client/node.ts';
import { findCommand } from './echo-commands.ts';
import { ECHO_ID } from './echo-id.ts';

/** Pause after each word, so that a person sees the answer stream. Milliseconds. */
const WORD_PAUSE_MS = 20;

/** Waits so many milliseconds; rejects when the signal aborts. */
export type Pause = (ms: number, signal: AbortSignal) => Promise<void>;

/** How to connect `echo`. */
export interface EchoOptions extends Pick<AgentOptions, 'url' | 'link'> {
  token: string;
  /** How time passes; for tests. Default: as it does. */
  pause?: Pause;
}

/** A chat's words, each with the white space before it: joined they are the prompt again. */
export function words(prompt: string): string[] {
  return prompt.match(/\s*\S+|\s+$/g) ?? [];
}

/**
 * Connects `echo` (`--demo`), an agent that streams the prompt back word by word; a few prompts show what else an agent
 * can do. It is attached when this resolves.
 */
export function connectEcho({ pause = pauseFor, ...connection }: EchoOptions): Promise<{ close(): unknown }> {
  return connectAgent({
    ...connection,
    agentId: ECHO_ID,
    onChat(turn) {
      const command = findCommand(turn.prompt);
      return command ? command.run(turn, command.rest, pause) : repeat(turn, pause);
    },
  });
}

async function* repeat({ prompt, signal }: Turn, pause: Pause): AsyncGenerator<string | AgentEvent> {
  for (const word of words(prompt)) {
    yield word;
    // A cancel ends the pause at once, and the turn with it.
    await pause(WORD_PAUSE_MS, signal);
  }
  yield { kind: 'done', finish_reason: 'stop', text: prompt };
}

const pauseFor: Pause = (ms, signal) => delay(ms, undefined, { signal });
