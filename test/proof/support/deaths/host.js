import { setTimeout as delay } from 'node:timers/promises';
import { connectHost, SwitchboardError } from 'switchboard/client';
import { openLines } from './write-lines.js';

/*
 * A host in a process of its own, with a tool and chats that come back by themselves. It goes on with the chats that it is given, has one
 * after the other until its stdin ends, and writes down what it does. `op` is what an event is called: the reader of a copied journal
 * calls it otherwise, and has no chats of its own.
 */

const { url, token, path, who, agents, chats, unread, op = 'event' } = JSON.parse(process.argv[2] ?? '');
const line = openLines(path, who);
const LAST = new Set(['done', 'error', 'auth_required']);
/** The approvals that have been settled, and the chats that are over: there is nothing more to decide. */
const settled = new Set();

const host = await connectHost({ url, token, reconnect: { minMs: 5, maxMs: 60 } });
await host.tool('clock', {}, async (_args, { actionId }) => {
  line('invoke', 'run', { action: actionId });
  await delay(10);
  line('ok', 'run', { action: actionId });
  return 'noon';
});
let isOver = chats === 0;
process.stdin.resume().on('end', () => {
  isOver = true;
});
console.log('ready');
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
