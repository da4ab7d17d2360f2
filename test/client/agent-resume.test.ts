import { setImmediate as breathe } from 'node:timers/promises';
import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Agent, type AgentOptions, connectAgent, type OnChat, type TurnCancelled } from '../../client/node.ts';
import { CutProxy } from './cut-proxy.ts';
import { aborted, deferred, RealBroker } from './real-broker.ts';

/* Agents come back by themselves: over real sockets, with a proxy that cuts them. */

const soon = { minMs: 1, maxMs: 5 };

/** A broker with a host, and an agent whose wire can be cut. */
async function scene(onChat: OnChat, options: Partial<AgentOptions> = {}, limits: object = {}) {
  const real = await RealBroker.start({ limits });
  const proxy = await CutProxy.to(real.url);
  const { token } = real.broker.upsertAgent({ id: 'echo' });
  const connect = async (runs: OnChat, more: Partial<AgentOptions> = {}): Promise<Agent> => {
    const agent = await connectAgent({
      url: proxy.url,
      agentId: 'echo',
      token,
      onChat: runs,
      reconnect: soon,
      ...more,
    });
    onTestFinished(() => agent.close());
    return agent;
  };
  const agent = await connect(onChat, options);
  return { real, proxy, agent, connect, host: await real.host() };
}

/** Reads a chat: its words, and what else was said. */
async function read(chat: AsyncIterable<{ kind: string; delta?: unknown }>): Promise<string[]> {
  const seen: string[] = [];
  for await (const { kind, delta } of chat) seen.push(kind === 'token' ? String(delta) : kind);
  return seen;
}

describe('an agent whose connection is cut', () => {
  it('goes on where it was: its generator notices nothing, and its host reads all of it, once', async () => {
    const go = deferred();
    const { proxy, host } = await scene(async function* () {
      yield 'one ';
      await go.promise;
      yield 'two ';
      yield 'three';
    });
    const chat = host.chat('echo', 'x');
    const reading = read(chat);
    await chat.ack;
    proxy.cut();
    await proxy.connected();
    go.resolve();
    const seen = await reading;
    expect(seen.filter((each) => !each.startsWith('agent_'))).toEqual(['one ', 'two ', 'three', 'done']);
    expect(seen).toEqual(expect.arrayContaining(['agent_away', 'agent_back']));
  });

  it('says on what it has said while there was no connection', async () => {
    const [cut, said] = [deferred(), deferred()];
    const { proxy, host } = await scene(async (turn) => {
      turn.token('one ');
      await cut.promise;
      for (const word of ['two ', 'three ']) turn.token(word);
      turn.event({ kind: 'todos', items: [1] });
      said.resolve();
      return undefined;
    });
    const chat = host.chat('echo', 'x');
    await chat.ack;
    proxy.close();
    cut.resolve();
    await said.promise;
    await proxy.refused();
    proxy.open();
    const seen = (await read(chat)).filter((each) => !each.startsWith('agent_'));
    expect(seen).toEqual(['one ', 'two ', 'three ', 'todos', 'done']);
  });

  it('again and again, with many turns at once › every text is whole', async () => {
    const words = Array.from({ length: 300 }, (_, n) => `${n} `);
    const { proxy, host } = await scene(async function* () {
      for (const [n, word] of words.entries()) {
        yield word;
        if (n % 10 === 0) await breathe();
      }
    });
    const chats = Array.from({ length: 20 }, () => host.chat('echo', 'x'));
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

  it('in the middle of a tool call › the tool runs once, and its answer arrives', async () => {
    const [running, answer] = [deferred(), deferred()];
    let runs = 0;
    const { proxy, host } = await scene(async (turn) => String(await turn.tools.call('add', { a: 1, b: 2 })));
    await host.tool('add', { parameters: z.object({ a: z.number(), b: z.number() }) }, async ({ a, b }) => {
      runs += 1;
      running.resolve();
      await answer.promise;
      return a + b;
    });
    const chat = host.chat('echo', 'x');
    await running.promise;
    const back = proxy.connected();
    proxy.cut();
    await back;
    answer.resolve();
    expect(await chat.text()).toBe('3');
    expect(runs).toBe(1);
  });

  it('in the middle of an approval › is asked when it is back', async () => {
    const { proxy, host } = await scene(async (turn) => {
      const { approved } = await turn.requestApproval({ approvalId: 'a', action: 'rm' });
      return String(approved);
    });
    const chat = host.chat('echo', 'x');
    const seen: string[] = [];
    for await (const event of chat) {
      seen.push(event.kind === 'token' ? event.delta : event.kind);
      if (event.kind === 'approval_pending') proxy.cut();
      if (event.kind === 'agent_back') expect(await chat.approve('a', true)).toBe(true);
    }
    expect(seen).toEqual(['approval_pending', 'agent_away', 'agent_back', 'approval_resolved', 'true', 'done']);
  });

  it('and whose turn is cancelled with grace meanwhile › hears of it when it is back', async () => {
    const reason = deferred<unknown>();
    const { proxy, host } = await scene(async ({ signal }) => {
      await aborted(signal);
      reason.resolve((signal.reason as TurnCancelled).reason);
    });
    const chat = host.chat('echo', 'x');
    await chat.ack;
    const away = (async () => {
      for await (const { kind } of chat) if (kind === 'agent_away') await chat.cancel({ graceMs: 20_000 });
    })();
    proxy.close();
    await proxy.refused();
    proxy.open();
    expect(await reason.promise).toBe('host_cancelled');
    await away;
  });

  it('for longer than its turns wait › they end, and its run is told so when it is back', async () => {
    const reason = deferred<unknown>();
    const { proxy, host } = await scene(
      async ({ signal }) => {
        await aborted(signal);
        reason.resolve((signal.reason as TurnCancelled).reason);
      },
      {},
      { agentWindowMs: 30 },
    );
    const chat = host.chat('echo', 'x');
    await chat.ack;
    proxy.close();
    await expect(chat.text()).rejects.toMatchObject({ event: { code: 'agent_disconnected', synthesized: true } });
    proxy.open();
    expect(await reason.promise).toBe('connection_lost');
  });

  it('where no turn waits for an agent › ends its turns, as ever', async () => {
    const reason = deferred<unknown>();
    const { proxy, host } = await scene(
      async ({ signal }) => {
        await aborted(signal);
        reason.resolve((signal.reason as TurnCancelled).reason);
      },
      {},
      { agentWindowMs: 0 },
    );
    const chat = host.chat('echo', 'x');
    await chat.ack;
    proxy.cut();
    await expect(chat.text()).rejects.toMatchObject({ event: { code: 'agent_disconnected' } });
    expect(await reason.promise).toBe('connection_lost');
  });

  it('and whose process is another when it is back › loses its turns, and the new one has chats of its own', async () => {
    const { proxy, agent, connect, host, real } = await scene(async ({ signal }) => {
      await aborted(signal);
    });
    const chat = host.chat('echo', 'x');
    await chat.ack;
    const reading = chat.text();
    await connect(async () => 'mine', { url: real.url });
    await expect(reading).rejects.toMatchObject({ event: { code: 'agent_replaced' } });
    expect(await agent.closed).toMatchObject({ closeCode: 4409 });
    expect(await host.chat('echo', 'x').text()).toBe('mine');
    proxy.close();
  });

  it('by its own close › ends its turns at once', async () => {
    const { agent, host } = await scene(async ({ signal }) => {
      await aborted(signal);
    });
    const chat = host.chat('echo', 'x');
    await chat.ack;
    await agent.close();
    await expect(chat.text()).rejects.toMatchObject({ event: { code: 'agent_disconnected' } });
  });
});
