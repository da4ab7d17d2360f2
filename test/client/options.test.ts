import { describe, expect, it, onTestFinished, test } from 'vitest';
import { z } from 'zod';
import { type Broker, createBroker } from '../../broker.ts';
import * as browser from '../../client/browser.ts';
import { connectAgent, connectHost, type Frame, type Host, type HostOptions, type OnChat } from '../../client/node.ts';
import { rejection } from './real-broker.ts';

/** A broker in this process that listens nowhere. */
function start(): Broker {
  const broker = createBroker({ limits: { drainTimeoutMs: 1 } });
  onTestFinished(() => broker.close());
  return broker;
}

async function hostOf(broker: Broker, options: HostOptions = {}): Promise<Host> {
  const host = await connectHost({ link: () => broker.connect(), token: broker.tokens.daemon, ...options });
  onTestFinished(() => host.close());
  return host;
}

async function agentOf(broker: Broker, onChat: OnChat): Promise<void> {
  const { token } = broker.upsertAgent({ id: 'echo' });
  const agent = await connectAgent({ link: () => broker.connect(), agentId: 'echo', token, onChat });
  onTestFinished(() => agent.close());
}

describe('an option that does not exist', () => {
  const link = () => start().connect();
  const onChat: OnChat = async () => '';
  test.each<[what: string, connect: () => Promise<unknown>, says: string]>([
    [
      'agent_id',
      () => connectAgent({ link, agent_id: 'a', onChat } as never),
      'no option agent_id; did you mean agentId?',
    ],
    [
      'host_token',
      () => connectHost({ link, host_token: 'a' } as never),
      'no option host_token; did you mean hostToken?',
    ],
    [
      'onchat',
      () => browser.connectAgent({ url: 'ws://127.0.0.1:1', onchat: onChat } as never),
      'did you mean onChat?',
    ],
    [
      'connectTimeout',
      () => browser.connectHost({ url: 'ws://127.0.0.1:1', connectTimeout: 1 } as never),
      'did you mean connectTimeoutMs?',
    ],
    [
      'reconnect.min',
      () => connectHost({ link, reconnect: { minMS: 1 } } as never),
      'reconnect: there is no option minMS; did you mean minMs?',
    ],
    [
      'management',
      () => browser.connectHost({ url: 'ws://127.0.0.1:1', management: true } as never),
      'no option management',
    ],
  ])('%s › is refused by name', async (_what, connect, says) => {
    const error = (await rejection(connect())) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toContain(says);
  });

  test.each<[what: string, options: object, says: RegExp]>([
    ['a URL and a link', { url: 'ws://127.0.0.1:1', link }, /url or link, not both/],
    ['a link that is none', { link: 'ws://127.0.0.1:1' }, /link is what broker\.connect\(\) gives/],
    ['management with a link', { link, management: true }, /give its hostToken/],
  ])('%s › is refused as well', async (_what, options, says) => {
    const error = (await rejection(connectHost(options as HostOptions))) as Error;
    expect(error).toBeInstanceOf(TypeError);
    expect(error.message).toMatch(says);
  });

  it('of a call › is refused at the call, with the name that was meant', async () => {
    const broker = start();
    const host = await hostOf(broker);
    const meant = (call: () => unknown, name: string) => {
      const run = async () => call();
      return expect(run()).rejects.toThrow(new RegExp(`did you mean ${name}\\?`));
    };
    await meant(() => host.chat('echo', 'x', { session_id: 's' } as never), 'sessionId');
    await meant(() => host.chat('echo', 'x', { on_busy: 'queue' } as never), 'onBusy');
    await meant(() => host.chat('echo', 'x', { goal: { check: 'c', max_iterations: 1 } } as never), 'maxIterations');
    await meant(() => host.chat('echo', 'x').cancel({ grace_ms: 1 } as never), 'graceMs');
    await meant(() => host.chat('echo', 'x').approve('a', true, { answers: 1 } as never), 'answer');
    await meant(() => host.request('agents.list', {}, { timeout_ms: 1 } as never), 'timeoutMs');
    await meant(() => host.subscribe({ buffer_limit: 1 } as never), 'bufferLimit');
    await meant(() => host.tool('t', { parameter: z.object({}) } as never, () => 1), 'parameters');
    await meant(() => host.transcribe({ sample_rate: 1 } as never), 'sampleRate');
    await meant(() => host.speak('x', { voice_id: 'v' } as never), 'voiceId');
    await meant(() => host.surfaces.ingest({}, { route_auth: {} } as never), 'routeAuth');
    const handle = { agent_id: 'a', session_id: 's', turn_id: 't', resume_token: 'r', seq: 0, text_length: 0 };
    await meant(() => host.resume({ ...handle, resume_window_ms: 1 }, { from_start: true } as never), 'fromStart');
    // By type as well.
    // @ts-expect-error a wire name
    await meant(() => host.chat('echo', 'x', { session_id: 's' }), 'sessionId');
    // @ts-expect-error a wire name
    await meant(() => connectAgent({ link, agent_id: 'a', onChat }), 'agentId');
  });

  it('of a tool call › rejects the call', async () => {
    const broker = start();
    await agentOf(broker, (turn) => turn.tools.call('t', {}, { timeout_ms: 1 } as never) as Promise<string>);
    const host = await hostOf(broker);
    await expect(host.chat('echo', 'x').text()).rejects.toThrow('did you mean timeoutMs?');
  });
});

it('chat options › go over the wire under its names, and what is not given is not sent', async () => {
  const broker = start();
  const seen: unknown[] = [];
  await agentOf(broker, async ({ params }) => {
    seen.push(params);
  });
  const frames: Frame[] = [];
  const host = await hostOf(broker, { onFrame: (frame) => frames.push(frame) });
  const asked = {
    sessionId: 's',
    conversationId: 'c',
    stream: false,
    voiceInput: true,
    model: 'm',
    attachments: [{ type: 'image_url' as const, url: 'https://a.example/b.png' }],
    goal: { check: 'ok', maxIterations: 3 },
    context: { a: 1 },
    onBusy: 'queue' as const,
    resumeWindowMs: 5,
  };
  await host.chat('echo', 'hi', asked).text();
  await host.chat('echo', 'bare', {}).text();
  const sent = frames.filter(({ direction, text }) => direction === 'out' && text.includes('"agents.chat"'));
  const params = sent.map(({ text }) => JSON.parse(text).params);
  expect(params).toEqual([
    {
      agent_id: 'echo',
      prompt: 'hi',
      session_id: 's',
      conversation_id: 'c',
      stream: false,
      voice_input: true,
      model: 'm',
      attachments: [{ type: 'image_url', url: 'https://a.example/b.png' }],
      goal: { check: 'ok', max_iterations: 3 },
      context: { a: 1 },
      on_busy: 'queue',
      resume_window_ms: 5,
    },
    { agent_id: 'echo', prompt: 'bare', session_id: expect.any(String) },
  ]);
  expect(seen[0]).toMatchObject({ conversation_id: 'c', model: 'm', goal: { check: 'ok', max_iterations: 3 } });
});
