import { setTimeout } from 'node:timers/promises';
import { expect, it } from 'vitest';
import { startDaemon } from './support/daemon.ts';
import { MAIN, Program } from './support/program.ts';
import { WireClient } from './support/wire-client.ts';

it('--limit › when a key is over it by several connections › then it is refused until it has waited, and another key is not', async () => {
  const flags = ['--limit', 'identity.chats=2', '--limit=identity.connections=2'];
  const daemon = await startDaemon({ flags });
  const manager = await daemon.manager();
  const { token: agentToken } = await manager.ok('agents.upsert', { id: 'echo' });
  const echo = await daemon.connect();
  await echo.ok('session.auth', { agent_id: 'echo', token: agentToken });
  echo.socket.on('message', (data) => {
    const { id, method, params } = JSON.parse(String(data));
    if (method !== 'agent.chat') return;
    const { session_id, turn_id } = params;
    echo.send({ jsonrpc: '2.0', id, result: { accepted: true } });
    const event = { session_id, turn_id, kind: 'done', finish_reason: 'stop' };
    echo.send({ jsonrpc: '2.0', method: 'agent.chat.event', params: event });
  });
  const keyOf = async (name: string) => (await manager.ok('keys.add', { name })).token as string;
  const [annKey, bobKey] = [await keyOf('ann'), await keyOf('bob')];
  const by = async (token: string) => {
    const client = await daemon.connect();
    await client.ok('session.auth', { token });
    return client;
  };
  const [one, two, bob, local] = [await by(annKey), await by(annKey), await by(bobKey), await daemon.host()];
  const chat = (who: WireClient) => who.call('agents.chat', { agent_id: 'echo', prompt: 'hi' });
  const first = [await chat(one), await chat(two)];
  expect(first.map(({ error }) => error)).toEqual([undefined, undefined]);
  // However slow this machine is, not all of these are let in.
  const answers = await Promise.all(Array.from({ length: 40 }, (_, n) => chat(n % 2 === 0 ? one : two)));
  const refused = answers.flatMap(({ error }) => (error ? [error] : []));
  expect(refused.length).toBeGreaterThan(0);
  const { code, data } = refused[0];
  expect([code, data.limit]).toEqual([-32020, { name: 'identity.chats', value: 2 }]);
  expect((await chat(bob)).error).toBeUndefined();
  for (let n = 0; n < 5; n += 1) expect((await chat(local)).error).toBeUndefined();
  await setTimeout(data.retry_after_ms + 50);
  expect((await chat(one)).error).toBeUndefined();

  const third = await daemon.connect();
  const { error } = await third.call('session.auth', { token: annKey });
  expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'identity.connections', value: 2 } } });
  expect((await third.closed).code).toBe(4429);
  const byHeader = await WireClient.open(daemon.url, { headers: { authorization: `Bearer ${annKey}` } });
  expect((await byHeader.closed).code).toBe(4429);
  await daemon.program.shows('identity.connections');
  one.socket.terminate();
  await expect
    .poll(async () => (await (await daemon.connect()).call('session.auth', { token: annKey })).error)
    .toBeUndefined();
});

it('--limit › when it is none › then the daemon says which there are, and exits with 2', async () => {
  for (const value of ['identity.chat=5', 'identity.chats=0', 'identity.chats', 'tenant.bytes=1e3']) {
    const program = new Program([MAIN, '--limit', value], {});
    expect((await program.exit).code).toBe(2);
    expect(program.err).toContain(
      `--limit takes NAME=N, N a whole number from 1 to 1000000000000 and NAME one of identity.chats, `,
    );
    expect(program.err).toContain(`tenant.listed, tenant.events, not ${JSON.stringify(value)}`);
  }
});
