import { describe, expect, test } from 'vitest';
import { ErrorCode } from '../../../protocol/errors.ts';
import { methods } from '../../../protocol/methods.ts';
import { type LinkedClient, openChat, settle, startLinked } from '../../support/linked.ts';

const { ParseError, InvalidRequest, MethodNotFound, InvalidParams } = ErrorCode;

/** Still answers, as if nothing had happened. */
async function expectAlive(client: LinkedClient): Promise<void> {
  expect(client.closed).toBeUndefined();
  expect(await client.ok('agents.list')).toEqual(expect.any(Array));
}

describe('a connection › when a frame is malformed', () => {
  test.each<[what: string, text: string, code: number, id: unknown]>([
    ['not JSON', 'hello', ParseError, null],
    ['empty', '', ParseError, null],
    ['a batch', '[{"jsonrpc":"2.0","id":1,"method":"agents.list"},{"jsonrpc":"2.0"}]', InvalidRequest, null],
    ['null', 'null', InvalidRequest, null],
    ['no version', '{"id":"x","method":"agents.list"}', InvalidRequest, 'x'],
    ['id: null', '{"jsonrpc":"2.0","id":null,"method":"agents.list"}', InvalidRequest, null],
    ['id: 1e400', '{"jsonrpc":"2.0","id":1e400,"method":"agents.list"}', InvalidRequest, null],
    ['id: object', '{"jsonrpc":"2.0","id":{},"method":"agents.list"}', InvalidRequest, null],
    ['method: number', '{"jsonrpc":"2.0","id":"x","method":1}', InvalidRequest, 'x'],
    ['params: number', '{"jsonrpc":"2.0","id":"x","method":"agents.list","params":3}', InvalidRequest, 'x'],
    ['params: array', '{"jsonrpc":"2.0","id":"x","method":"agents.list","params":[1]}', InvalidParams, 'x'],
    ['a malformed response', '{"jsonrpc":"2.0","id":"sb-1","error":"no"}', InvalidRequest, null],
    ['an unknown method', '{"jsonrpc":"2.0","id":"x","method":"agents.fly"}', MethodNotFound, 'x'],
  ])('%s › then it is answered once with its code and id, and the connection lives', async (_what, text, code, id) => {
    const client = await startLinked().host();
    client.frames.length = 0;
    client.send(text);
    await settle();
    expect(client.frames).toEqual([{ jsonrpc: '2.0', id, error: expect.objectContaining({ code }) }]);
    await expectAlive(client);
  });

  test('before authentication › then it is answered too, and the connection may still authenticate', async () => {
    const linked = startLinked();
    const client = linked.connect();
    for (const text of ['{', '[]', '{"jsonrpc":"2.0","id":[],"method":"session.auth"}']) client.send(text);
    await settle();
    expect(client.frames.map((frame) => [frame.id, frame.error.code])).toEqual([
      [null, ParseError],
      [null, InvalidRequest],
      [null, InvalidRequest],
    ]);
    await client.ok('session.auth', { token: linked.broker.tokens.daemon });
    await expectAlive(client);
  });

  test('a thousand times › then each is answered, and another pair chats undisturbed', async () => {
    const linked = startLinked();
    const noisy = await linked.host();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    noisy.frames.length = 0;
    const garbage = ['{', '[]', '7', '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","id":{},"method":"x"}'];
    for (let round = 0; round < 1_000; round += 1) {
      noisy.send(garbage[round % garbage.length]);
      if (round % 10 === 0) agent.emit('s', { kind: 'token', delta: String(round) });
      if (round % 100 === 0) await settle();
    }
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(noisy.frames).toHaveLength(1_000);
    expect(noisy.frames.every((frame) => frame.id === null && frame.error.code <= InvalidRequest)).toBe(true);
    expect(host.events().map((event) => event.seq)).toEqual(Array.from({ length: 101 }, (_, index) => index + 1));
    expect(host.events().at(-1)).toMatchObject({ kind: 'done' });
    await expectAlive(noisy);
  });
});

describe('a connection › when a frame is a notification', () => {
  test('good, bad or unknown › then it never gets a reply', async () => {
    const client = await startLinked().host();
    client.frames.length = 0;
    client.notify('agents.list');
    client.notify('agents.list', []);
    client.notify('agents.chat', { agent_id: 7 });
    client.notify('agents.upsert', { id: 'a' });
    client.notify('session.auth', { token: 'x' });
    client.notify('server.handshake', { protocol_version: 1 });
    client.notify('agents.fly');
    client.notify('__proto__');
    client.notify('agent.chat.event', { session_id: 's' });
    await settle();
    expect(client.frames).toEqual([]);
    await expectAlive(client);
  });

  test('before authentication › then it is dropped: no reply, no effect, no close', async () => {
    const linked = startLinked();
    const client = linked.connect();
    client.notify('agents.upsert', { id: 'a' });
    client.notify('agents.list');
    client.notify('session.auth', { host_token: linked.broker.tokens.host });
    client.notify('agent.chat.event', { session_id: 's', kind: 'token', delta: 'x' });
    client.send('{"jsonrpc":"2.0","id":"sb-1","result":{"accepted":true}}');
    await settle();
    expect(client.frames).toEqual([]);
    expect(client.closed).toBeUndefined();
    await client.ok('session.auth', { token: linked.broker.tokens.daemon });
    expect(await client.ok('agents.list')).toEqual([]);
  });
});

describe('an event › when a stranger sends it', () => {
  test('another agent, the host itself or another turn’s name › then it reaches nobody, and the turn goes on', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    const stranger = await linked.agent('stranger');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    for (const client of [stranger, host, await linked.manager()]) {
      client.frames.length = 0;
      client.emit('s', { kind: 'token', delta: 'forged' });
      client.emit('s', { kind: 'done', finish_reason: 'forged' });
      client.emit('s', { kind: 'error', error: 'forged', agent_id: 'echo' });
    }
    agent.emit('s', { kind: 'done', finish_reason: 'forged', turn_id: 'turn-other' });
    agent.emit('s', { kind: 'token', delta: 'own' });
    await settle();
    expect(host.frames.map((frame) => frame.params)).toMatchObject([{ kind: 'token', delta: 'own', seq: 1 }]);
    for (const client of [host, stranger, agent]) await expectAlive(client);
  });
});

describe('a method › when nobody may call it here', () => {
  test.each([
    ...['runs.start', 'supervision.list', 'voice.transcribe.start', 'voice.speak.cancel', 'meeting.delete'],
    ...['memory.clear', 'a2ui.event', 'a2ui/get', 'tools.progress', 'host.event', 'agents.approve'],
    ...['tools.execute:clock'],
    ...['', '__proto__', 'constructor', 'toString', 'rpc.request', 'xstate.stop', 'AGENTS.LIST', 'agents.list '],
  ])('%j, which is not there › then -32601', async (method) => {
    const client = await startLinked().manager();
    const reply = await client.call(method, {});
    expect(reply.error.code).toBe(MethodNotFound);
    await expectAlive(client);
  });

  test.each(
    Object.entries(methods).flatMap(([name, spec]) =>
      spec.kind === 'request' && spec.direction === 'in' ? [] : [name],
    ),
  )('%s, sent as a request although it is none › then -32601', async (method) => {
    const client = await startLinked().host();
    expect((await client.call(method, {})).error.code).toBe(MethodNotFound);
  });

  test.each(['agents.upsert', 'agents.remove'])(
    '%s, from any other role › then -32601, whatever the params',
    async (method) => {
      const linked = startLinked();
      for (const client of [await linked.host(), await linked.agent('a')]) {
        for (const params of [{ id: 'a' }, {}, undefined]) {
          expect((await client.call(method, params)).error.code).toBe(MethodNotFound);
        }
      }
      expect(await (await linked.manager()).ok('agents.list')).toHaveLength(1);
    },
  );
});

describe('odd names › when they are used as ids', () => {
  test.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty'])(
    '%s, as a session id › then it chats like any other',
    async (id) => {
      const linked = startLinked();
      const host = await linked.host();
      const agent = await linked.agent('echo');
      expect(await host.call('agents.chat.cancel', { session_id: id })).toMatchObject({
        error: { code: ErrorCode.NotFound },
      });
      expect(await openChat(host, agent, { agent_id: 'echo', session_id: id })).toMatchObject({ session_id: id });
      expect((await host.call('agents.chat', { agent_id: 'echo', prompt: '', session_id: id })).error.code).toBe(
        ErrorCode.SessionBusy,
      );
      agent.emit(id, { kind: 'token', delta: 'a' });
      await settle();
      expect((await host.ok('agents.chat.sessions')).sessions).toMatchObject([{ session_id: id, seq: 1 }]);
      await host.ok('agents.chat.cancel', { session_id: id });
      expect(host.events(id).map((event) => event.kind)).toEqual(['token', 'done']);
      expect(Object.prototype).not.toHaveProperty('kind');
    },
  );

  test('as an agent id, a request id and an event’s kind › then they are ordinary', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('__proto__');
    host.send({
      jsonrpc: '2.0',
      id: '__proto__',
      method: 'agents.chat',
      params: { agent_id: '__proto__', prompt: '', session_id: 's' },
    });
    await settle();
    agent.answer(agent.lastChat(), { accepted: true });
    agent.emit('s', { kind: '__proto__' });
    agent.emit('s', { kind: 'constructor' });
    await settle();
    expect(host.replyTo('__proto__').result).toMatchObject({ accepted: true });
    expect(host.events().map((event) => event.kind)).toEqual(['__proto__', 'constructor']);
    expect((await host.call('agents.chat', { agent_id: 'constructor', prompt: '' })).error.code).toBe(
      ErrorCode.AgentNotAttached,
    );
  });
});

describe('fields › when they are passed on', () => {
  /** The raw text of the frames that a client receives, for what parsing would hide. */
  const textOf = (frames: unknown[]) => frames.map((frame) => JSON.stringify(frame));
  const odd = '{"__proto__":{"a":[1]},"constructor":{"prototype":{}},"toJSON":1,"":0,"é\\ud800":"\\u0000"}';

  test('in a chat’s context › then the agent reads them as they were sent, the broker’s keys apart', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    host.send(
      `{"jsonrpc":"2.0","id":"c","method":"agents.chat","params":{"agent_id":"echo","prompt":"","context":${odd}}}`,
    );
    await settle();
    const { host_client_id, voice_input, tools, principal, ...own } = agent.lastChat().params.context;
    expect({ host_client_id, voice_input, tools, principal }).not.toContain(undefined);
    expect(textOf([own])).toEqual(textOf([JSON.parse(odd)]));
    expect(Object.keys(agent.lastChat().params.context)).toContain('__proto__');
  });

  test('in an event › then the host reads them as they were sent, the last of duplicates', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    await openChat(host, agent, { agent_id: 'echo', session_id: 's' });
    agent.send(
      `{"jsonrpc":"2.0","method":"agent.chat.event","params":{"session_id":"other","session_id":"s","kind":"done","kind":"token","delta":1,"delta":"x","__proto__":{"b":1},"__proto__":{"seq":9},"odd":${odd}}}`,
    );
    await settle();
    const [event] = host.events();
    expect(event).toMatchObject({ session_id: 's', kind: 'token', delta: 'x', seq: 1 });
    expect(Object.keys(event)).toContain('__proto__');
    expect(textOf([event.odd])).toEqual(textOf([JSON.parse(odd)]));
    expect(JSON.stringify(event)).toContain('"__proto__":{"seq":9}');
  });

  test('in an agent’s error › then the host reads it as it was sent', async () => {
    const linked = startLinked();
    const host = await linked.host();
    const agent = await linked.agent('echo');
    const id = host.post('agents.chat', { agent_id: 'echo', prompt: '' });
    await settle();
    agent.send(`{"jsonrpc":"2.0","id":"${agent.lastChat().id}","error":{"code":1,"message":"no","data":${odd}}}`);
    await settle();
    const { error } = host.replyTo(id);
    expect(error.code).toBe(ErrorCode.AgentRejected);
    expect(textOf([error.data.agent_error.data])).toEqual(textOf([JSON.parse(odd)]));
  });
});
