import { setTimeout as delay } from 'node:timers/promises';
import { connectAgent, ToolCancelledError, ToolUnavailableError } from 'switchboard/client';
import { openLines } from './write-lines.js';

/*
 * An agent in a process of its own: says its words, asks its host's tool and then a person in between, comes back by itself, and writes
 * down what it does. It goes when it is killed, or its stdin ends.
 */

const { url, agentId, token, path, who } = JSON.parse(process.argv[2] ?? '');
const line = openLines(path, who);
const WORDS = 40;

const agent = await connectAgent({ url, agentId, token, reconnect: { minMs: 5, maxMs: 60 }, onChat: tell });
process.stdin.resume().on('end', () => void agent.close().then(() => process.exit(0)));
console.log('ready');

async function* tell(turn) {
  const { prompt, turnId, signal } = turn;
  const its = { turn: turnId, prompt };
  line('invoke', 'turn', its);
  try {
    for (let n = 0; n < WORDS; n += 1) {
      if (n === WORDS / 4) await callClock(turn, its);
      if (n === WORDS / 2) await askPerson(turn, its);
      signal.throwIfAborted();
      const text = `${prompt}.${n}·é漢🙂 `;
      line('info', 'emit', { ...its, text });
      yield text;
      await delay(3);
    }
    line('ok', 'turn', its);
  } catch (error) {
    line('fail', 'turn', { ...its, text: String(error) });
    throw error;
  }
}

async function askPerson(turn, its) {
  line('invoke', 'approval', its);
  const { resolution, approvalId } = await turn.requestApproval({ tool: 'rm' });
  line('ok', 'approval', { ...its, approval: approvalId, resolution });
}

/** Until it is told: a host that is cut off, or away, has its calls ended. */
async function callClock({ tools, turnId, signal }, its) {
  for (let attempt = 1; ; attempt += 1) {
    try {
      line('invoke', 'tool', { ...its, action: turnId });
      const text = await tools.call('clock', {}, { actionId: turnId, attempt });
      line('ok', 'tool', { ...its, action: turnId, text: String(text) });
      return;
    } catch (error) {
      line('fail', 'tool', { ...its, action: turnId, code: error.reason, text: String(error) });
      // Its host's next life: whether the last one's tool has run, nobody can say. It is not asked a second time.
      if (error.reason === 'unknown_outcome') return;
      const isAway = error instanceof ToolCancelledError || error instanceof ToolUnavailableError;
      if (!isAway || signal.aborted) throw error;
    }
    await delay(20);
  }
}
