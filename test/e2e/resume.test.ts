import { expect, test, vi } from 'vitest';
import { keepPace, startEmbedded } from './slow-support.ts';
import { openChat, settle } from './support/chat.ts';
import { startDaemon } from './support/daemon.ts';
import type { Message, WireClient } from './support/wire-client.ts';

/* Turns that outlive their host's connection, over real sockets (wire.md section 8). */

// Much is moved, and not all machines are quick.
vi.setConfig({ testTimeout: 60_000 });

const DELTAS = 20_000;
const delta = (n: number) => `${n} ${'lorem ipsum dolor sit amet '.repeat(3)}`;
const text = Array.from({ length: DELTAS }, (_, n) => delta(n)).join('');
const WINDOW = { resume_window_ms: 60_000 };

/** Reads a turn from `after` on, until its end, and sees to it that there is no gap. */
async function subscribe(
  client: WireClient,
  params: Message,
): Promise<{ reply: Message; events: Message[]; over: Promise<void> }> {
  const events: Message[] = [];
  let last = params.after ?? 0;
  let settle: (reply: Message) => void = () => {};
  const replied = new Promise<Message>((resolve) => {
    settle = resolve;
  });
  const over = new Promise<void>((resolve, reject) => {
    client.socket.on('message', (data) => {
      client.frames.length = 0;
      const { result, params: event } = JSON.parse(data.toString());
      if (result?.head !== undefined) {
        // What stands in the text is known with it.
        if (!result.recovered) last = result.head;
        settle(result);
      }
      if (event?.seq === undefined) return;
      if ((event.seq_from ?? event.seq) !== last + 1) reject(new Error(`a gap between ${last} and ${event.seq}`));
      last = event.seq;
      events.push(event);
      if (event.kind !== 'token') resolve();
    });
    client.socket.once('close', (code) => reject(new Error(`closed with ${code}`)));
  });
  over.catch(() => {});
  client.post('agents.chat.subscribe', params);
  return { reply: await replied, events, over };
}

test('a host whose connection is cut › when it comes back on another › then it has the whole text once, replayed in few frames', async () => {
  const daemon = await startDaemon({ flags: ['--log-level', 'trace'] });
  const agent = await daemon.agent('talker');
  const host = await daemon.host();
  const chatId = host.post('agents.chat', { agent_id: 'talker', prompt: 'hi', session_id: 's', ...WINDOW });
  agent.answer(await agent.chatRequest('s'), { accepted: true });
  const { resume_token, turn_id } = (await host.replyTo(chatId)).result;
  for (let n = 0; n < 100; n += 1) agent.emit('s', { kind: 'token', delta: delta(n) });
  const known = await host.event(turn_id, ({ seq }) => seq === 100);
  host.socket.terminate();
  for (let n = 100; n < DELTAS; n += 1) {
    agent.emit('s', { kind: 'token', delta: delta(n) });
    if (n % 100 === 0) await keepPace(agent);
  }
  await settle(agent);
  const back = await daemon.host();
  const { reply, events, over } = await subscribe(back, { session_id: 's', after: known.seq, resume_token });
  expect(reply).toMatchObject({ turn_id, status: 'streaming', head: DELTAS, recovered: true });
  agent.emit('s', { kind: 'done', finish_reason: 'stop' });
  await over;
  const mine = Array.from({ length: 100 }, (_, n) => delta(n)).join('');
  expect(
    mine +
      events
        .slice(0, -1)
        .map((event) => event.delta)
        .join('') ===
      text,
  ).toBe(true);
  // A long replay is merged, however little waits.
  expect(events.length).toBeLessThan((DELTAS - 100) / 10);
  expect(agent.cancels(turn_id)).toEqual([]);
  expect(daemon.program.lines.join('\n')).not.toContain(resume_token);
});

test('a host that never reads › when it is cut off with 4413 › then its turn waits for it, and it gets all of the text', async () => {
  const broker = await startEmbedded({
    ...{ softLimitBytes: 64_000, hardLimitBytes: 256_000, hardLimitMs: 500 },
    // However much the kernels take before anything waits: it is kept, and fits into the answer.
    ...{ maxLogTextBytes: 256 * 1024 * 1024, maxMessageBytes: 256 * 1024 * 1024 },
  });
  const agent = await broker.agent('talker');
  const [stuck, manager] = [await broker.host(), await broker.manager()];
  const chat = await openChat(stuck, agent, { agent_id: 'talker', ...WINDOW });
  stuck.socket.pause();
  const isDetached = async () => (await manager.ok('agents.chat.sessions')).sessions[0].status === 'detached';
  const piece = 'x'.repeat(2_000);
  let sent = 0;
  // Far beyond the limits and whatever two kernels keep: this fails rather than run for ever.
  for (; sent % 500 !== 0 || !(await isDetached()); sent += 1) {
    if (sent > 100_000) expect.unreachable('it was never cut off');
    chat.emit({ kind: 'token', delta: piece });
    await keepPace(agent);
  }
  await settle(agent);
  stuck.socket.resume();
  expect((await stuck.closed).code).toBe(4413);
  const { reply, events, over } = await subscribe(manager, { session_id: chat.sessionId });
  chat.emit({ kind: 'token', delta: 'end' });
  chat.emit({ kind: 'done', finish_reason: 'stop' });
  await over;
  const whole =
    (reply.text ?? '') +
    events
      .slice(0, -1)
      .map((event) => event.delta)
      .join('');
  expect(whole === `${piece.repeat(sent)}end`).toBe(true);
  expect(agent.cancels(chat.turnId)).toEqual([]);
});

test('a daemon with --resume-window › when a host wants more and does not come back › then the flag’s time holds', async () => {
  const daemon = await startDaemon({ flags: ['--resume-window', '50'] });
  const agent = await daemon.agent('talker');
  const host = await daemon.host();
  const { limits } = await host.ok('server.handshake', { protocol_version: 3 });
  expect(limits.resume_window_ms).toBe(50);
  const chat = await openChat(host, agent, { agent_id: 'talker', ...WINDOW });
  host.socket.terminate();
  await agent.when(() => agent.cancels(chat.turnId)[0]);
  expect(agent.cancels(chat.turnId)).toEqual(['host_disconnected']);
  const manager = await daemon.manager();
  const { result } = await manager.call('agents.chat.subscribe', { session_id: chat.sessionId });
  expect(result).toMatchObject({ status: 'abandoned', head: 1, recovered: true });
  await manager.event(chat.turnId, ({ kind, finish_reason }) => kind === 'done' && finish_reason === 'cancelled');
});

test('a daemon with --resume-window 0 › when a host goes › then its turn goes with it, whatever it wished', async () => {
  const daemon = await startDaemon({ flags: ['--resume-window', '0'] });
  const agent = await daemon.agent('talker');
  const host = await daemon.host();
  const chat = await openChat(host, agent, { agent_id: 'talker', ...WINDOW });
  const manager = await daemon.manager();
  const { error } = await manager.call('agents.chat.subscribe', { session_id: chat.sessionId });
  expect(error.code).toBe(-32014);
  host.socket.terminate();
  await agent.when(() => agent.cancels(chat.turnId)[0]);
  expect(agent.cancels(chat.turnId)).toEqual(['host_disconnected']);
});
