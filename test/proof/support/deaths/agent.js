import { setTimeout as delay } from 'node:timers/promises';
import { connectAgent, ToolCancelledError, ToolUnavailableError } from 'switchboard/client';
import { WebSocket } from 'ws';
import { openLines } from './write-lines.js';

/*
 * An agent in a process of its own: says its words, asks its host's tool and then a person in between, comes back by itself, and writes
 * down what it does. It goes when it is killed, its stdin ends, or another connection has taken its place. `watches`: it writes down what
 * the broker lets it forget, too.
 */

const { url, agentId, token, path, who, watches = false, pauseMs = 3 } = JSON.parse(process.argv[2] ?? '');
const line = openLines(path, who);
const WORDS = 40;
/** By turn: its prompt, and how much text it has with each event, by number. */
const said = new Map();

if (watches) watchFrames();
const agent = await connectAgent({
  url,
  agentId,
  token,
  reconnect: { minMs: 5, maxMs: 60 },
  // Whoever it comes to may be stopped.
  waitForBroker: true,
  connectTimeoutMs: 2_000,
  onChat: tell,
});
line('info', 'attached');
void agent.closed.then((error) => {
  line('info', 'closed', { text: String(error) });
  process.exit(0);
});
process.stdin.resume().on('end', () => void agent.close());
console.log('ready');

async function* tell(turn) {
  const { prompt, turnId, sessionId, signal } = turn;
  const its = { turn: turnId, prompt };
  said.set(turnId, { prompt, lengths: [0] });
  line('invoke', 'turn', { ...its, session: sessionId });
  try {
    for (let n = 0; n < WORDS; n += 1) {
      if (n === WORDS / 4) await callClock(turn, its);
      if (n === WORDS / 2) await askPerson(turn, its);
      signal.throwIfAborted();
      const text = `${prompt}.${n}·é漢🙂 `;
      line('info', 'emit', { ...its, text });
      yield text;
      await delay(pauseMs);
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
    // A host that is away for long is not asked without end.
    await delay(Math.min(20 * attempt, 500));
  }
}

/** What the client keeps and forgets shows in its frames alone. */
function watchFrames() {
  const { send, emit } = WebSocket.prototype;
  WebSocket.prototype.send = function (...given) {
    if (typeof given[0] === 'string') sent(given[0]);
    return send.apply(this, given);
  };
  WebSocket.prototype.emit = function (name, ...given) {
    if (name === 'message' && given[1] === false) heard(String(given[0]));
    return emit.call(this, name, ...given);
  };
}

function sent(text) {
  if (!text.includes('"agent.chat.event"')) return;
  const { turn_id: turn, aseq, kind, delta } = JSON.parse(text).params ?? {};
  const lengths = said.get(turn)?.lengths;
  // Whatever is sent again has its number already.
  if (!lengths || lengths.length !== aseq) return;
  lengths.push(lengths[aseq - 1] + (kind === 'token' ? delta.length : 0));
}

function heard(text) {
  if (!text.includes('"acks"') && !text.includes('"released"')) return;
  const { params, result } = JSON.parse(text);
  for (const [turn, , aseq] of params?.acks ?? []) released(turn, aseq);
  for (const { turn_id: turn, status, released: aseq } of result?.turns ?? [])
    if (status === 'resumed') released(turn, aseq);
}

/** The broker has it: nobody else has from now on. */
function released(turn, aseq) {
  const its = said.get(turn);
  const length = its?.lengths[aseq];
  if (length) line('info', 'released', { turn, prompt: its.prompt, length });
}
