import { setTimeout as delay } from 'node:timers/promises';
import { type Agent, type Chat, type ChatEvent, connectAgent, connectHost, type Host } from 'switchboard/client';
import { expect } from 'vitest';
import { own } from '../../e2e/support/cleanup.ts';
import type { Daemon } from '../../e2e/support/daemon.ts';

/** Soon, so that there is a next connection to cut. */
const BACK = { minMs: 2, maxMs: 40 };
/** A connection that hangs in its opening is given up for another. */
const CONNECT_TIMEOUT = 2_000;

const WORDS = 60;
const PAUSE_MS = 70;

/** What an agent answers to a prompt. Bytes and characters differ in it, so that a cut can be in the middle of one. */
export function answerTo(prompt: string): string[] {
  return Array.from({ length: WORDS }, (_, i) => `${prompt}·${i}·é漢🙂 `);
}

/** An agent that says its answer over some seconds, and waits for an approval in the middle where the prompt asks for it. */
export async function startAgent(daemon: Daemon, agentId: string, url: string): Promise<Agent> {
  const agent = await connectAgent({
    url,
    agentId,
    token: await daemon.register(agentId),
    reconnect: BACK,
    async *onChat(turn) {
      for (const [i, word] of answerTo(turn.prompt).entries()) {
        if (turn.signal.aborted) return;
        yield word;
        if (i === WORDS / 2 && turn.prompt.startsWith('ask')) {
          const { resolution } = await turn.requestApproval({ action: 'go on' });
          yield { kind: 'decided', resolution };
        }
        await delay(PAUSE_MS, undefined, { signal: turn.signal });
      }
    },
  });
  own(() => agent.close());
  return agent;
}

/** A host that comes back by itself. */
export async function startHost(daemon: Daemon, url: string): Promise<Host> {
  const token = daemon.tokens.daemon;
  const host = await connectHost({ url, token, reconnect: BACK, connectTimeoutMs: CONNECT_TIMEOUT });
  own(() => host.close());
  return host;
}

/**
 * Reads a chat to its end, and answers what it is asked. Fails where an event is missing, comes twice or out of order, also
 * of the agent's going and coming, and where anything comes of an agent that is away.
 * @returns also how often its agent was away.
 */
export async function read(chat: Chat): Promise<{ events: ChatEvent[]; text: string; absences: number }> {
  const events: ChatEvent[] = [];
  let text = '';
  let seq = 0;
  let over = false;
  let away = false;
  let absences = 0;
  for await (const event of chat) {
    if (over) throw new Error(`${event.kind} after the terminal of ${chat.sessionId}`);
    if (away ? event.kind !== 'agent_back' : event.kind === 'agent_back')
      throw new Error(`${event.kind} of ${chat.sessionId}, whose agent is ${away ? 'away' : 'there'}`);
    // These two have no place in the order of the others.
    away = event.kind === 'agent_away';
    if (away) absences += 1;
    if (event.kind === 'agent_away' || event.kind === 'agent_back') continue;
    // What the broker holds back has no place in that order; nothing is held back here.
    if (event.seq === undefined) throw new Error(`${event.kind} of ${chat.sessionId} without a number`);
    const { seq_from: from = event.seq } = event as { seq_from?: number };
    if (from !== seq + 1) throw new Error(`event ${from} of ${chat.sessionId} after ${seq}`);
    seq = event.seq;
    over = event.kind === 'done' || event.kind === 'error' || event.kind === 'auth_required';
    if (event.kind === 'token') text += event.delta;
    // Not waited for: reading goes on. It may have been taken before its answer was lost, and is repeated then.
    if (event.kind === 'approval_pending') void chat.approve(event.approval_id, true).catch(() => {});
    events.push(event);
  }
  return { events, text, absences };
}

/** What a chat that was not disturbed has brought. */
export async function expectWhole(prompt: string, { events, text }: Awaited<ReturnType<typeof read>>): Promise<void> {
  expect(text).toBe(answerTo(prompt).join(''));
  expect(events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'stop' });
  const decided = events.filter(({ kind }) => (kind as string) === 'decided');
  const asked = prompt.startsWith('ask') ? [expect.objectContaining({ resolution: 'approve' })] : [];
  expect(decided).toEqual(asked);
}
