import { expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';
import { start } from './people.ts';

const main = { agent_id: 'echo', session_id: 'main' };

async function subscribed(client: LinkedClient) {
  await client.ok('server.handshake', { protocol_version: 3 });
  return client.ok('host.subscribe');
}

/** Of the last character of an id: a number of some base, or base64. */
const lastBit = (id: string) => ALPHABET.indexOf(id.at(-1) ?? '') & 1;
const ALPHABET = '0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ-_';

const heard = (client: LinkedClient) =>
  client.received('host.event').map(({ params }) => `${params.sequence} ${params.kind}`);

test('host.event › when others are busy › then everybody hears of their own alone, numbered without a gap', async () => {
  const { agent, join, host, manager } = start();
  const echo = await agent('echo');
  const [alice, bob, local, chief] = [await join('alice'), await join('bob'), await host(), await manager()];
  for (const client of [alice, bob, local, chief]) expect((await subscribed(client)).event_sequence).toBe(1);
  await openChat(alice, echo, main);
  await openChat(bob, echo, main);
  await alice.ok('host.notify', { message: 'hers' });
  await alice.ok('agents.chat.cancel', { session_id: 'main' });
  await settle();
  expect(heard(alice)).toEqual(['2 chat.started', '3 host.notification', '4 chat.ended']);
  expect(heard(bob)).toEqual(['2 chat.started']);
  expect(heard(local)).toEqual([]);
  expect(heard(chief)).toEqual(['2 chat.started', '3 chat.started', '4 host.notification', '5 chat.ended']);
  // To its owner a session has its own name, to the management its agent's.
  const named = (client: LinkedClient) => client.received('host.event')[0].params.payload.session_id;
  expect(named(alice)).toBe('main');
  expect(named(chief)).toMatch(/^main:[a-z2-7]{13}$/);
  expect(JSON.stringify(chief.received('host.event')[0].params.message)).toContain(named(chief));
});

test('host.events › when it is paged back › then by the numbers that this reader has heard', async () => {
  const { join } = start();
  const [alice, bob] = [await join('alice'), await join('bob')];
  for (let n = 1; n <= 5; n += 1) {
    await alice.ok('host.notify', { message: `a${n}` });
    await bob.ok('host.notify', { message: `b${n}` });
  }
  const page = async (client: LinkedClient, params: object) =>
    (await client.ok('host.events', params)).events.map((event: { sequence: number; message: string }) => [
      event.sequence,
      event.message,
    ]);
  expect(await page(alice, { limit: 2 })).toEqual([
    [4, 'a4'],
    [5, 'a5'],
  ]);
  expect(await page(bob, { limit: 2, before: 3 })).toEqual([
    [1, 'b1'],
    [2, 'b2'],
  ]);
  // Who comes back goes on counting.
  bob.close();
  await settle();
  expect(await (await join('bob')).ok('host.notify', { message: 'again' })).toMatchObject({ sequence: 6 });
});

test('host.event › when a session’s id is in the words about it › then others read those, and its name there alone', async () => {
  const { agent, join, manager } = start();
  const echo = await agent('echo');
  const [alice, chief] = [await join('alice'), await manager()];
  for (const client of [alice, chief]) await subscribed(client);
  for (const session_id of ['a', 'chat']) {
    await openChat(alice, echo, { agent_id: 'echo', session_id });
    const named = echo.lastChat().params.session_id;
    await alice.ok('agents.chat.cancel', { session_id });
    await settle();
    const read = (client: LinkedClient) =>
      client
        .received('host.event')
        .slice(-2)
        .map(({ params }) => params.message);
    expect(read(alice)).toEqual([`chat ${session_id} started`, `chat ${session_id} ended: cancelled`]);
    expect(read(chief)).toEqual([`chat ${named} started`, `chat ${named} ended: cancelled`]);
  }
});

test('host.event › when somebody who may use some agents comes back › then its numbers go on', async () => {
  const { join, manager } = start({ limits: { keptEvents: 2 } });
  const chief = await manager();
  const { token } = await chief.ok('keys.add', { name: 'keyed', agents: ['echo'] });
  for (const who of ['narrow', token]) {
    const client = await join(who);
    for (let n = 1; n <= 5; n += 1) await client.ok('host.notify', { message: `n${n}` });
    client.close();
    await settle();
    expect(await (await join(who)).ok('host.notify', { message: 'again' }), who).toMatchObject({ sequence: 6 });
  }
  const { token: rotated } = await chief.ok('keys.rotate', { name: 'keyed' });
  expect(await (await join(rotated)).ok('host.notify', { message: 'again' })).toMatchObject({ sequence: 7 });
});

test('host.event › when more have gone than are remembered › then the first of them count anew, and who listens does not', async () => {
  const { join, broker } = start({ limits: { keptEvents: 2 } });
  const [gone, listening] = [await join('gone'), await join('listening')];
  await subscribed(listening);
  for (const client of [gone, listening])
    for (let n = 1; n <= 5; n += 1) await client.ok('host.notify', { message: 'x' });
  const last = async (who: string) => (await (await join(who)).ok('host.notify', { message: 'y' })).sequence;
  const others = async (count: number) => {
    for (let n = 0; n < count; n += 1)
      await new LinkedClient(broker.connect({ principal: { sub: `o${n}` } })).ok('host.events', { limit: 1 });
  };
  await others(999);
  expect(await last('gone')).toBe(6);
  await others(1_000);
  // Of what is kept one was its own.
  expect(await last('gone')).toBe(2);
  expect(await last('listening')).toBe(6);
  expect(heard(listening).at(-1)).toBe('6 host.notification');
});

test('host.subscribe › when a client says later that it is an agent, and subscribes again › then it hears of each event once', async () => {
  const linked = startLinked({ auth: false });
  const client = linked.connect();
  await subscribed(client);
  await client.ok('session.auth', { agent_id: 'echo' });
  await client.ok('host.subscribe');
  const before = heard(client).length;
  await client.ok('host.notify', { message: 'x' });
  await settle();
  expect(heard(client).slice(before)).toHaveLength(1);
});

test('host.events › when two agents are one principal › then each reads of itself, and of no other', async () => {
  const nobody = () => false;
  const linked = startLinked({ auth: ({ agentId }) => ({ agentId, sub: 'fleet', mayUse: nobody }) });
  const messages = async (agentId?: string) => {
    const client = linked.connect();
    await client.ok('session.auth', { token: 'any', ...(agentId === undefined ? {} : { agent_id: agentId }) });
    return (await client.ok('host.events', {})).events.map(({ message }: { message: string }) => message);
  };
  expect(await messages('a')).toEqual(['agent a attached']);
  expect(await messages('b')).toEqual(['agent b attached']);
  expect(await messages()).toEqual([]);
});

test('host.events › when others are busy › then the ids of one’s own say nothing of how much has happened', async () => {
  const { join } = start({ limits: { keptEvents: 600 } });
  const [alice, bob] = [await join('alice'), await join('bob')];
  const ids: string[] = [];
  for (let n = 0; n < 200; n += 1) {
    ids.push((await alice.ok('host.notify', { message: 'x' })).id);
    if (n % 3 === 0) await bob.ok('host.notify', { message: 'y' });
  }
  expect(new Set(ids).size).toBe(200);
  // What is counted, whatever it is multiplied by and mixed with, has a last bit that goes by the last bit of the count.
  const bits = ids.map((id) => lastBit(id));
  const counts = ids.map((_, n) => (n + Math.ceil(n / 3)) & 1);
  const alike = bits.filter((bit, n) => bit === counts[n]).length;
  expect(alike).toBeGreaterThan(40);
  expect(alike).toBeLessThan(160);
});

test('approvals › when they belong to somebody else › then there are none', async () => {
  const { agent, join, manager } = start();
  const echo = await agent('echo');
  const [alice, bob, acme, watcher] = [
    await join('alice'),
    await join('bob'),
    await join('x@acme'),
    await join('eve+observe'),
  ];
  await openChat(alice, echo, main);
  const { session_id } = echo.lastChat().params;
  echo.emit(session_id, { kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } });
  await settle();
  const { approvals } = await alice.ok('host.approvals');
  expect(approvals).toMatchObject([{ status: 'pending', details: { params: { path: '/' } } }]);
  const answer = { approval_id: approvals[0].id, resolution: 'approve' };
  for (const stranger of [bob, acme]) {
    expect(await stranger.ok('host.approvals')).toEqual({ approvals: [] });
    const { error } = await stranger.call('host.resolve_approval', answer);
    expect(error).toMatchObject({ code: ErrorCode.ApprovalNotPending });
    expect(error.data).toBeUndefined();
  }
  // Who only looks sees that there is one, and not what it is about.
  const seen = (await watcher.ok('host.approvals')).approvals;
  expect(seen).toMatchObject([{ id: approvals[0].id, status: 'pending' }]);
  expect(JSON.stringify(seen)).not.toContain('path');
  expect((await watcher.call('host.resolve_approval', answer)).error?.code).toBe(ErrorCode.Forbidden);
  expect((await (await manager()).ok('host.approvals')).approvals).toHaveLength(1);
});

test('observe alone › when it would change something › then -32015, whatever the method', async () => {
  const { agent, join } = start();
  await agent('echo');
  const watcher = await join('eve+observe');
  for (const [method, params] of [
    ['agents.chat', { ...main, prompt: 'hi' }],
    ['host.notify', { message: 'x' }],
    ['host.request_approval', { action: 'x' }],
    ['memory.add_fact', { subject: 's', body: 'b' }],
    ['tools.register', [{ name: 't' }]],
  ] as const)
    expect((await watcher.call(method, params)).error?.code, method).toBe(ErrorCode.Forbidden);
  expect(await watcher.ok('agents.list')).toHaveLength(1);
});

test('agents › when some are another tenant’s, or not for everybody › then they are not listed, and not told of', async () => {
  const { agent, join, host } = start();
  await agent('echo');
  const [acme, narrow, local] = [await join('x@acme'), await join('narrow'), await host()];
  for (const client of [acme, narrow, local]) await subscribed(client);
  await join('@acme', 'echo');
  await agent('secret');
  await settle();
  const ids = async (client: LinkedClient) =>
    (await client.ok('agents.list')).map(({ spec }: { spec: { id: string } }) => spec.id);
  expect(await ids(acme)).toEqual(['echo']);
  expect(await ids(narrow)).toEqual(['echo']);
  expect(await ids(local)).toEqual(['echo', 'secret']);
  const hosted = async (client: LinkedClient) => (await client.ok('host.agents')).map(({ id }: { id: string }) => id);
  expect(await hosted(acme)).toEqual(['echo']);
  expect(await hosted(narrow)).toEqual(['echo']);
  expect(heard(acme)).toEqual(['1 agent.attached']);
  expect(heard(narrow)).toEqual([]);
  expect(heard(local)).toEqual(['2 agent.attached']);
});

test('host.register_agent › when two principals choose one id › then each has its own', async () => {
  const { join } = start();
  const [alice, bob] = [await join('alice'), await join('bob')];
  for (const client of [alice, bob])
    await client.ok('host.register_agent', { id: 'helper', name: 'h', kind: 'k', capabilities: [] });
  expect(await alice.ok('host.agents')).toHaveLength(1);
  await bob.ok('host.set_status', { agent_id: 'helper', status: 'running' });
  expect(await alice.ok('host.agents')).toMatchObject([{ id: 'helper', status: 'idle' }]);
  expect((await alice.call('host.unregister_agent', { agent_id: 'nope' })).error?.code).toBe(ErrorCode.NotFound);
});
