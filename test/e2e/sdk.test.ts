import { setTimeout as delay } from 'node:timers/promises';
import {
  type Agent,
  type AgentOptions,
  type ChatEvent,
  connectAgent,
  connectHost,
  type Host,
  type OnChat,
  RejectChat,
} from 'switchboard/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { own } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';

let daemon: Daemon;
let host: Host;
let manager: Host;
beforeAll(async () => {
  daemon = await startDaemon();
  host = await connect();
  manager = await connect({ hostToken: daemon.tokens.host });
});

async function connect(options: object = {}): Promise<Host> {
  const connected = await connectHost({ url: daemon.url, token: daemon.tokens.daemon, env: {}, ...options });
  own(() => connected.close());
  return connected;
}

let count = 0;
/** An attached agent of its own. */
async function serve(onChat: OnChat, options: Partial<AgentOptions> = {}): Promise<Agent> {
  const agentId = options.agentId ?? `agent-${++count}`;
  const token = await daemon.register(agentId);
  const agent = await connectAgent({ url: daemon.url, agentId, token, onChat, ...options });
  own(() => agent.close());
  return agent;
}

async function read(events: AsyncIterable<ChatEvent>): Promise<ChatEvent[]> {
  const all: ChatEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

/** A promise that a test keeps by hand. */
function promised<T = void>() {
  let keep: (value: T) => void = () => {};
  const promise = new Promise<T>((resolve) => {
    keep = resolve;
  });
  return { promise, keep };
}

/** An agent that says one word and then waits to be cancelled; tells with which reason it was. */
async function waiter() {
  const cancelled = promised<unknown>();
  const agent = await serve(async function* ({ signal }) {
    yield 'word';
    await new Promise((resolve) => signal.addEventListener('abort', resolve));
    cancelled.keep(signal.reason);
  });
  return { agent, cancelled: cancelled.promise };
}

describe('an agent written with the SDK', () => {
  const answers: [what: string, onChat: OnChat, events: object[]][] = [
    [
      'an async generator',
      async function* ({ prompt }) {
        yield 'You said ';
        yield { kind: 'model_served', model: 'm' };
        yield prompt;
      },
      [
        { kind: 'token', delta: 'You said ' },
        { kind: 'model_served', model: 'm' },
        { kind: 'token', delta: 'hi' },
        { kind: 'done', finish_reason: 'stop' },
      ],
    ],
    [
      'a generator that ends itself',
      function* () {
        yield { kind: 'done', finish_reason: 'length', text: 'all' };
        yield 'never';
      },
      [{ kind: 'done', finish_reason: 'length', text: 'all' }],
    ],
    [
      'an async function that returns the answer',
      async () => 'whole',
      [
        { kind: 'token', delta: 'whole' },
        { kind: 'done', finish_reason: 'stop' },
      ],
    ],
    [
      'an async function that streams',
      async (turn) => {
        turn.token('a');
        turn.token('b');
      },
      [
        { kind: 'token', delta: 'a' },
        { kind: 'token', delta: 'b' },
        { kind: 'done', finish_reason: 'stop' },
      ],
    ],
    [
      'one that throws half-way',
      // biome-ignore lint/correctness/useYield: it yields before, by token()
      async function* (turn) {
        turn.token('so far');
        throw new Error('out of paper');
      },
      [
        { kind: 'token', delta: 'so far' },
        { kind: 'error', error: 'out of paper' },
      ],
    ],
  ];
  it.each(answers)('answers as %s', async (_, onChat, events) => {
    const agent = await serve(onChat);
    const all = await read(host.chat(agent.agentId, 'hi'));
    expect(all).toMatchObject(events.map((event, index) => ({ ...event, seq: index + 1, agent_id: agent.agentId })));
    expect(all).toHaveLength(events.length);
  });

  it('refuses by accept, and the host reads why', async () => {
    const agent = await serve(async () => 'never', {
      accept: ({ prompt }) => {
        if (prompt === 'rude') throw new RejectChat('not like this', { code: 7, data: { tip: 'please' } });
      },
    });
    const refused = host.chat(agent.agentId, 'rude');
    const error = { code: 7, message: 'not like this', data: { tip: 'please' } };
    await expect(refused.ack).rejects.toMatchObject({ name: 'RpcError', code: -32012, data: { agent_error: error } });
    await expect(refused.text()).rejects.toMatchObject({ code: -32012 });
    expect(await host.chat(agent.agentId, 'kind').text()).toBe('never');
  });

  it('may chat with another agent while it answers', async () => {
    const inner = await serve(async ({ prompt }) => prompt.toUpperCase());
    const outer: Agent = await serve(async ({ prompt }) => `${await outer.chat(inner.agentId, prompt).text()}!`);
    expect(await host.chat(outer.agentId, 'hey').text()).toBe('HEY!');
  });

  it('is over for good when it is replaced, and the newer one serves', async () => {
    const old = await serve(async () => 'old');
    const fresh = await serve(async () => 'new', { agentId: old.agentId });
    expect(await old.closed).toMatchObject({ name: 'ConnectionLostError', closeCode: 4409, retryable: false });
    expect(old.status).toBe('closed');
    expect(await host.chat(fresh.agentId, 'who?').text()).toBe('new');
  });

  it('is over for good when it is removed', async () => {
    const agent = await serve(async () => 'x');
    expect(await manager.agents.remove(agent.agentId)).toEqual({ removed: true });
    expect(await agent.closed).toMatchObject({ closeCode: 4403, retryable: false });
    await expect(host.chat(agent.agentId, 'x').ack).rejects.toMatchObject({ codeName: 'AgentNotAttached' });
  });

  it('is refused with a token that was rotated away', async () => {
    const { token } = await manager.agents.upsert({ id: 'turning' });
    const { token: next } = await manager.agents.upsert({ id: 'turning', rotateToken: true });
    const options = { url: daemon.url, agentId: 'turning', onChat: async () => 'in' };
    await expect(connectAgent({ ...options, token })).rejects.toMatchObject({ name: 'AuthError', code: -32603 });
    const agent = await connectAgent({ ...options, token: next });
    own(() => agent.close());
    expect(await host.chat('turning', 'x').text()).toBe('in');
  });
});

describe('a host written with the SDK', () => {
  it('has the ack, the events and the text of a chat', async () => {
    const agent = await serve(async ({ prompt, context }) => `${prompt} in ${context.city}`);
    const chat = host.chat(agent.agentId, 'rain', { context: { city: 'Ghent' }, sessionId: 'mine' });
    expect(await chat.ack).toEqual({ accepted: true, session_id: 'mine', turn_id: expect.any(String) });
    expect(await chat.text()).toBe('rain in Ghent');
    await chat.cancel();
  });

  it('cancels, and still reads the terminal', async () => {
    const { agent, cancelled } = await waiter();
    const chat = host.chat(agent.agentId, 'x');
    const events: ChatEvent[] = [];
    for await (const event of chat) {
      events.push(event);
      if (event.kind === 'token') await chat.cancel();
    }
    expect(events).toMatchObject([{ kind: 'token' }, { kind: 'done', finish_reason: 'cancelled', synthesized: true }]);
    expect(await cancelled).toMatchObject({ name: 'TurnCancelled', reason: 'host_cancelled' });
    await expect(host.chat(agent.agentId, 'y', { signal: AbortSignal.abort() }).text()).rejects.toThrow();
  });

  it('gives grace, which the agent ends itself in', async () => {
    const { agent } = await waiter();
    const chat = host.chat(agent.agentId, 'x');
    const events: ChatEvent[] = [];
    for await (const event of chat) {
      events.push(event);
      if (event.kind === 'token') await chat.cancel({ graceMs: 30_000 });
    }
    expect(events.at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
    expect(events.at(-1)).not.toHaveProperty('synthesized');
  });

  it('cancels by a signal, and by leaving the loop', async () => {
    const first = await waiter();
    const controller = new AbortController();
    const text = host.chat(first.agent.agentId, 'x', { signal: controller.signal }).text();
    controller.abort();
    await expect(text).rejects.toMatchObject({ name: 'TurnError', event: { finish_reason: 'cancelled' } });

    const second = await waiter();
    for await (const event of host.chat(second.agent.agentId, 'x')) if (event.kind === 'token') break;
    expect(await second.cancelled).toMatchObject({ reason: 'host_cancelled' });
  });

  it('that closes has its turns ended, and its loops with them', async () => {
    const { agent, cancelled } = await waiter();
    const leaving = await connect();
    const reading = (async () => {
      for await (const event of leaving.chat(agent.agentId, 'x')) if (event.kind === 'token') void leaving.close();
    })();
    await reading;
    expect(await cancelled).toMatchObject({ reason: 'host_disconnected' });
  });

  it('shares an agent with another, and each reads its own chat alone', async () => {
    const agent = await serve(async function* ({ prompt }) {
      for (let i = 0; i < 50; i++) {
        yield `${prompt}${i} `;
        if (i % 10 === 0) await delay(1);
      }
    });
    const other = await connect();
    const said = (name: string) => Array.from({ length: 50 }, (_, i) => `${name}${i} `).join('');
    const texts = await Promise.all([host.chat(agent.agentId, 'a').text(), other.chat(agent.agentId, 'b').text()]);
    expect(texts).toEqual([said('a'), said('b')]);
  });

  it('runs fifty chats at once, each whole and in order', async () => {
    const running = { now: 0, most: 0 };
    const all = promised();
    const agent = await serve(async function* ({ prompt }) {
      running.most = Math.max(running.most, ++running.now);
      if (running.now === 50) all.keep();
      await all.promise;
      for (let i = 0; i < 20; i++) {
        yield `${prompt}:${i} `;
        await delay(0);
      }
      running.now--;
    });
    const chats = Array.from({ length: 50 }, (_, i) => host.chat(agent.agentId, `c${i}`));
    const texts = await Promise.all(chats.map((chat) => chat.text()));
    expect(texts).toEqual(chats.map((_, i) => Array.from({ length: 20 }, (_, j) => `c${i}:${j} `).join('')));
    expect(running).toEqual({ now: 0, most: 50 });
    expect(await host.sessions()).toEqual([]);
  });

  it('queues behind its own turn, or replaces it', async () => {
    const { agent, cancelled } = await waiter();
    const session_id = 'one-at-a-time';
    const first = host.chat(agent.agentId, 'first', { sessionId: session_id });
    await first.ack;
    await expect(host.chat(agent.agentId, 'no', { sessionId: session_id }).ack).rejects.toMatchObject({
      codeName: 'SessionBusy',
    });
    const queued = host.chat(agent.agentId, 'queued', { sessionId: session_id, onBusy: 'queue' });
    const replacing = host.chat(agent.agentId, 'replacing', { sessionId: session_id, onBusy: 'replace' });
    expect((await read(first)).at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
    expect(await cancelled).toMatchObject({ reason: 'replaced' });
    await replacing.ack;
    expect(await host.sessions()).toMatchObject([{ session_id, turn_id: (await replacing.ack).turn_id }]);
    await replacing.cancel();
    expect((await queued.ack).session_id).toBe(session_id);
    await queued.cancel();
    expect((await read(queued)).at(-1)).toMatchObject({ kind: 'done', finish_reason: 'cancelled' });
  });

  it('is refused with a wrong token, and where nobody listens', async () => {
    await expect(connect({ token: 'wrong' })).rejects.toMatchObject({ name: 'AuthError', code: -32603 });
    await expect(connect({ url: 'ws://127.0.0.1:1' })).rejects.toMatchObject({ name: 'ConnectionError' });
    await expect(host.agents.upsert({ id: 'x' })).rejects.toMatchObject({ codeName: 'MethodNotFound' });
  });
});
