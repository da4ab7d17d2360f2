import { setTimeout as pause } from 'node:timers/promises';
import { type Agent, connectAgent, ToolUnavailableError, type Turn } from '../../client/node.ts';
import { type Ledger, nowUs } from '../load/ledger.ts';
import { type Script, TOOL } from '../load/script.ts';
import { pieceOf, wholeOf } from '../load/turn-check.ts';
import type { Deaths } from './deaths.ts';

/** Until it asks again for a tool that was not there. Milliseconds. */
const AGAIN_MS = 200;
/** How soon it comes back. */
export const BACK = { minMs: 20, maxMs: 500 };

/** An agent of the SDK: it says what a script tells it to, and its generator notices nothing of what becomes of its connections. */
export function connectLastingAgent(
  place: { url: string; agentId: string; token: string },
  ledger: Ledger,
  deaths: Deaths,
): Promise<Agent> {
  /** Turns that were begun, by name, and how many deaths there had been: a second one needs one to explain it. */
  const begun = new Map<string, number>();
  return connectAgent({
    ...place,
    env: {},
    reconnect: BACK,
    async *onChat(turn) {
      const script: Script = JSON.parse(turn.prompt);
      const { nonce, pieces, gap, padding } = script;
      const before = begun.get(nonce);
      if (before === deaths.count) ledger.breach(`the agent was asked twice for ${nonce}`);
      begun.set(nonce, deaths.count);
      for (let index = 0; index < pieces; index += 1) {
        if (index === pieces >> 1) await askInTheMiddle(turn, script, ledger);
        yield pieceOf(nonce, index, nowUs(), 'x'.repeat(padding));
        await pause(gap);
      }
      turn.event({ kind: 'done', finish_reason: 'stop', text: wholeOf(nonce, pieces) });
      begun.delete(nonce);
    },
    onError: (error) => ledger.count(`turns of lasting agents that failed: ${error}`),
  });
}

/** A turn whose host is away just now has no tools (`wire.md` section 7). */
async function useTool(turn: Turn, nonce: string): Promise<{ nonce: string }> {
  for (;;) {
    try {
      return (await turn.tools.call(TOOL, { nonce })) as { nonce: string };
    } catch (error) {
      if (!(error instanceof ToolUnavailableError)) throw error;
      await pause(AGAIN_MS, undefined, { signal: turn.signal });
    }
  }
}

async function askInTheMiddle(turn: Turn, { nonce, tool, asks }: Script, ledger: Ledger): Promise<void> {
  if (tool) {
    const answer = await useTool(turn, nonce);
    if (answer.nonce !== nonce) ledger.breach(`the tool of ${nonce} answered ${JSON.stringify(answer)}`);
  }
  if (!asks) return;
  const { approved } = await turn.requestApproval({ action: 'go on' });
  if (!approved) ledger.breach(`what ${nonce} asked for was denied, and nobody had denied it`);
}
