import { beforeAll, expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { type LinkedClient, type Message, openChat, settle } from '../../support/linked.ts';
import { create, loadSurfaceSchemas, surfaceEvents } from '../../support/surfaces.ts';
import { SOURCE, speak, startMeeting } from '../../support/voice.ts';
import { startJwts } from './jwts.ts';
import { start } from './people.ts';

/*
 * Whoever looks at all of a tenant, and for whom some of its agents do not exist: nothing that others have to do with those is
 * there either.
 */

beforeAll(loadSurfaceSchemas);

/** Everything that there can be of an agent, with its name in all of it: alice's, and the agent's own. */
async function everythingOf(alice: LinkedClient, agent: LinkedClient, name: string) {
  const capabilities = ['voice.transcribe', 'voice.speak'];
  await agent.ok('host.register_agent', { id: name, name, kind: name, capabilities });
  await agent.ok('host.set_status', { agent_id: name, status: 'running', current_task: name });
  const chat = { agent_id: name, prompt: name, resume_window_ms: 60_000 };
  await openChat(alice, agent, { ...chat, session_id: `${name}-ended` });
  agent.emit(agent.lastChat().params.session_id, { kind: 'done', finish_reason: 'stop' });
  await openChat(alice, agent, { ...chat, session_id: `${name}-live` });
  const { session_id } = agent.lastChat().params;
  agent.emit(session_id, { kind: 'approval_pending', approval_id: `${name}-ask`, tool: name, params: {} });
  await agent.ok('host.request_approval', { action: name });
  await agent.ok('host.notify', { message: name });
  await alice.ok('host.notify', { message: `about ${name}`, agent_id: name });
  const provided = { options: { provider: name } };
  await startMeeting(agent, agent, { id: `${name}-own`, title: name, ...provided });
  const source = { session_id: `${name}-stream`, audio_source: SOURCE };
  const stream = alice.post('voice.transcribe_stream.start', { ...source, ...provided });
  await settle();
  agent.answer(agent.received('voice.transcribe.start').at(-1), { accepted: true });
  await settle();
  expect(alice.replyTo(stream)?.result).toBeDefined();
  await speak(alice, agent, { stream_id: `${name}-speech`, ...provided });
  await agent.ok('a2ui.apply', create(`${name}-own`));
  await agent.ok('a2ui.apply', { ...create(`${name}-shown`), session_id });
  await settle();
  return session_id;
}

const LISTINGS: readonly (readonly [method: string, params: object])[] = [
  ['agents.list', {}],
  ['agents.chat.sessions', {}],
  ['host.agents', {}],
  ['host.events', {}],
  ['host.approvals', {}],
  ['meeting.list', {}],
  ['voice.sessions.list', {}],
  ['voice.tts_stream.list', {}],
  ['voice.providers.list', {}],
  ['a2ui.surfaces', {}],
];

const rowsOf = (answer: Message): Message[] =>
  Array.isArray(answer) ? answer : (Object.values(answer)[0] as Message[]);

test('observe › when an agent does not exist for somebody › then nothing of others that has to do with it does', async () => {
  const { join } = start();
  const [echo, secret] = [await join('', 'echo'), await join('', 'secret')];
  const [alice, wide, narrow] = [await join('alice'), await join('eve+observe'), await join('narrow+observe')];
  for (const client of [wide, narrow]) {
    await client.ok('server.handshake', { protocol_version: 3 });
    await client.ok('host.subscribe');
    await client.ok('a2ui/subscribe');
  }
  const listed = await everythingOf(alice, echo, 'echo');
  const unlisted = await everythingOf(alice, secret, 'secret');

  for (const [method, params] of LISTINGS) {
    const [seen, all] = [rowsOf(await narrow.ok(method, params)), rowsOf(await wide.ok(method, params))];
    const told = JSON.stringify(seen);
    // What is there of the one is there of the other, and of the other alone.
    expect(JSON.stringify(all), method).toContain('secret');
    expect(told, method).toContain('echo');
    expect(told, method).not.toContain('secret');
    // Of what there is of both there are as many rows each.
    const ofEcho = all.filter((row) => JSON.stringify(row).includes('echo'));
    expect(seen.length, method).toBe(ofEcho.length);
  }
  expect(JSON.stringify(narrow.frames)).not.toContain('secret');
  expect(surfaceEvents(narrow).length).toBe(surfaceEvents(wide).length / 2);

  const subscribes = (client: LinkedClient, session_id: string) =>
    client.call('agents.chat.subscribe', { session_id, role: 'observer' });
  expect((await subscribes(narrow, listed)).result).toBeDefined();
  const refused = (await subscribes(narrow, unlisted)).error;
  expect(refused).toEqual((await subscribes(narrow, 'nobody-ever-had-this')).error);
  expect(refused.code).toBe(ErrorCode.NotFound);
  expect((await subscribes(wide, unlisted)).result).toBeDefined();
});

test('observe › when a JWT takes an agent away › then its turns are not watched any more, and one’s own go on', async () => {
  const { agent, by, asks, idp, host } = await startJwts();
  const [echo, secret] = [await agent('echo'), await agent('secret')];
  const local = await host();
  const eve = await by(await idp.token({ sub: 'eve', scope: 'observe chat' }));
  for (const [one, bot] of [
    ['echo', echo],
    ['secret', secret],
  ] as const) {
    await openChat(local, bot, { agent_id: one, session_id: `theirs-${one}`, resume_window_ms: 60_000 });
    await openChat(eve, bot, { agent_id: one, session_id: `own-${one}`, resume_window_ms: 60_000 });
    await eve.ok('agents.chat.subscribe', { session_id: `theirs-${one}`, role: 'observer' });
  }
  const fewer = await idp.token({ sub: 'eve', scope: 'observe chat', agents: ['echo'] });
  expect((await asks(eve, 'session.refresh', { jwt: fewer })).error).toBeUndefined();
  const own = secret.lastChat().params.session_id;
  secret.emit('theirs-secret', { kind: 'token', delta: 'unseen' });
  secret.emit(own, { kind: 'token', delta: 'mine' });
  echo.emit('theirs-echo', { kind: 'token', delta: 'seen' });
  await settle();
  const deltas = eve.events().map(({ delta }) => delta);
  expect(deltas).toEqual(['mine', 'seen']);
  const { sessions } = await eve.ok('agents.chat.sessions');
  expect(sessions.map(({ session_id }: Message) => session_id).sort()).toEqual([
    'own-echo',
    'own-secret',
    'theirs-echo',
  ]);
});
