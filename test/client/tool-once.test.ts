import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import {
  type Agent,
  connectAgent,
  connectHost,
  type Host,
  type HostOptions,
  type OnChat,
  type ToolCall,
} from '../../client/node.ts';
import { CutProxy } from './cut-proxy.ts';
import { aborted, deferred, RealBroker, rejection } from './real-broker.ts';

/*
 * A tool runs once in its host's life, whichever connection is cut in the middle of it: over real sockets, one proxy for
 * the agent and one for the host.
 */

const soon = { minMs: 1, maxMs: 5 };

async function scene(onChat: OnChat, limits: object = {}) {
  const real = await RealBroker.start({ limits });
  const wires = { agent: await CutProxy.to(real.url), host: await CutProxy.to(real.url) };
  const { token } = real.broker.upsertAgent({ id: 'echo' });
  const agent: Agent = await connectAgent({ url: wires.agent.url, agentId: 'echo', token, onChat, reconnect: soon });
  onTestFinished(() => agent.close());
  const connect = async (options: Partial<HostOptions> = {}): Promise<Host> => {
    const url = wires.host.url;
    const connected = await connectHost({ url, token: real.broker.tokens.daemon, reconnect: soon, ...options });
    onTestFinished(() => connected.close());
    return connected;
  };
  return { real, wires, agent, connect, host: await connect() };
}

/** Offers a tool whose calls wait until the test answers. */
async function offer(host: Host) {
  const calls: ToolCall[] = [];
  const [running, answer] = [deferred(), deferred()];
  await host.tool('add', { parameters: z.object({ a: z.number(), b: z.number() }) }, async ({ a, b }, call) => {
    calls.push(call);
    running.resolve();
    await answer.promise;
    return a + b;
  });
  return { calls, running: running.promise, answer: answer.resolve };
}

const adds: OnChat = async (turn) => String(await turn.tools.call('add', { a: 1, b: 2 }));
const RESUMABLE = { resumable: true };

describe('a tool that is at work', () => {
  it.each([
    ['the agent’s', ['agent']],
    ['the host’s', ['host']],
    ['both of them, the host’s first', ['host', 'agent']],
    ['both of them, the agent’s first', ['agent', 'host']],
  ] as const)('when a connection is cut, %s › runs once, and its answer arrives', async (_which, cuts) => {
    const { wires, host } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    await work.running;
    const back = cuts.map((each) => wires[each].connected());
    for (const each of cuts) wires[each].cut();
    await Promise.all(back);
    work.answer();
    expect(await chat.text()).toBe('3');
    expect(work.calls).toHaveLength(1);
    expect(work.calls[0]?.signal.aborted).toBe(false);
  });

  it('when its connection is cut and it is done before there is another › its answer waits', async () => {
    const { wires, host } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    await work.running;
    wires.host.close();
    work.answer();
    await wires.host.refused();
    wires.host.open();
    expect(await chat.text()).toBe('3');
    expect(work.calls).toHaveLength(1);
  });

  it('when the connections are cut again and again › runs once', async () => {
    const { wires, host } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    await work.running;
    for (const each of ['agent', 'host', 'host', 'agent', 'host'] as const) {
      const back = wires[each].connected();
      wires[each].cut();
      await back;
    }
    work.answer();
    expect(await chat.text()).toBe('3');
    expect(work.calls).toHaveLength(1);
  });

  it('when its answer is on its way to an agent that is cut › is not run again, and is answered the same', async () => {
    const { wires, host } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    await work.running;
    // The broker's answer to this connection never arrives.
    wires.agent.hold();
    work.answer();
    // The broker has had it once it has answered this on the same connection.
    await host.agents.list();
    wires.agent.cut();
    expect(await chat.text()).toBe('3');
    expect(work.calls).toHaveLength(1);
  });

  it('when the chat goes on in another process of the host’s › is not run there: nobody knows what it has done', async () => {
    const failed = deferred<unknown>();
    const { real, wires, host } = await scene(async (turn) => {
      failed.resolve(await rejection(turn.tools.call('add', { a: 1, b: 2 })));
      return 'well';
    });
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    await work.running;
    const { handle } = chat;
    wires.host.close();
    const other = await connectHost({ url: real.url, token: real.broker.tokens.daemon });
    onTestFinished(() => other.close());
    const again = await offer(other);
    if (!handle) throw new Error('no handle');
    expect(await other.resume(handle).text()).toBe('well');
    expect(await failed.promise).toMatchObject({ code: -32018, reason: 'unknown_outcome' });
    expect(again.calls).toEqual([]);
  });

  it('when the chat ends while it has no connection › hears that nobody waits', async () => {
    const { wires, host, agent } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x', RESUMABLE);
    const read = rejection(chat.text());
    await work.running;
    wires.host.close();
    await wires.host.refused();
    await agent.close();
    wires.host.open();
    expect(await read).toBeInstanceOf(Error);
    const [call] = work.calls;
    await aborted(call?.signal as AbortSignal);
    expect(call?.signal.reason).toMatchObject({ reason: 'connection_lost' });
  });

  it('in a chat that does not go on › hears at once that its connection is lost', async () => {
    const { wires, host } = await scene(adds);
    const work = await offer(host);
    const chat = host.chat('echo', 'x');
    const read = rejection(chat.text());
    await work.running;
    wires.host.cut();
    const [call] = work.calls;
    await aborted(call?.signal as AbortSignal);
    expect(call?.signal.reason).toMatchObject({ reason: 'connection_lost' });
    await read;
  });
});

describe('a tool call that is asked for again', () => {
  /** What two calls come to, the second one under the same name. */
  async function twice(attempt: number, answers: (call: ToolCall) => unknown, timeoutMs?: number) {
    const seen = deferred<unknown[]>();
    const { host } = await scene(async (turn) => {
      const call = (options: object) =>
        turn.tools.call('it', {}, { actionId: 'a', ...options }).catch((error) => error);
      seen.resolve([await call(timeoutMs ? { timeoutMs } : {}), await call({ attempt })]);
    });
    let runs = 0;
    await host.tool('it', {}, (_args, call) => {
      runs += 1;
      return answers(call);
    });
    await host.chat('echo', 'x').text();
    return { seen: await seen.promise, runs };
  }

  it('after it was answered › is answered the same, whatever became of the object', async () => {
    const kept = { n: 1 };
    const { seen, runs } = await twice(2, () => {
      setTimeout(() => {
        kept.n = 2;
      });
      return kept;
    });
    expect(seen).toEqual([{ n: 1 }, { n: 1 }]);
    expect(runs).toBe(1);
  });

  it('after it failed › fails the same', async () => {
    const { seen, runs } = await twice(2, () => {
      throw new Error('oh no');
    });
    expect(seen).toMatchObject([{ message: 'oh no' }, { message: 'oh no' }]);
    expect(runs).toBe(1);
  });

  it('after it was given up and has answered nonetheless › gets that answer', async () => {
    const stubborn = async ({ signal }: ToolCall) => {
      await aborted(signal);
      return 'late';
    };
    const { seen, runs } = await twice(2, stubborn, 20);
    expect(seen[0]).toMatchObject({ code: -32017 });
    expect(seen[1]).toBe('late');
    expect(runs).toBe(1);
  });

  it('after it was given up and has stopped › gets -32018, unknown_outcome', async () => {
    const seen = deferred<unknown[]>();
    const { host } = await scene(async (turn) => {
      const call = (options: object) =>
        turn.tools.call('it', {}, { actionId: 'a', ...options }).catch((error) => error);
      seen.resolve([await call({ timeoutMs: 20 }), await call({ attempt: 2 })]);
    });
    await host.tool('it', {}, async (_args, { signal }) => {
      await aborted(signal);
      throw signal.reason;
    });
    await host.chat('echo', 'x').text();
    expect(await seen.promise).toMatchObject([{ code: -32017 }, { code: -32018, reason: 'unknown_outcome' }]);
  });

  it('as a first attempt › is another call', async () => {
    let n = 0;
    const { seen, runs } = await twice(1, () => ++n);
    expect(seen).toEqual([1, 2]);
    expect(runs).toBe(2);
  });
});
