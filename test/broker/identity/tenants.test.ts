import { expect, test } from 'vitest';
import type { MeetingHead, MeetingStore, Memory, MemoryScope } from '../../../broker.ts';
import { AudioFrameType } from '../../../protocol/audio-frame.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { type LinkedClient, openChat, settle } from '../../support/linked.ts';
import { frameOf, hexId, pcm, SOURCE, speak, startMeeting, transcribe, voiceEvents } from '../../support/voice.ts';
import { start } from './people.ts';

/* Families that keep things: agents' tokens, voice, meetings, facts, approvals. */

const main = { agent_id: 'echo', session_id: 'main' };

test('agents.upsert › when the management of a tenant does it › then that token is that tenant’s agent', async () => {
  const { join, connect, broker } = start();
  const [acme, beta] = [await join('boss@acme+host'), await join('boss@beta+host')];
  const tokens = [];
  for (const boss of [acme, beta]) tokens.push((await boss.ok('agents.upsert', { id: 'echo' })).token);
  tokens.push(broker.upsertAgent({ id: 'echo' }).token);
  const agents = [];
  for (const token of tokens) {
    const agent = connect();
    expect(await agent.ok('session.auth', { agent_id: 'echo', token })).toMatchObject({ agent_id: 'echo' });
    agents.push(agent);
  }
  // Three agents: none has taken another's place.
  expect(agents.map(({ closed }) => closed)).toEqual([undefined, undefined, undefined]);
  const alice = await join('alice@beta');
  await openChat(alice, agents[1] as LinkedClient, main);
  expect(agents[1]?.lastChat().params.context.principal).toMatchObject({ tenant: 'beta', sub: 'alice' });
  expect(agents[0]?.lastChat()).toBeUndefined();
  expect((await connect().call('session.auth', { agent_id: 'other', token: tokens[0] })).error?.code).toBe(
    ErrorCode.InternalError,
  );
  // A token that was replaced is nobody's, and that of another tenant goes on.
  await acme.ok('agents.upsert', { id: 'echo', rotate_token: true });
  const [old, others] = [connect(), connect()];
  expect((await old.call('session.auth', { agent_id: 'echo', token: tokens[0] })).error?.message).toBe(
    'auth failed: token mismatch',
  );
  await others.ok('session.auth', { agent_id: 'echo', token: tokens[1] });
  await acme.ok('agents.remove', { id: 'echo' });
  expect(await beta.ok('agents.list')).toHaveLength(1);
  expect(await acme.ok('agents.list')).toEqual([]);
});

test('broker.upsertAgent › when it names a tenant › then the agent is there, and what is none is a TypeError', async () => {
  const { join, connect, broker } = start();
  const { token } = broker.upsertAgent({ id: 'echo' }, { tenant: 'acme' });
  await connect().ok('session.auth', { agent_id: 'echo', token });
  expect(await (await join('x@acme')).ok('agents.list')).toMatchObject([{ spec: { id: 'echo' }, attached: true }]);
  expect(await (await join('x')).ok('agents.list')).toEqual([]);
  expect(() => broker.upsertAgent({ id: 'echo' }, { tenant: 'a/b' })).toThrow(TypeError);
});

test('what is wrong with events › when agents of one id are two tenants’ › then each has its own row and lines', async () => {
  const said: object[] = [];
  const note = (fields: object, what: string) => void said.push({ what, ...fields });
  const { join, manager } = start({ log: { debug() {}, error() {}, info: note, warn: note } });
  const [acme, beta] = [await join('@acme', 'bot'), await join('@beta', 'bot')];
  acme.emit('hers', { kind: 'token' });
  beta.emit('his', { kind: 'token' });
  await settle();
  const row = { agent_id: 'bot', kind: 'token', dropped: 1, field: 'delta', why: null };
  expect((await (await manager()).ok('broker.status')).event_faults).toMatchObject([
    { ...row, tenant: 'beta', session_id: 'his' },
    { ...row, tenant: 'acme', session_id: 'hers' },
  ]);
  expect(said).toMatchObject([
    { what: 'agent attached', tenant: 'acme', agent: 'bot' },
    { what: 'agent attached', tenant: 'beta', agent: 'bot' },
    { what: 'dropped a malformed event', tenant: 'acme', agent: 'bot' },
    { what: 'dropped a malformed event', tenant: 'beta', agent: 'bot' },
  ]);
});

test('what tells of everybody › when the management of another tenant asks › then there is no such method', async () => {
  const { join, manager } = start({ inspect: true });
  const boss = await join('boss@acme+host');
  for (const method of ['broker.status', 'inspect.subscribe', 'inspect.unsubscribe'])
    expect((await boss.call(method)).error?.code, method).toBe(ErrorCode.MethodNotFound);
  expect(await (await manager()).ok('broker.status')).toMatchObject({ inspect: true });
});

const SPEECH = ['voice.transcribe', 'voice.speak'];

async function speaker(join: (token: string, id?: string) => Promise<LinkedClient>, tenant: string, id: string) {
  const ear = await join(`@${tenant}`, id);
  await ear.ok('host.register_agent', { id, name: id, kind: 'k', capabilities: SPEECH });
  return ear;
}

test('voice › when two principals choose one id › then each hears, and is heard, by itself', async () => {
  const { join } = start();
  const ear = await speaker(join, 'acme', 'ear');
  const [alice, bob, boss] = [await join('alice@acme'), await join('bob@acme'), await join('boss@acme+host')];
  const hers = await transcribe(alice, ear, hexId(1));
  const his = await transcribe(bob, ear, hexId(1));
  expect(his).not.toBe(hers);
  bob.sendBinary(frameOf('AudioIn', hexId(1), pcm(1)));
  await settle();
  expect(
    ear.binaries.filter((frame) => frame?.type === AudioFrameType.AudioIn).map((frame) => frame?.streamId),
  ).toEqual([his]);
  ear.notify('voice.event', { stream_id: hers, type: 'final', text: 'hers' });
  await settle();
  expect(voiceEvents(alice)).toMatchObject([{ session_id: hexId(1), text: 'hers' }]);
  expect(voiceEvents(bob)).toEqual([]);
  // The management sees both, by names of their own, and ends one by its name.
  const rows = await boss.ok('voice.sessions.list');
  const ids: string[] = rows.map(({ session_id }: { session_id: string }) => session_id);
  expect(new Set(ids).size).toBe(2);
  const stop = boss.post('voice.transcribe_stream.stop', { session_id: ids[0] });
  await settle();
  ear.notify('voice.event', { stream_id: hers, type: 'ended' });
  await settle();
  expect(boss.replyTo(stop).result).toMatchObject({ session_id: ids[0], transcript: 'hers' });
  await speak(alice, ear, { stream_id: 'say' });
  await speak(bob, ear, { stream_id: 'say' });
  expect(await alice.ok('voice.tts_stream.cancel', { stream_id: 'say' })).toEqual({
    stream_id: 'say',
    cancelled: true,
  });
  expect(await bob.ok('voice.tts_stream.list')).toMatchObject({ streams: [{ stream_id: 'say', status: 'running' }] });
});

test('voice › when a provider is another tenant’s, or not for everybody › then it is none', async () => {
  const { join } = start();
  await speaker(join, 'acme', 'ear');
  const ask = async (client: LinkedClient, options: object) =>
    (await client.call('voice.transcribe_stream.start', { session_id: 's', audio_source: SOURCE, options })).error;
  for (const client of [await join('x@beta'), await join('narrow@acme'), await join('x')]) {
    expect(await client.ok('voice.providers.list')).toEqual([]);
    expect(await ask(client, {})).toMatchObject({ code: ErrorCode.AgentNotAttached, data: { agent_id: null } });
    expect(await ask(client, { provider: 'ear' })).toMatchObject({
      code: ErrorCode.AgentNotAttached,
      message: 'agent not attached',
      data: { agent_id: 'ear' },
    });
  }
});

test('meetings › when two principals choose one id › then each has its own, and a summary is asked for in its owner’s name', async () => {
  const { join } = start();
  const ear = await speaker(join, 'acme', 'ear');
  const sage = await join('@acme', 'sage');
  const [alice, bob, boss] = [await join('alice@acme'), await join('bob@acme'), await join('boss@acme+host')];
  const streams = [await startMeeting(alice, ear, { id: 'm' }), await startMeeting(bob, ear, { id: 'm' })];
  for (const [at, stream_id] of streams.entries())
    ear.notify('voice.event', { stream_id, type: 'final', text: `said ${at}` });
  const stop = alice.post('meeting.stop', { meeting_id: 'm', summarizer: 'sage' });
  await settle();
  ear.notify('voice.event', { stream_id: streams[0], type: 'ended' });
  for (let n = 0; n < 4; n += 1) await settle();
  const { context, session_id, prompt } = sage.lastChat().params;
  expect(context.principal).toEqual({ tenant: 'acme', sub: 'alice' });
  expect(prompt).toContain('said 0');
  expect(prompt).toContain('meeting, m.');
  sage.answer(sage.lastChat(), { accepted: true });
  sage.emit(session_id, { kind: 'done', finish_reason: 'stop', text: 'Short.' });
  for (let n = 0; n < 4; n += 1) await settle();
  expect(alice.replyTo(stop).result).toEqual({ id: 'm', transcript: 'said 0', summary: 'Short.' });
  expect(await bob.ok('meeting.get', { meeting_id: 'm' })).toMatchObject({
    id: 'm',
    status: 'running',
    transcript: 'said 1',
  });
  const { meetings } = await boss.ok('meeting.list');
  expect(meetings).toHaveLength(2);
  for (const { id } of meetings) {
    expect(id).toMatch(/^m[.][a-z2-7]{13}$/);
    expect(await boss.ok('meeting.get', { meeting_id: id })).toMatchObject({ id });
  }
  // Her other window reads what is over.
  expect((await (await join('alice@acme')).ok('meeting.list')).meetings).toMatchObject([{ id: 'm', status: 'ended' }]);
});

test('a summary › when whoever wants it may not use that agent › then there is none', async () => {
  const { join } = start();
  const ear = await speaker(join, 'default', 'echo');
  const secret = await join('@default', 'secret');
  const narrow = await join('narrow');
  const stream_id = await startMeeting(narrow, ear, { id: 'm' });
  ear.notify('voice.event', { stream_id, type: 'final', text: 'said' });
  const stop = narrow.post('meeting.stop', { meeting_id: 'm', summarizer: 'secret' });
  await settle();
  ear.notify('voice.event', { stream_id, type: 'ended' });
  for (let n = 0; n < 4; n += 1) await settle();
  expect(narrow.replyTo(stop).result).toEqual({ id: 'm', transcript: 'said', summary: null });
  expect(secret.lastChat()).toBeUndefined();
});

test('facts › when an embedder keeps them › then it hears whose they are', async () => {
  const scopes: MemoryScope[] = [];
  const memory: Memory = {
    addFact: (scope) => scopes.push(scope),
    query: () => [],
    delete: () => false,
    factCount: () => 0,
  };
  const { join } = start({ memory });
  for (const client of [await join('alice@acme'), await join('@acme', 'bot')])
    await client.ok('memory.add_fact', { subject: 's', body: 'b' });
  expect(scopes).toMatchObject([
    { kind: 'connection', principal: { tenant: 'acme', sub: 'alice' } },
    { kind: 'agent', id: 'acme/bot', principal: { tenant: 'acme', sub: 'agent:bot' } },
  ]);
});

test('an approval of a turn › when others see it › then its session goes by its agent’s name', async () => {
  const { agent, join, manager } = start();
  const echo = await agent('echo');
  const [alice, watcher, chief] = [await join('alice'), await join('eve+observe'), await manager()];
  for (const client of [alice, watcher, chief]) {
    await client.ok('server.handshake', { protocol_version: 3 });
    await client.ok('host.subscribe');
  }
  await openChat(alice, echo, main);
  const { session_id } = echo.lastChat().params;
  echo.emit(session_id, { kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } });
  await settle();
  const names = async (client: LinkedClient) => [
    (await client.ok('host.approvals')).approvals[0].details.session_id,
    client.received('host.event').find(({ params }) => params.kind === 'approval.requested').params.payload.details
      .session_id,
  ];
  expect(await names(alice)).toEqual(['main', 'main']);
  for (const client of [watcher, chief, echo].slice(0, 2))
    expect(await names(client)).toEqual([session_id, session_id]);
  const { details } = (await echo.ok('host.approvals')).approvals[0];
  expect(details.session_id).toBe(session_id);
});

test('meetings › when they were kept by an earlier start › then they are whose they were, and without a word on that their agent’s or the local person’s', async () => {
  const row = { title: 'Plans', status: 'ended', started_at: 1, ended_at: 2, bytes: 10, agent_id: null } as const;
  const heads: MeetingHead[] = [
    { ...row, id: 'm.abcdefghijklm', name: 'm', owner: { tenant: 'default', sub: 'alice' } },
    { ...row, id: 'm', started_at: 2 },
    { ...row, id: 'theirs', started_at: 3, agent_id: 'echo' },
  ];
  const meetingStore: MeetingStore = {
    load: () => heads,
    create() {},
    append() {},
    read: async (id) => [{ type: 'final', text: `of ${id}` }],
    remove() {},
  };
  const { join, host, agent, manager } = start({ meetingStore });
  const ids = async (client: LinkedClient) =>
    (await client.ok('meeting.list')).meetings.map(({ id }: { id: string }) => id);
  const read = async (client: LinkedClient, meeting_id: string) =>
    (await client.call('meeting.get', { meeting_id })).result?.transcript;
  const [alice, local, echo, bob] = [await join('alice'), await host(), await agent('echo'), await join('bob')];
  expect([await ids(alice), await read(alice, 'm')]).toEqual([['m'], 'of m.abcdefghijklm']);
  expect([await ids(local), await read(local, 'm')]).toEqual([['m'], 'of m']);
  expect([await ids(echo), await read(echo, 'theirs')]).toEqual([['theirs'], 'of theirs']);
  expect([await ids(bob), await read(bob, 'm'), await read(bob, 'm.abcdefghijklm')]).toEqual([
    [],
    undefined,
    undefined,
  ]);
  expect(await ids(await manager())).toEqual(['m.abcdefghijklm', 'm', 'theirs']);
});
