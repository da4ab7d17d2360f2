import { setTimeout as delay } from 'node:timers/promises';
import { connectAgent } from '../client/node.ts';

/** The demonstration agent's id. */
export const ECHO_ID = 'echo';

/** Pause after each word, so that a person sees the answer stream. Milliseconds. */
const WORD_PAUSE_MS = 20;

/** A chat's words, each with the white space before it: joined they are the prompt again. */
export function words(prompt: string): string[] {
  return prompt.match(/\s*\S+|\s+$/g) ?? [];
}

/** Connects `echo`, an agent that streams the prompt back word by word (`--demo`). It is attached when this resolves. */
export function connectEcho(options: { url: string; token: string }): Promise<{ close(): unknown }> {
  return connectAgent({
    ...options,
    agentId: ECHO_ID,
    async *onChat({ prompt, signal }) {
      for (const word of words(prompt)) {
        yield word;
        // A cancel ends the pause at once, and the turn with it.
        await delay(WORD_PAUSE_MS, undefined, { signal });
      }
      yield { kind: 'done', finish_reason: 'stop', text: prompt };
    },
  });
}
