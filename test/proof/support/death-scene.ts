import { setImmediate as breathe } from 'node:timers/promises';
import {
  type Agent,
  type Chat,
  connectAgent,
  connectHost,
  type Host,
  SwitchboardError,
  TurnError,
} from 'switchboard/client';
import { vi } from 'vitest';
import { own } from '../../e2e/support/cleanup.ts';

/** How a chat ended at its host. */
export type ChatEnd =
  | { kind: 'whole'; text: string }
  | { kind: 'retryable'; error: SwitchboardError }
  | { kind: 'other'; error: unknown };

const WORDS = 40;
const BACK = { minMs: 5, maxMs: 40 };

/** What an agent answers to a prompt, a word at a time. */
export function answerTo(prompt: string): string {
  return Array.from({ length: WORDS }, (_, i) => `${prompt}-${i} `).join('');
}

/** An agent that comes back by itself: it streams, and asks the host's tool in the middle. */
export async function startAgent(home: string, agentId: string, token: string): Promise<Agent> {
  const agent = await connectAgent({
    home,
    env: {},
    agentId,
    token,
    reconnect: BACK,
    async *onChat({ prompt, tools, signal }) {
      for (let i = 0; i < WORDS && !signal.aborted; i += 1) {
        if (i === WORDS / 2) await tools.call('clock', {});
        yield `${prompt}-${i} `;
        await breathe();
      }
    },
  });
  own(() => agent.close());
  return agent;
}

/** A host with a tool that comes back by itself. */
export async function startHost(home: string): Promise<Host> {
  const host = await connectHost({ home, env: {}, reconnect: BACK });
  own(() => host.close());
  await host.tool('clock', {}, () => 'noon');
  return host;
}

/** Reads a chat to its end, whatever that is. */
export async function endOf(chat: Chat, heard: () => void): Promise<ChatEnd> {
  let text = '';
  try {
    for await (const event of chat) {
      heard();
      if (event.kind === 'token') text += event.delta;
      else if (event.kind === 'error' || event.kind === 'auth_required') throw new TurnError(event);
    }
    return { kind: 'whole', text };
  } catch (error) {
    return error instanceof SwitchboardError && error.retryable
      ? { kind: 'retryable', error }
      : { kind: 'other', error };
  }
}

/** Waits until something is so, and not for ever. */
export async function untilSo(look: () => boolean): Promise<void> {
  await vi.waitUntil(look, { interval: 2 });
}
