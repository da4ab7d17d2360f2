import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import type { Message, WireClient } from './support/wire-client.ts';

const MAX_TURNS = 3;

let daemon: Daemon;
let host: WireClient;
let other: WireClient;
let manager: WireClient;
let agent: WireClient;
/** What a chat with an agent that never acknowledges comes to. Asked first, for it takes five seconds. */
let silence: Promise<Message>;

beforeAll(async () => {
  daemon = await startDaemon({ flags: ['--max-turns-per-connection', String(MAX_TURNS)] });
  [host, other, manager] = [await daemon.host(), await daemon.host(), await daemon.manager()];
  agent = await daemon.agent('a');
  await daemon.agent('mute');
  await daemon.register('away');
  silence = other.call('agents.chat', { agent_id: 'mute', prompt: 'hi' });
});

/** Sends one text, and gives the next frame. */
async function send(text: string): Promise<Message> {
  const before = host.frames.length;
  host.send(text);
  return host.when(() => host.frames[before]);
}

/** A turn that lives until the row is over. */
async function withTurn(use: (sessionId: string) => Promise<Message>): Promise<Message> {
  const chat = await openChat(host, agent, { agent_id: 'a' });
  const reply = await use(chat.sessionId);
  chat.emit({ kind: 'done', finish_reason: 'stop' });
  await host.terminal(chat.turnId);
  return reply;
}

/** A chat that the agent answers as given. */
async function answered(result: unknown, error?: object): Promise<Message> {
  const id = host.post('agents.chat', { agent_id: 'a', prompt: 'hi', session_id: 'answered' });
  agent.answer(await agent.chatRequest('answered'), result, error);
  return host.replyTo(id);
}

const request = (fields: object) => JSON.stringify({ jsonrpc: '2.0', id: 'x', method: 'agents.list', ...fields });
const issues = (...paths: string[]) => ({
  issues: paths.map((path) => ({ path, message: expect.any(String) })),
});

const rows: [code: number, when: string, provoke: () => Promise<Message>, id: unknown, data?: object][] = [
  [-32700, 'the text is not JSON', () => send('{"jsonrpc": "2.0", "id": 1'), null],
  [-32700, 'the text is empty', () => send(''), null],
  [-32600, 'it is a batch', () => send('[{"jsonrpc": "2.0", "id": 1, "method": "agents.list"}]'), null],
  [-32600, 'it is no object', () => send('"agents.list"'), null],
  [-32600, 'the version is missing', () => send('{"id": "x", "method": "agents.list"}'), 'x'],
  [-32600, 'the method is no string', () => send(request({ method: 7 })), 'x'],
  [-32600, 'the id is null', () => send(request({ id: null })), null],
  [-32600, 'the id is an object', () => send(request({ id: {} })), null],
  [-32600, 'the id is infinite', () => send('{"jsonrpc":"2.0","id":1e400,"method":"agents.list"}'), null],
  [-32600, 'params is a string', () => send(request({ params: 'x' })), 'x'],
  [-32600, 'it is neither request nor response', () => send('{"jsonrpc": "2.0", "id": 1}'), null],
  [-32601, 'nobody knows the method', () => send(request({ method: 'no.such' })), 'x'],
  [-32601, 'the method is called constructor', () => send(request({ method: 'constructor' })), 'x'],
  [-32601, 'the method is of another role', () => send(request({ method: 'agents.upsert', params: { id: 'b' } })), 'x'],
  [-32601, 'the method is one of the other side', () => send(request({ method: 'agent.chat' })), 'x'],
  [-32602, 'a field is missing', () => send(request({ method: 'agents.chat', params: {} })), 'x'],
  [
    -32602,
    'fields are wrong',
    () => host.call('agents.chat', { agent_id: 'a/b', prompt: 7, on_busy: 'maybe', goal: { check: '' } }),
    expect.anything(),
    issues('agent_id', 'prompt', 'goal.check', 'on_busy'),
  ],
  [
    -32602,
    'the agent is not attached either',
    () => host.call('agents.chat', { agent_id: 'away', prompt: 7 }),
    expect.anything(),
    issues('prompt'),
  ],
  [
    -32602,
    'the session is not there either',
    () => host.call('agents.chat.cancel', { session_id: 'none', grace_ms: -1 }),
    expect.anything(),
    issues('grace_ms'),
  ],
  [
    -32006,
    'the version is another',
    () => host.call('server.handshake', { protocol_version: 4 }),
    expect.anything(),
    { supported: [2, 3] },
  ],
  [-32006, 'the version is missing', () => host.call('server.handshake', {}), expect.anything(), { supported: [2, 3] }],
  [
    -32010,
    'the session has a live turn',
    () => withTurn((session_id) => host.call('agents.chat', { agent_id: 'a', prompt: 'hi', session_id })),
    expect.anything(),
  ],
  [
    -32011,
    'the agent is away',
    () => host.call('agents.chat', { agent_id: 'away', prompt: 'hi' }),
    expect.anything(),
    { agent_id: 'away' },
  ],
  [
    -32011,
    'there is no such agent',
    () => host.call('agents.chat', { agent_id: '__proto__', prompt: 'hi' }),
    expect.anything(),
    { agent_id: '__proto__' },
  ],
  [
    -32012,
    'the agent answers with an error',
    () => answered(undefined, { code: -1, message: 'not today', data: { why: [1] } }),
    expect.anything(),
    { agent_error: { code: -1, message: 'not today', data: { why: [1] } } },
  ],
  [
    -32012,
    'the agent does not accept',
    () => answered({ accepted: false }),
    expect.anything(),
    { agent_error: { accepted: false } },
  ],
  [-32013, 'the agent is silent', () => silence, expect.anything()],
  [-32014, 'the session is not live', () => host.call('agents.chat.cancel', { session_id: 'none' }), expect.anything()],
  [
    -32015,
    'the session is another host’s',
    () => withTurn((session_id) => other.call('agents.chat.cancel', { session_id })),
    expect.anything(),
  ],
  [
    -32015,
    'another host would replace its turn',
    () =>
      withTurn((session_id) =>
        other.call('agents.chat', { agent_id: 'a', prompt: '', session_id, on_busy: 'replace' }),
      ),
    expect.anything(),
  ],
];

describe('an error of section 2, over a real socket', () => {
  it.each(rows)('%i when %s', async (code, _, provoke, id, data) => {
    const reply = await provoke();
    expect(reply).toEqual({
      jsonrpc: '2.0',
      id,
      error: expect.objectContaining({ code, message: expect.any(String) }),
    });
    if (data) expect(reply.error.data).toEqual(data);
    // Whatever it was, the connection lives on.
    await host.settled();
  });

  it('-32020 when a connection has all the turns that it may have', async () => {
    const client = await daemon.host();
    const chats = [];
    for (let i = 0; i < MAX_TURNS; i++) chats.push(await openChat(client, agent, { agent_id: 'a' }));
    const one = { agent_id: 'a', prompt: 'one more' };
    expect((await client.call('agents.chat', one)).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_turns_per_connection', value: MAX_TURNS } },
    });
    // Another connection has its own, and an ended turn makes room.
    chats[0]?.emit({ kind: 'done', finish_reason: 'stop' });
    await client.terminal(chats[0]?.turnId ?? '');
    expect(await openChat(client, agent, one)).toMatchObject({ request: { params: { prompt: 'one more' } } });
    client.close();
  });

  it('-32603 when a token is wrong, -32001 for whatever comes after it, and then 4401', async () => {
    const client = await daemon.connect();
    const refused = await client.call('session.auth', { token: 'wrong' });
    expect(refused.error).toEqual({ code: -32603, message: 'auth failed: token mismatch' });
    expect((await client.call('agents.list')).error.code).toBe(-32001);
    expect(await client.closed).toEqual({ code: 4401, reason: 'not authenticated' });
  });

  it('-32603, without the detail, when the fault is ours', async () => {
    const broken = await startDaemon({ mayFail: true });
    const file = join(broken.home, 'agents.json');
    mkdirSync(file);
    writeFileSync(join(file, 'in-the-way'), '');
    const boss = await broken.manager();
    expect((await boss.call('agents.upsert', { id: 'a' })).error).toEqual({ code: -32603, message: 'internal error' });
    expect(await boss.ok('agents.list')).toEqual([]);
    await broken.program.shows('"msg":"internal error"');
    expect(broken.errors.join()).toContain('agents.json');
    rmSync(file, { recursive: true });
    expect(await boss.ok('agents.upsert', { id: 'a' })).toMatchObject({ token: expect.any(String) });
  });

  it('is sent to no notification, however bad', async () => {
    const before = host.frames.length;
    host.notify('no.such');
    host.notify('agents.chat', {});
    host.notify('agents.chat.cancel', { session_id: 'none' });
    host.notify('agent.chat.event', { session_id: 'none', kind: 'token' });
    host.send('{"jsonrpc":"2.0","method":"x","id":"only-this"}');
    await settle(host);
    const came = host.frames.slice(before).filter(({ result }) => !Array.isArray(result));
    expect(came).toEqual([{ jsonrpc: '2.0', id: 'only-this', error: expect.objectContaining({ code: -32601 }) }]);
  });
});

describe('a frame', () => {
  it.each([['text'], [''], [-0.5], [2 ** 53], ['__proto__']])('keeps its id %j', async (id) => {
    expect(await send(request({ id }))).toMatchObject({ id, result: expect.any(Array) });
  });

  it('counts by the last of its duplicate keys, and the agent is told the same', async () => {
    const text = '{"jsonrpc":"2.0","id":"dup","method":"no.such","method":"agents.chat","params":{"agent_id":"away",';
    host.send(`${text}"agent_id":"a","prompt":"first","prompt":"last","session_id":"dup","context":{"k":1,"k":2}}}`);
    const asked = await agent.chatRequest('dup');
    expect(asked.params).toMatchObject({ prompt: 'last', context: { k: 2 } });
    agent.answer(asked, { accepted: true });
    agent.emit('dup', { kind: 'done', finish_reason: 'stop' });
    const { result } = await host.replyTo('dup');
    await host.terminal(result.turn_id);
  });

  it.each(['__proto__', 'constructor', 'toString', 'a:b.c-d_e'])('may name the session %s', async (session_id) => {
    const chat = await openChat(host, agent, { agent_id: 'a', session_id });
    const { sessions } = await manager.ok('agents.chat.sessions');
    expect(sessions).toContainEqual(expect.objectContaining({ session_id, turn_id: chat.turnId }));
    chat.emit({ kind: 'token', delta: 'x' });
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    await host.terminal(chat.turnId);
    expect(host.events(chat.turnId).map((event) => event.session_id)).toEqual([session_id, session_id]);
  });
});
