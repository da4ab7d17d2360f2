import { setTimeout as delay } from 'node:timers/promises';
import { ConnectionLostError, connectHost, SwitchboardError } from 'switchboard/client';
import { openLines } from './write-lines.js';

/*
 * A host in a process of its own, with a tool and chats that come back by themselves. It goes on with the chats that it is given, has one
 * after the other until its stdin ends, and writes down what it does. `op` is what an event is called: the reader of a copied journal
 * calls it otherwise, and has no chats of its own. `watches`: it hears what all hosts are told, tells something itself, and has
 * chats in sessions that other hosts want, too.
 */

const {
  url,
  token,
  path,
  who,
  agents,
  chats,
  unread,
  op = 'event',
  watches = false,
} = JSON.parse(process.argv[2] ?? '');
const line = openLines(path, who);
const LAST = new Set(['done', 'error', 'auth_required']);
const SESSIONS = ['shared-1', 'shared-2'];
/** The approvals that have been settled, and the chats that are over: there is nothing more to decide. */
const settled = new Set();
let connection = 0;

const host = await connectHost({
  url,
  token,
  reconnect: { minMs: 5, maxMs: 60 },
  // Whoever it comes to may be stopped.
  waitForBroker: true,
  connectTimeoutMs: 2_000,
  onStatus: ({ status }) => {
    if (status === 'ready') connection += 1;
  },
  onFrame: watches ? hear : undefined,
});
await insist(() =>
  host.tool('clock', {}, async (_args, { actionId }) => {
    line('invoke', 'run', { action: actionId });
    await delay(10);
    line('ok', 'run', { action: actionId });
    return 'noon';
  }),
);
let isOver = chats === 0;
process.stdin.resume().on('end', () => {
  isOver = true;
});
console.log('ready');
if (watches) void watch();
await Promise.all([
  ...unread.map(({ prompt, handle }) =>
    read(host.resume(handle, { role: op === 'event' ? 'controller' : 'observer' }), prompt),
  ),
  ...Array.from({ length: chats }, async (_, c) => {
    for (let n = 0; !isOver; n += 1) {
      const prompt = `${who}:${c}:${n}`;
      const agent = agents[(c + n) % agents.length];
      line('invoke', 'chat', { prompt, agent });
      const isWhole = await read(host.chat(agent, prompt, { resumable: true }), prompt);
      // Nobody is there: it is not tried without a pause.
      if (!isWhole) await delay(20);
    }
  }),
  ...(watches ? [tellAll(), wantSessions()] : []),
]);
await host.close();
process.exit(0);

async function read(chat, prompt) {
  void chat.ack.then(
    ({ turn_id: turn }) => line('ok', 'chat', { prompt, turn, handle: chat.handle }),
    () => {},
  );
  try {
    for await (const event of chat) {
      const { seq, seq_from: from, kind, delta: text, code, approval_id: approval, resolution } = event;
      const { recovered: isRecovered } = event;
      line('info', op, { prompt, seq, from, kind, text, code, approval, resolution, isRecovered });
      if (kind === 'approval_resolved') settled.add(approval);
      if (LAST.has(kind)) settled.add(prompt);
      if (kind === 'approval_pending' && op === 'event') void decide(chat, prompt, approval);
    }
    return true;
  } catch (error) {
    settled.add(prompt);
    const isRetryable = error instanceof SwitchboardError && error.retryable;
    line('fail', op === 'event' ? 'chat' : op, {
      prompt,
      isRetryable,
      code: String(error.code ?? error.name),
      text: String(error),
    });
    return false;
  }
}

/** Says yes, then no, then yes …: its agent may be away, or the answer be lost; whichever counts, one does. */
async function decide(chat, prompt, approval) {
  for (let n = 0; !settled.has(approval) && !settled.has(prompt); n += 1) {
    const resolution = n % 2 === 0 ? 'approve' : 'deny';
    line('invoke', 'decide', { prompt, approval, resolution });
    try {
      const isTaken = await chat.approve(approval, n % 2 === 0);
      line(isTaken ? 'ok' : 'fail', 'decide', { prompt, approval, resolution });
      if (isTaken) return;
    } catch (error) {
      line('fail', 'decide', { prompt, approval, resolution, text: String(error) });
    }
    await delay(15);
  }
}

/** What a lost connection has cut short is asked for again. */
async function insist(ask) {
  for (;;) {
    try {
      return await ask();
    } catch (error) {
      if (!(error instanceof ConnectionLostError)) throw error;
      await delay(20);
    }
  }
}

/** Reads what all are told: what of it comes by the wire is written down by `hear`. */
async function watch() {
  for await (const _event of await insist(() => host.subscribe()));
}

/** A subscription's beginning, by its answer, and each event after it. */
function hear({ direction, text }) {
  if (direction !== 'in') return;
  if (text.includes('"event_sequence"')) {
    const { result } = JSON.parse(text);
    if (result?.events_epoch) line('info', 'subscribed', { seq: result.event_sequence, epoch: result.events_epoch });
  } else if (text.startsWith('{"jsonrpc":"2.0","method":"host.event"')) {
    const { sequence: seq, kind, message, payload } = JSON.parse(text).params;
    line('info', 'told', { seq, kind, text: kind === 'note' ? message : payload?.broker });
  }
}

/** Tells all hosts something, numbered by the connection that it goes by. */
async function tellAll() {
  for (let n = 1; !isOver; n += 1) {
    const text = `${who} ${connection} ${n}`;
    line('invoke', 'note', { text });
    await host.notify({ kind: 'note', message: text }).then(
      () => line('ok', 'note', { text }),
      () => {},
    );
    await delay(200);
  }
}

/** Has chats where another host may have one. */
async function wantSessions() {
  for (let n = 0; !isOver; n += 1) {
    const session = SESSIONS[n % SESSIONS.length];
    const prompt = `${who}:${session}:${n}`;
    const agent = agents[n % agents.length];
    line('invoke', 'chat', { prompt, agent, session });
    await read(host.chat(agent, prompt, { resumable: true, sessionId: session }), prompt);
    await delay(100);
  }
}
