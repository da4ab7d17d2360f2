import { describe, expect, it, onTestFinished } from 'vitest';
import { z } from 'zod';
import { type Broker, type BrokerOptions, createBroker } from '../../broker.ts';
import * as browser from '../../client/browser.ts';
import {
  type AgentOptions,
  AuthError,
  type ConnectionError,
  connectAgent,
  connectHost,
  type Frame,
  type Host,
  type HostOptions,
  type HostStatus,
  type Link,
  type OnChat,
} from '../../client/node.ts';
import { deferred, rejection } from './real-broker.ts';

/** A broker in this process that listens nowhere. */
function start(options: BrokerOptions = {}): Broker {
  const broker = createBroker({ ...options, limits: { drainTimeoutMs: 1, ...options.limits } });
  onTestFinished(() => broker.close());
  return broker;
}

async function hostOf(broker: Broker, options: HostOptions = {}): Promise<Host> {
  const host = await connectHost({ link: () => broker.connect(), token: broker.tokens.daemon, ...options });
  onTestFinished(() => host.close());
  return host;
}

async function agentOf(broker: Broker, onChat: OnChat, options: Partial<AgentOptions> = {}) {
  const { token } = broker.upsertAgent({ id: 'echo', rotate_token: true });
  const agent = await connectAgent({ link: () => broker.connect(), agentId: 'echo', token, onChat, ...options });
  onTestFinished(() => agent.close());
  return agent;
}

/** `broker.connect()`, and the links that it gave, to cut. */
function watched(broker: Broker) {
  const links: Link[] = [];
  const link = () => {
    const made = broker.connect();
    links.push(made);
    return made;
  };
  return { links, link };
}

describe('a host and an agent over links', () => {
  it('chat, over a link of each', async () => {
    const broker = start();
    await agentOf(broker, async ({ prompt }) => `<${prompt}>`, { link: broker.connect() });
    const host = await hostOf(broker, { link: broker.connect() });
    expect(await host.chat('echo', 'hi').text()).toBe('<hi>');
    expect((await host.agents.list())[0]).toMatchObject({ spec: { id: 'echo' }, attached: true });
  });

  it('use tools, ask a person, and are told of what happens', async () => {
    const broker = start();
    await agentOf(broker, async (turn) => {
      const { sum } = (await turn.tools.call('add', { a: 40, b: 2 })) as { sum: number };
      const { approved } = await turn.requestApproval({ tool: 'tell', action: 'say it', params: {} });
      return approved ? `It is ${sum}.` : 'Then not.';
    });
    const host = await hostOf(broker);
    const events = await host.subscribe();
    const parameters = z.object({ a: z.number(), b: z.number() });
    await host.tool('add', { parameters }, ({ a, b }) => ({ sum: a + b }));
    const chat = host.chat('echo', 'go');
    let text = '';
    for await (const event of chat) {
      if (event.kind === 'approval_pending') await chat.approve(event.approval_id, true);
      if (event.kind === 'token') text += event.delta;
    }
    expect(text).toBe('It is 42.');
    await host.notify({ message: 'done' });
    for await (const { message } of events) if (message === 'done') break;
  });

  it('speak and transcribe: bytes pass, too', async () => {
    const broker = start({
      voice: {
        async *speak({ text }) {
          yield { format: 'pcm', audio: new TextEncoder().encode(text) };
        },
      },
    });
    const { audio } = await (await hostOf(broker)).speak('abcd').audio();
    expect(new TextDecoder().decode(audio)).toBe('abcd');
  });

  it('hear the embedder’s own notifications, and show their frames', async () => {
    const broker = start();
    broker.method('me', { schema: z.object({}), handler: (_params, { clientId }) => clientId });
    const heard = deferred<unknown>();
    const frames: Frame[] = [];
    const host = await hostOf(broker, {
      onNotification: (method, params) => heard.resolve([method, params]),
      onFrame: (frame) => frames.push(frame),
    });
    expect(broker.notify(String(await host.request('me')), 'news.flash', { a: 1 })).toBe(true);
    expect(await heard.promise).toEqual(['news.flash', { a: 1 }]);
    expect(frames.map(({ direction }) => direction)).toEqual(['in', 'out', 'in', 'in']);
  });

  it('take the management role, or are refused, as over a socket', async () => {
    const broker = start();
    const manager = await hostOf(broker, { token: undefined, hostToken: broker.tokens.host });
    expect(manager.role).toBe('host');
    const error = await rejection(connectHost({ link: () => broker.connect(), token: 'wrong' }));
    expect(error).toBeInstanceOf(AuthError);
  });

  it('look for no daemon’s token: without one they have none', async () => {
    const broker = start();
    const env = { SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon };
    expect(await rejection(connectHost({ link: broker.connect(), env }))).toBeInstanceOf(AuthError);
    const { token } = broker.upsertAgent({ id: 'a' });
    const found = { SWITCHBOARD_AGENT_TOKEN: token };
    const agent = connectAgent({ link: broker.connect(), agentId: 'a', onChat: async () => '', env: found });
    expect(await rejection(agent)).toBeInstanceOf(AuthError);
    const open = start({ auth: false });
    await using host = await connectHost({ link: open.connect(), env: {} });
    expect(await host.agents.list()).toEqual([]);
  });

  it('close when they are told to, and the turns of the agent with them', async () => {
    const broker = start();
    const started = deferred();
    const agent = await agentOf(broker, async ({ signal }) => {
      started.resolve();
      await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const host = await hostOf(broker);
    const chat = host.chat('echo', 'go');
    await started.promise;
    await agent.close();
    await expect(chat.text()).rejects.toThrow();
    await host.close();
    expect((await host.closed).name).toBe('ConnectionClosedError');
    expect((await agent.closed).name).toBe('ConnectionClosedError');
  });
});

describe('a link that is lost', () => {
  it('of a function › is followed by another, the agent comes back, and a resumable chat goes on', async () => {
    const broker = start();
    const go = deferred();
    const agentLinks = watched(broker);
    const hostLinks = watched(broker);
    await agentOf(
      broker,
      async (turn) => {
        turn.token('one ');
        await go.promise;
        turn.token('two');
      },
      { link: agentLinks.link, reconnect: { minMs: 1, maxMs: 1 } },
    );
    const host = await hostOf(broker, { link: hostLinks.link, reconnect: { minMs: 1, maxMs: 1 } });
    const interruptions: string[] = [];
    const chat = host.chat('echo', 'hi', {
      resumable: true,
      onInterruption: ({ state }) => {
        interruptions.push(state);
        if (state === 'resumed') go.resolve();
      },
    });
    let text = '';
    for await (const event of chat) {
      if (event.kind !== 'token') continue;
      text += event.delta;
      if (text === 'one ') hostLinks.links[0]?.terminate();
    }
    expect(text).toBe('one two');
    expect(interruptions).toEqual(['waiting', 'resumed']);
    expect(hostLinks.links).toHaveLength(2);

    const events = await host.subscribe();
    agentLinks.links[0]?.terminate();
    for await (const { kind } of events) if (kind === 'agent.attached') break;
    expect(await host.chat('echo', 'again').text()).toBe('one two');
  });

  it('and is a plain link › cannot be made again, and says what would help', async () => {
    const broker = start();
    for (const agent of [true, false]) {
      const link = broker.connect();
      const statuses: HostStatus[] = [];
      const reconnect = { minMs: 1, maxMs: 1 };
      const onStatus = (status: HostStatus) => statuses.push(status);
      const client = agent
        ? await agentOf(broker, async () => '', { link, reconnect, onStatus })
        : await hostOf(broker, { link, reconnect, onStatus });
      link.terminate();
      const error = (await client.closed) as ConnectionError;
      expect(error.name).toBe('ConnectionError');
      expect(error.message).toContain('link: () => broker.connect()');
      expect(error).toMatchObject({ retryable: false, url: undefined });
      expect(statuses.at(-1)).toMatchObject({ status: 'closed' });
    }
  });

  it('and another client’s, given twice › is refused, and the first client has it still', async () => {
    const broker = start();
    const link = broker.connect();
    const host = await hostOf(broker, { link });
    expect(await rejection(connectHost({ link, token: broker.tokens.daemon }))).toMatchObject({
      name: 'ConnectionError',
    });
    expect(await rejection(connectHost({ link: () => link, token: broker.tokens.daemon }))).toMatchObject({
      retryable: false,
    });
    expect(await host.agents.list()).toEqual([]);
  });

  it('because the broker stops › says so', async () => {
    const broker = start();
    const host = await hostOf(broker);
    await broker.close();
    expect(await host.closed).toMatchObject({
      name: 'ConnectionLostError',
      closeCode: 1001,
      closeReason: 'broker stopping',
    });
    expect(await rejection(connectHost({ link: broker.connect(), token: '' }))).toMatchObject({ closeCode: 1001 });
  });

  it('from a function that throws › ends it with what it threw', async () => {
    const link = () => {
      throw new Error('there is no broker yet');
    };
    expect(await rejection(connectHost({ link }))).toMatchObject({
      name: 'ConnectionError',
      message: 'there is no broker yet',
      retryable: false,
    });
  });
});

describe('the entry for browsers', () => {
  it('takes no link: a page has no broker in it, and its script is smaller without', async () => {
    const link = start().connect();
    const refused = await rejection(browser.connectHost({ link, token: '' } as never));
    expect(refused).toMatchObject({ name: 'TypeError', message: expect.stringContaining('there is no option link') });
  });
});

it('await using › closes the host and the agent', async () => {
  const broker = start();
  const { token } = broker.upsertAgent({ id: 'a' });
  const kept: { closed: Promise<Error> }[] = [];
  {
    await using agent = await connectAgent({ link: broker.connect(), agentId: 'a', token, onChat: async () => 'hi' });
    await using host = await connectHost({ link: broker.connect(), token: broker.tokens.daemon });
    expect(await host.chat('a', 'x').text()).toBe('hi');
    kept.push(agent, host);
  }
  for (const { closed } of kept) expect((await closed).name).toBe('ConnectionClosedError');
});
