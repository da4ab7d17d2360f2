import { setImmediate as breathe } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type ChatEvent,
  type ChatHandle,
  ConnectionLostError,
  connectAgent,
  connectHost,
  type Host,
  type HostOptions,
  type Interruption,
  type OnChat,
  ResumeError,
} from '../../client/node.ts';
import { CutProxy } from './cut-proxy.ts';
import { deferred, RealBroker, rejection } from './real-broker.ts';
import { speaker } from './speaker.ts';

const soon = { minMs: 1, maxMs: 5 };

/** A broker with an agent, and a host whose wires can be cut. */
async function scene(onChat: OnChat, options: Partial<HostOptions> = {}, limits: object = {}) {
  const real = await RealBroker.start({ limits });
  await real.agent(onChat);
  const proxy = await CutProxy.to(real.url);
  const host = await through(proxy, real, options);
  return { real, proxy, host };
}

async function through(proxy: CutProxy, real: RealBroker, options: Partial<HostOptions> = {}): Promise<Host> {
  const host = await connectHost({ url: proxy.url, token: real.broker.tokens.daemon, env: {}, ...options });
  onTestFinished(() => host.close());
  return host;
}

async function take(events: AsyncIterator<ChatEvent>): Promise<string | undefined> {
  const { value, done } = await events.next();
  if (done) return undefined;
  return value.kind === 'token' ? value.delta : value.kind;
}

function changes() {
  const waiting = deferred();
  const resumed = deferred<Interruption>();
  const onInterruption = (interruption: Interruption) => {
    if (interruption.state === 'waiting') waiting.resolve();
    else resumed.resolve(interruption);
  };
  return { waiting: waiting.promise, resumed: resumed.promise, onInterruption };
}

describe('a resumable chat over a wire that is cut', () => {
  it('goes on where it was: all of it, once, in order', async () => {
    const { onChat, say } = speaker();
    const { proxy, host } = await scene(onChat);
    const { waiting, resumed, onInterruption } = changes();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    const events = chat[Symbol.asyncIterator]();
    say('one ');
    expect(await take(events)).toBe('one ');
    proxy.close();
    await waiting;
    say('two ');
    await proxy.refused();
    proxy.open();
    expect(await resumed).toEqual({ state: 'resumed', recovered: true });
    say('three');
    say();
    expect([await take(events), await take(events), await take(events)]).toEqual(['two ', 'three', 'done']);
  });

  it('many at once, cut again and again, while a flood of words comes › every text is whole', async () => {
    const words = Array.from({ length: 500 }, (_, n) => `${n} `);
    const { proxy, host } = await scene(async function* () {
      for (const [n, word] of words.entries()) {
        yield word;
        if (n % 10 === 0) await breathe();
      }
    });
    const chats = Array.from({ length: 20 }, () => host.chat('echo', 'x', { resumable: true }));
    await Promise.all(chats.map(({ ack }) => ack));
    let over = false;
    const texts = Promise.all(chats.map((chat) => chat.text())).finally(() => {
      over = true;
    });
    while (!over) {
      const back = proxy.connected();
      proxy.cut();
      await Promise.race([back, texts]);
      for (let n = 0; n < 20; n++) await breathe();
    }
    expect(new Set(await texts)).toEqual(new Set([words.join('')]));
  });

  it('keeps its tools: they are there before the turn goes on', async () => {
    const goOn = deferred();
    const { proxy, host } = await scene(async function* ({ tools }) {
      yield 'ready';
      await goOn.promise;
      yield String(await tools.call('add', { a: 1, b: 2 }));
    });
    const parameters = z.object({ a: z.number(), b: z.number() });
    await host.tool('add', { parameters }, ({ a, b }) => a + b);
    const { resumed, onInterruption } = changes();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    const events = chat[Symbol.asyncIterator]();
    expect(await take(events)).toBe('ready');
    proxy.cut();
    await resumed;
    goOn.resolve();
    expect([await take(events), await take(events)]).toEqual(['3', 'done']);
  });

  it('can be cancelled while it waits', async () => {
    const cancelled = deferred<unknown>();
    const { proxy, host } = await scene(async function* ({ signal }) {
      yield 'word';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      cancelled.resolve(signal.reason);
    });
    const { waiting, onInterruption } = changes();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    const events = chat[Symbol.asyncIterator]();
    await take(events);
    proxy.close();
    await waiting;
    const cancelling = chat.cancel();
    proxy.open();
    await cancelling;
    expect(await events.next()).toMatchObject({ value: { kind: 'done', finish_reason: 'cancelled' } });
    expect(await cancelled.promise).toMatchObject({ reason: 'host_cancelled' });
  });

  it('can be approved while it waits', async () => {
    const { proxy, host } = await scene(async function* (turn) {
      const { approved } = await turn.requestApproval({ action: 'x' });
      yield approved ? 'yes' : 'no';
    });
    const { waiting, onInterruption } = changes();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    const seen: string[] = [];
    for await (const event of chat) {
      seen.push(event.kind === 'token' ? event.delta : event.kind);
      if (event.kind !== 'approval_pending') continue;
      proxy.close();
      await waiting;
      const approving = chat.approve(event.approval_id, true);
      proxy.open();
      expect(await approving).toBe(true);
    }
    expect(seen).toEqual(['approval_pending', 'approval_resolved', 'yes', 'done']);
  });

  it('when more was missed than is kept › has all the text, and a mark where it was mended', async () => {
    const goOn = deferred();
    const spoken = deferred();
    const { proxy, host } = await scene(
      async function* () {
        yield 'start ';
        await goOn.promise;
        for (let n = 0; n < 100; n++) yield `${n} `;
        spoken.resolve();
        yield { kind: 'todos' };
        await new Promise(() => {});
      },
      {},
      { maxLogBytes: 2_000 },
    );
    const { waiting, resumed, onInterruption } = changes();
    const chat = host.chat('echo', 'x', { resumable: true, onInterruption });
    const events = chat[Symbol.asyncIterator]();
    await take(events);
    proxy.close();
    await waiting;
    goOn.resolve();
    await spoken.promise;
    proxy.open();
    expect(await resumed).toEqual({ state: 'resumed', recovered: false });
    const { value } = await events.next();
    const rest = Array.from({ length: 100 }, (_, n) => `${n} `).join('');
    expect(value).toMatchObject({ kind: 'token', synthesized: true, recovered: true });
    expect(rest.startsWith(String(value?.delta))).toBe(true);
  });

  it('when it is not back in time › ends in ResumeError, and its agent is told', async () => {
    const cancelled = deferred<unknown>();
    const { proxy, host } = await scene(async function* ({ signal }) {
      yield 'word';
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
      cancelled.resolve(signal.reason);
    });
    const chat = host.chat('echo', 'x', { resumable: true, resumeWindowMs: 50 });
    const events = chat[Symbol.asyncIterator]();
    await take(events);
    proxy.close();
    expect(await rejection(events.next())).toMatchObject({ reason: 'window_over', retryable: true });
    expect(await host.closed).toBeInstanceOf(ConnectionLostError);
    expect(await cancelled.promise).toMatchObject({ reason: 'host_disconnected' });
  });

  it('when another broker is there afterwards › ends in ResumeError, which may be retried', async () => {
    const { onChat, say } = speaker();
    const { real, proxy, host } = await scene(onChat);
    const chat = host.chat('echo', 'x', { resumable: true });
    const events = chat[Symbol.asyncIterator]();
    say('word');
    await take(events);
    proxy.close();
    const { url } = await RealBroker.start({ tokens: real.broker.tokens });
    proxy.open(url);
    const error = await rejection(events.next());
    expect(error).toBeInstanceOf(ResumeError);
    expect(error).toMatchObject({ reason: 'not_found', retryable: true });
  });

  it('of an agent that talks with another goes on, too', async () => {
    const { onChat, say } = speaker();
    const { real, proxy } = await scene(onChat);
    const { token } = real.broker.upsertAgent({ id: 'asker', rotate_token: true });
    const asker = await connectAgent({
      url: proxy.url,
      agentId: 'asker',
      token,
      onChat: async () => '',
      reconnect: soon,
    });
    onTestFinished(() => asker.close());
    const chat = asker.chat('echo', 'x', { resumable: true });
    const events = chat[Symbol.asyncIterator]();
    say('one');
    await take(events);
    proxy.cut();
    say('two');
    say();
    expect([await take(events), await take(events)]).toEqual(['two', 'done']);
  });
});

describe('host.resume', () => {
  it('goes on in another process: the handle is all that it needs', async () => {
    const { onChat, say } = speaker();
    const { real, proxy, host } = await scene(onChat);
    const chat = host.chat('echo', 'x', { resumable: true });
    const events = chat[Symbol.asyncIterator]();
    say('one ');
    say('two ');
    expect(await take(events)).toBe('one ');
    const handle: ChatHandle = JSON.parse(JSON.stringify(chat.handle));
    await host.close();
    say('three');
    say();
    const again = await through(proxy, real);
    const rest = again.resume(handle)[Symbol.asyncIterator]();
    expect([await take(rest), await take(rest), await take(rest)]).toEqual(['two ', 'three', 'done']);
    expect(await again.resume(handle, { fromStart: true }).text()).toBe('one two three');
    expect(await rejection(again.resume(handle).text())).toMatchObject({
      message: expect.stringContaining('fromStart'),
    });
  });

  it('a finished turn gives its end', async () => {
    const { real, proxy, host } = await scene(async () => 'all of it');
    const chat = host.chat('echo', 'x', { resumable: true });
    expect(await chat.text()).toBe('all of it');
    const again = await through(proxy, real);
    const seen: string[] = [];
    for await (const { kind } of again.resume(chat.handle as ChatHandle)) seen.push(kind);
    expect(seen).toEqual(['done']);
    expect(await again.resume(chat.handle as ChatHandle, { fromStart: true }).text()).toBe('all of it');
  });

  it('an observer sees the same, and its leaving ends nothing', async () => {
    const { onChat, say } = speaker();
    const { real, proxy, host } = await scene(onChat);
    const chat = host.chat('echo', 'x', { resumable: true });
    const events = chat[Symbol.asyncIterator]();
    say('one');
    expect(await take(events)).toBe('one');
    const other = await through(proxy, real);
    for await (const event of other.resume(chat.handle as ChatHandle, { role: 'observer', fromStart: true })) {
      expect(event).toMatchObject({ kind: 'token', delta: 'one', seq: 1 });
      break;
    }
    say('two');
    say();
    expect([await take(events), await take(events)]).toEqual(['two', 'done']);
  });

  it('with a wrong token › is refused', async () => {
    const { onChat, say } = speaker();
    const { real, proxy, host } = await scene(onChat);
    const chat = host.chat('echo', 'x', { resumable: true });
    await chat.ack;
    const other = await through(proxy, real);
    const wrong = { ...(chat.handle as ChatHandle), resume_token: 'guessed' };
    expect(await rejection(other.resume(wrong).text())).toMatchObject({ reason: 'refused', cause: { code: -32015 } });
    say();
    expect(await chat.text()).toBe('');
  });
});

describe('a host that reconnects', () => {
  it('has its approvalOutcome and its subscriptions go on', async () => {
    const { real, proxy, host } = await scene(async () => '', { reconnect: soon });
    const manager = await real.manager();
    const row = await manager.requestApproval({ action: 'x' });
    const outcome = host.approvalOutcome(row.id);
    const subscription = await host.subscribe();
    const events = subscription[Symbol.asyncIterator]();
    proxy.close();
    await proxy.refused();
    await manager.resolveApproval(row.id, 'approve');
    proxy.open();
    expect(await outcome).toMatchObject({ status: 'approved' });
    const kinds: string[] = [];
    for (let n = 0; n < 1; n++) kinds.push((await events.next()).value?.kind ?? '');
    expect(kinds).toEqual(['approval.resolved']);
  });
});
