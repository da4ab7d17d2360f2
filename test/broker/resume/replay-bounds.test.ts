import { once } from 'node:events';
import { expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { type BrokerOptions, createBroker } from '../../../broker.ts';
import { DEFAULT_LIMITS } from '../../../protocol/limits.ts';
import { StubbornLink, startInternals } from '../../support/internals.ts';
import { type Message, openChat, settle } from '../../support/linked.ts';
import { startResumable } from '../../support/resume-scene.ts';

/* A few bytes of a request ask for megabytes of replay: what that may cost the broker, and everybody else (section 8). */

const KIB = 'x'.repeat(1024);

/** A turn in session `s` with so many events of `event`, and a client whose link claims whatever the test says. */
async function behind(events: number, event: (n: number) => object, limits = {}) {
  const internals = startInternals({ limits });
  const host = await internals.host();
  const agent = await internals.agent('echo');
  await openChat(host, agent, { agent_id: 'echo', session_id: 's', resume_window_ms: 60_000 });
  for (let n = 0; n < events; n += 1) agent.emit('s', event(n));
  await settle();
  const link = new StubbornLink();
  const allowed: number[] = [];
  Object.assign(link, { allow: (bytes: number) => allowed.push(bytes) });
  internals.open(link);
  link.deliver({ id: 0, method: 'session.auth', params: { host_token: internals.tokens.host } });
  let ids = 0;
  const ask = (params: object = {}, method = 'agents.chat.subscribe'): Message => {
    ids += 1;
    link.deliver({
      id: ids,
      method,
      params: { ...(method.startsWith('agents') ? { session_id: 's' } : {}), ...params },
    });
    return link.sent.map((text) => JSON.parse(text)).find(({ id }) => id === ids);
  };
  return { internals, host, agent, link, allowed, ask };
}

const mood = () => ({ kind: 'mood', text: KIB });

test('agents.chat.subscribe › when too much waits for its connection already › then -32020 that says when, and nothing changes', async () => {
  const { internals, host, agent, link, ask } = await behind(3, mood);
  link.waitingBytes = DEFAULT_LIMITS.hardLimitBytes + 1;
  const before = link.sent.length;
  const { error } = ask();
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'hard_limit_bytes' }, retry_after_ms: 1_000 } });
  expect(ask({ role: 'observer' }).error.code).toBe(-32020);
  agent.emit('s', { kind: 'token', delta: 'y' });
  await settle();
  expect(link.sent).toHaveLength(before + 2);
  expect(host.events('s')).toHaveLength(4);
  expect(internals.turn('s').observers.size).toBe(0);
  link.waitingBytes = DEFAULT_LIMITS.hardLimitBytes;
  expect(ask()).toHaveProperty('result');
});

test('agents.chat.subscribe › when the replay does not fit beside what waits › then -32020, and with nothing waiting it comes, however large', async () => {
  const cut = { cutBytes: 40_000, hardLimitBytes: 20_000, softLimitBytes: 10_000 };
  const { link, allowed, ask } = await behind(50, mood, cut);
  link.waitingBytes = 10_001;
  const { error } = ask();
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'cut_bytes', value: 40_000 } } });
  expect(error.data.retry_after_ms).toBe(1_000);
  expect(allowed).toEqual([]);
  // A part of it does fit.
  expect(ask({ after: 40 }).result).toMatchObject({ recovered: true });
  expect(allowed).toEqual([]);
  // What is small is no great thing in itself, or nobody with a live stream could ever have it.
  link.waitingBytes = 10_000;
  const before = link.sent.length;
  expect(ask({ after: 0 }).result).toMatchObject({ recovered: true, head: 50 });
  const bytes = link.sent.slice(before).reduce((sum, text) => sum + Buffer.byteLength(text), 0);
  expect(bytes).toBeGreaterThan(40_000);
  expect(allowed[0]).toBeGreaterThanOrEqual(bytes);
});

test('agents.chat.subscribe › when only the text is left, and takes six times its length as JSON › then that is what counts', async () => {
  const limits = { cutBytes: 40_000, hardLimitBytes: 20_000, softLimitBytes: 10_000, maxLogBytes: 1_000 };
  const { link, allowed, ask } = await behind(100, () => ({ kind: 'token', delta: '\0'.repeat(100) }), limits);
  link.waitingBytes = 10_001;
  expect(ask().error.data.limit.name).toBe('cut_bytes');
  link.waitingBytes = 0;
  expect(ask().result.text).toHaveLength(10_000);
  expect(allowed[0]).toBeGreaterThan(60_000);
});

test('agents.chat.subscribe › when long replays are asked for again and again › then each costs of the rate, and a stranger is answered', async () => {
  const scene = await startResumable({ limits: { requestBurst: 100, requestsPerSecond: 100 } });
  for (let n = 0; n < 600; n += 1) scene.agent.emit('s', { kind: 'mood', n });
  await settle();
  const greedy = await scene.linked.host();
  const stranger = await scene.linked.host();
  const claim = { ...scene.claim(), role: 'observer' };
  const ids = [1, 2].map(() => greedy.post('agents.chat.subscribe', claim));
  const other = stranger.post('tools.list');
  await settle();
  const [first, second] = ids.map((id) => greedy.replyTo(id));
  expect(first.result).toMatchObject({ head: 600, recovered: true });
  expect(second.error).toMatchObject({ code: -32020, data: { limit: { name: 'requests_per_second' } } });
  expect(stranger.replyTo(other)).toHaveProperty('result');
  expect(greedy.events('s')).toHaveLength(600);
  // It was refused before it cost anything, and at the time that it was told there is enough.
  await scene.linked.advance(second.error.data.retry_after_ms);
  expect(await greedy.call('agents.chat.subscribe', claim)).toHaveProperty('result');
  expect(greedy.closed).toBeUndefined();
});

test('agents.chat.subscribe › when thousands of plain tokens are replayed › then they come merged, and cost what a few events do', async () => {
  const scene = await startResumable();
  const letters = Array.from({ length: 5_000 }, (_, n) => String.fromCharCode(97 + (n % 26)));
  await scene.say(...letters);
  await scene.emit({ kind: 'mood' });
  await scene.say(...letters);
  const { client, result } = await scene.resume();
  expect(result).toMatchObject({ head: 10_001, recovered: true });
  expect(client.events('s').map(({ kind, seq_from, seq }) => [kind, seq_from ?? seq, seq])).toEqual([
    ['token', 1, 5_000],
    ['mood', 5_001, 5_001],
    ['token', 5_002, 10_001],
  ]);
  expect(client.events('s')[0].delta).toBe(letters.join(''));
});

test('a merged replay › when its deltas are of what JSON writes longest › then no frame has more than 64 KiB of them', async () => {
  const scene = await startResumable();
  const deltas = Array<string>(600).fill('\u0001'.repeat(100));
  await scene.say(...deltas, 'x'.repeat(100_000), 'y');
  const { client } = await scene.resume();
  const events = client.events('s');
  const alone = events.filter(({ delta }) => delta.startsWith('x'));
  expect(alone).toMatchObject([{ seq: 601, delta: 'x'.repeat(100_000) }]);
  for (const { delta } of events) {
    if (!delta.startsWith('x')) expect(JSON.stringify(delta).length).toBeLessThanOrEqual(64 * 1024 + 2);
  }
  expect(events.map(({ delta }) => delta).join('')).toBe(`${deltas.join('')}${'x'.repeat(100_000)}y`);
});

test.each(['host.approvals', 'host.events', 'agents.list', 'a2ui.surfaces'])(
  '%s › when more than the hard limit waits for its connection › then -32020, and what is short is answered',
  async (method) => {
    const { link, ask } = await behind(0, mood);
    link.waitingBytes = DEFAULT_LIMITS.hardLimitBytes + 1;
    expect(ask({}, method).error).toMatchObject({ code: -32020, data: { limit: { name: 'hard_limit_bytes' } } });
    expect(ask({}, 'tools.list')).toHaveProperty('result');
    link.waitingBytes = 0;
    expect(ask({}, method)).toHaveProperty('result');
  },
);

/** A turn in session `s` over real sockets, and how somebody else connects and asks for its replay. */
async function overSockets(options: BrokerOptions = {}) {
  const broker = createBroker(options);
  onTestFinished(() => broker.close());
  const { url = '' } = await broker.listen({ port: 0 });
  const connect = async (auth: object) => {
    const socket = new WebSocket(url, { perMessageDeflate: false });
    onTestFinished(() => socket.terminate());
    const frames: Message[] = [];
    const looking: (() => void)[] = [];
    const look = () => {
      for (const each of looking.splice(0)) each();
    };
    socket.on('message', (data) => {
      frames.push(JSON.parse(String(data)));
      look();
    });
    socket.on('close', look);
    await once(socket, 'open');
    const send = (message: object) => socket.send(JSON.stringify({ jsonrpc: '2.0', ...message }));
    /** The first frame that is looked for. */
    const until = async (is: (frame: Message) => boolean): Promise<Message> => {
      for (;;) {
        const found = frames.find(is);
        if (found) return found;
        if (socket.readyState === WebSocket.CLOSED) throw new Error('closed');
        await new Promise<void>((resolve) => looking.push(resolve));
      }
    };
    send({ id: 'auth', method: 'session.auth', params: auth });
    await until(({ id }) => id === 'auth');
    return { socket, frames, send, until };
  };
  const { token } = broker.upsertAgent({ id: 'echo', rotate_token: true });
  const agent = await connect({ token, agent_id: 'echo' });
  const host = await connect({ token: broker.tokens.daemon });
  const chat = { agent_id: 'echo', prompt: 'hi', session_id: 's', resume_window_ms: 60_000 };
  host.send({ id: 1, method: 'agents.chat', params: chat });
  const { id } = await agent.until(({ method }) => method === 'agent.chat');
  agent.send({ id, result: { accepted: true } });
  const { result } = await host.until(({ id }) => id === 1);
  return {
    host,
    /** The agent says so many KiB, which are not merged, and the host reads them. */
    async say(kib: number, seq: number): Promise<void> {
      agent.send({ method: 'agent.chat.event', params: { session_id: 's', kind: 'mood', text: KIB.repeat(kib) } });
      await host.until(({ params }) => params?.seq === seq);
    },
    stranger: () => connect({ token: broker.tokens.daemon }),
    params: { session_id: 's', resume_token: result.resume_token, role: 'observer' },
  };
}

test('a real socket › when 40 whole replays are asked for in one write › then it is not overrun, and a few are carried out', async () => {
  const { host, say, stranger, params } = await overSockets();
  for (let seq = 1; seq <= 48; seq += 1) await say(64, seq);
  const greedy = await stranger();
  const tcp = (greedy.socket as unknown as { _socket: { cork(): void; uncork(): void } })._socket;
  tcp.cork();
  for (let n = 1; n <= 40; n += 1) greedy.send({ id: n, method: 'agents.chat.subscribe', params });
  // As long as the requests are carried out it reads nothing: how much is written meanwhile does not depend on the machine.
  greedy.socket.pause();
  tcp.uncork();
  host.send({ id: 2, method: 'tools.list' });
  await host.until(({ id }) => id === 2);
  greedy.socket.resume();
  await greedy.until(({ id }) => id === 40);
  const replies = greedy.frames.filter((frame) => typeof frame.id === 'number');
  // The last answer is a refusal, which is there before the replays of those that were carried out.
  const whole = () => greedy.frames.filter(({ params }) => params?.seq === 48).length;
  await expect.poll(whole).toBe(replies.filter(({ result }) => result).length);
  const refused = replies.filter(({ error }) => error?.code === -32020);
  expect(replies).toHaveLength(40);
  // Three are more than the 8 MiB that may wait; one or two more where some of it was written meanwhile.
  expect(refused.length).toBeGreaterThan(30);
  expect(refused[0].error.data).toMatchObject({ limit: { name: 'hard_limit_bytes' }, retry_after_ms: 1_000 });
  expect(whole()).toBe(40 - refused.length);
});

test('a real socket › when a replay is more than may wait for it › then it comes whole', async () => {
  const limits = { softLimitBytes: 128 * 1024, hardLimitBytes: 256 * 1024, cutBytes: 512 * 1024 };
  const { say, stranger, params } = await overSockets({ limits });
  for (let seq = 1; seq <= 48; seq += 1) await say(64, seq);
  const reader = await stranger();
  reader.send({ id: 1, method: 'agents.chat.subscribe', params });
  await reader.until(({ params }) => params?.seq === 48);
  expect(reader.frames.flatMap(({ params }) => params?.seq ?? [])).toEqual(Array.from({ length: 48 }, (_, n) => n + 1));
});
