import { describe, expect, it, onTestFinished, test } from 'vitest';
import { connectHost, exactJson, type Host, type HostOptions, type OnChat } from '../../client/node.ts';
import { CutProxy } from './cut-proxy.ts';
import { RealBroker } from './real-broker.ts';

const ID = 12345678901234567890n;

/** A broker with an agent that keeps digits. */
async function start(onChat: OnChat = async () => ''): Promise<RealBroker> {
  const real = await RealBroker.start();
  await real.agent(onChat, { json: exactJson });
  return real;
}

async function hostOf({ broker, url }: RealBroker, options: Partial<HostOptions> = {}): Promise<Host> {
  const host = await connectHost({ url, token: broker.tokens.daemon, env: {}, json: exactJson, ...options });
  onTestFinished(() => host.close());
  return host;
}

test.each([
  ['json: exactJson', exactJson, ID],
  ['no json', undefined, Number(ID)],
] as const)('a host with %s › reads a long integer, and an agent that has it writes one', async (_name, json, read) => {
  const real = await start(async function* (turn) {
    yield { kind: 'tool_result', tool: 't', ok: true, evidence: { id: ID, of: turn.context } } as never;
  });
  const host = await hostOf(real, { json });
  const events: unknown[] = [];
  for await (const event of host.chat('echo', 'p', { context: { n: 1 } })) events.push(event);
  expect(events[0]).toMatchObject({ evidence: { id: read } });
});

describe('with exactJson', () => {
  it('a tool › is asked with a long integer, and answers with one', async () => {
    const answers: unknown[] = [];
    const real = await start(async (turn) => void answers.push(await turn.tools.call('add_one', { id: ID })));
    const host = await hostOf(real);
    await host.tool('add_one', {}, (args) => (args as { id: bigint }).id + 1n);
    await host.chat('echo', 'p').text();
    expect(answers).toEqual([ID + 1n]);
  });

  it('an approval that waits › comes digit for digit to whoever goes on with the chat', async () => {
    const real = await start(async (turn) => void (await turn.requestApproval({ action: 'pay', params: { to: ID } })));
    const first = await hostOf(real);
    const opened = first.chat('echo', 'p', { resumeWindowMs: 60_000 });
    const pending = (await opened[Symbol.asyncIterator]().next()).value;
    expect(pending).toMatchObject({ kind: 'approval_pending', params: { to: ID } });
    const { handle } = opened;
    await first.close();
    const chat = (await hostOf(real)).resume(handle as NonNullable<typeof handle>);
    expect((await chat[Symbol.asyncIterator]().next()).value).toEqual(pending);
  });

  it('a subscription › has what happened while its host was away', async () => {
    const real = await start();
    const proxy = await CutProxy.to(real.url);
    const host = await hostOf(real, { url: proxy.url, reconnect: { minMs: 1, maxMs: 5 } });
    const events = (await host.subscribe())[Symbol.asyncIterator]();
    const other = await hostOf(real);
    proxy.close();
    await other.notify({ payload: { id: ID } });
    proxy.open();
    expect((await events.next()).value).toMatchObject({ kind: 'host.notification', payload: { id: ID } });
  });
});

test('a json that neither reads nor writes › is refused where it is given', async () => {
  const connecting = connectHost({ url: 'ws://127.0.0.1:1', token: 't', json: {} as typeof exactJson });
  await expect(connecting).rejects.toThrow(/json has parse and stringify/);
});
