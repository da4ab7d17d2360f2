import { describe, expect, test } from 'vitest';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { settle, startLinked } from '../../support/linked.ts';

const { InternalError, InvalidParams, InvalidRequest, AuthRequired, MethodNotFound } = ErrorCode;
const MISMATCH = { code: InternalError, message: 'auth failed: token mismatch' };

describe('tokens › when nobody sets them', () => {
  test('they are 32 random bytes in base64url, other ones for each broker and each purpose', () => {
    const all = [startLinked(), startLinked()].flatMap(({ broker }) => [broker.tokens.daemon, broker.tokens.host]);
    all.push(startLinked().broker.upsertAgent({ id: 'a' }).token ?? '');
    expect(new Set(all).size).toBe(5);
    for (const token of all) expect(token).toMatch(/^[A-Za-z0-9_-]{43}$/);
  });
});

describe('tokens › when an embedder sets them', () => {
  test('to nothing › then they count as not set, and nothing lets nobody in', async () => {
    const { broker, connect } = startLinked({ tokens: { daemon: '', host: '' } });
    expect(broker.tokens.daemon).toMatch(/^[A-Za-z0-9_-]{43}$/);
    expect((await connect().call('session.auth', { token: '' })).error).toEqual(MISMATCH);
    expect((await connect().call('session.auth', { host_token: '' })).error).toEqual(MISMATCH);
  });
});

describe('session.auth › when the token is right', () => {
  test('the daemon token › then the client is in, with no role', async () => {
    const { broker, connect } = startLinked();
    const client = connect();
    expect(await client.ok('session.auth', { token: broker.tokens.daemon })).toEqual({ ok: true, auth_enabled: true });
    expect(await client.ok('agents.list')).toEqual([]);
    expect((await client.call('agents.upsert', { id: 'a' })).error.code).toBe(MethodNotFound);
  });

  test('an agent’s own › then it is attached under its id', async () => {
    const { broker, connect } = startLinked();
    const { token } = broker.upsertAgent({ id: 'echo' });
    const client = connect();
    expect(await client.ok('session.auth', { agent_id: 'echo', token })).toEqual({
      ok: true,
      auth_enabled: true,
      agent_id: 'echo',
    });
    expect(await client.ok('agents.list')).toMatchObject([
      { spec: { id: 'echo' }, attached: true, status: 'running', session_id: expect.stringMatching(/^client-/) },
    ]);
  });

  test('the host token › then the client has the management role', async () => {
    const { broker, connect } = startLinked({ tokens: { host: 'set by hand' } });
    expect(broker.tokens.host).toBe('set by hand');
    const client = connect();
    const result = await client.ok('session.auth', { host_token: 'set by hand' });
    expect(result).toEqual({ ok: true, auth_enabled: true, role: 'host' });
    await client.ok('agents.upsert', { id: 'a' });
  });

  test('both the daemon token and the host token › then the host token decides', async () => {
    const { broker, connect } = startLinked();
    const { daemon: token, host: host_token } = broker.tokens;
    expect(await connect().ok('session.auth', { token, host_token })).toMatchObject({ role: 'host' });
    expect((await connect().call('session.auth', { token, host_token: 'wrong' })).error).toEqual(MISMATCH);
  });
});

describe('session.auth › when the token is wrong', () => {
  test.each<[what: string, params: (right: { daemon: string; host: string; agent: string }) => object]>([
    ['a made-up one', () => ({ token: 'wrong' })],
    ['an empty one', () => ({ token: '' })],
    ['the daemon token, one letter short', ({ daemon }) => ({ token: daemon.slice(0, -1) })],
    ['the daemon token and a space', ({ daemon }) => ({ token: `${daemon} ` })],
    ['the host token as the daemon token', ({ host }) => ({ token: host })],
    ['the daemon token as the host token', ({ daemon }) => ({ host_token: daemon })],
    ['an agent’s token without its id', ({ agent }) => ({ token: agent })],
    ['an agent with the daemon token', ({ daemon }) => ({ agent_id: 'echo', token: daemon })],
    ['an agent with the host token', ({ host }) => ({ agent_id: 'echo', token: host })],
    ['an agent with another agent’s token', ({ agent }) => ({ agent_id: 'other', token: agent })],
    ['an agent that nobody knows', ({ agent }) => ({ agent_id: 'stranger', token: agent })],
    ['an agent that nobody knows, named __proto__', ({ agent }) => ({ agent_id: '__proto__', token: agent })],
  ])('%s › then the same -32603 as ever, and the right one is still taken', async (_what, params) => {
    const { broker, connect } = startLinked();
    const agent = broker.upsertAgent({ id: 'echo' }).token ?? '';
    broker.upsertAgent({ id: 'other' });
    const client = connect();
    const reply = await client.call('session.auth', params({ ...broker.tokens, agent }));
    expect(reply.error).toEqual(MISMATCH);
    expect(client.closed).toBeUndefined();
    expect(await client.ok('session.auth', { token: broker.tokens.daemon })).toMatchObject({ ok: true });
  });

  test('and another call follows › then -32001, and a close with 4401', async () => {
    const client = startLinked().connect();
    await client.call('session.auth', { token: 'wrong' });
    expect((await client.call('agents.list')).error.code).toBe(AuthRequired);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('five times › then each is answered and the fifth closes with 4401 at once', async () => {
    const { broker, connect } = startLinked();
    const client = connect();
    for (let attempt = 1; attempt <= 4; attempt += 1) {
      expect((await client.call('session.auth', { token: 'wrong' })).error).toEqual(MISMATCH);
      expect(client.closed).toBeUndefined();
    }
    const fifth = client.post('session.auth', { token: 'wrong' });
    const sixth = client.post('session.auth', { token: broker.tokens.daemon });
    await settle();
    expect(client.replyTo(fifth).error).toEqual(MISMATCH);
    expect(client.replyTo(sixth)).toBeUndefined();
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('twenty times in one burst › then five are judged, and the right one behind them comes too late', async () => {
    const { broker, connect } = startLinked();
    const client = connect();
    for (let attempt = 0; attempt < 20; attempt += 1) client.post('session.auth', { token: `wrong ${attempt}` });
    client.post('session.auth', { token: broker.tokens.daemon });
    await settle();
    expect(client.frames).toHaveLength(5);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });
});

describe('session.auth › when its params are wrong', () => {
  test.each<[params: unknown, path: string]>([
    [undefined, 'token'],
    [{}, 'token'],
    [{ agent_id: 'echo' }, 'token'],
    [{ token: 7 }, 'token'],
    [{ token: null }, 'token'],
    [{ host_token: {} }, 'host_token'],
    [{ token: 'x', agent_id: 'a b' }, 'agent_id'],
    [{ token: 'x', agent_id: '' }, 'agent_id'],
    [{ host_token: 'x', agent_id: 'echo' }, 'agent_id'],
    [[1], ''],
    [[], 'token'],
  ])('%j › then -32602 naming %j, which is no wrong token and closes nothing', async (params, path) => {
    const { broker, connect } = startLinked();
    const client = connect();
    for (let attempt = 0; attempt < 6; attempt += 1) {
      const { error } = await client.call('session.auth', params);
      expect(error.code).toBe(InvalidParams);
      expect(error.data.issues.map((issue: { path: string }) => issue.path)).toEqual([path]);
    }
    await client.ok('session.auth', { token: broker.tokens.daemon });
  });
});

describe('session.auth › when the connection is authenticated already', () => {
  test('whatever comes › then -32600, and it stays what it was', async () => {
    const linked = startLinked();
    const { daemon: token, host: host_token } = linked.broker.tokens;
    const agent = await linked.agent('echo');
    for (const params of [{ token }, { host_token }, { token: 'wrong' }, {}]) {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        expect((await agent.call('session.auth', params)).error.code).toBe(InvalidRequest);
      }
    }
    expect((await agent.call('agents.upsert', { id: 'a' })).error.code).toBe(MethodNotFound);
    expect(await agent.ok('agents.list')).toMatchObject([{ attached: true }]);
  });
});

describe('an unauthenticated connection › when it calls anything else', () => {
  test.each(['agents.list', 'server.handshake', 'agents.chat', 'agents.upsert', 'no.such.method', '__proto__'])(
    '%s › then -32001, a close with 4401, and nothing after it is heard',
    async (method) => {
      const { broker, connect } = startLinked();
      const client = connect();
      const id = client.post(method, { protocol_version: 3 });
      client.post('session.auth', { token: broker.tokens.daemon });
      await settle();
      expect(client.frames).toEqual([{ jsonrpc: '2.0', id, error: expect.objectContaining({ code: AuthRequired }) }]);
      expect(client.closed).toBe(CloseCode.NotAuthenticated);
    },
  );
});

describe('an unauthenticated connection › when time passes', () => {
  test('five seconds › then it is closed with 4401, and not before', async () => {
    const { advance, connect } = startLinked();
    const client = connect();
    await advance(4_990);
    expect(client.closed).toBeUndefined();
    await advance(30);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('and it sends wrong tokens, garbage and notifications meanwhile › then that buys no time', async () => {
    const { advance, connect } = startLinked();
    const client = connect();
    for (let second = 1; second <= 4; second += 1) {
      await advance(1_000);
      client.post('session.auth', { token: 'wrong' });
      client.send('garbage');
      client.notify('agents.list');
    }
    await settle();
    expect(client.closed).toBeUndefined();
    await advance(1_020);
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('but it has authenticated by then › then it stays', async () => {
    const { broker, advance, connect } = startLinked();
    const client = connect();
    await advance(4_900);
    await client.ok('session.auth', { token: broker.tokens.daemon });
    await advance(60_000);
    expect(await client.ok('agents.list')).toEqual([]);
  });
});

describe('session.auth › when authentication is switched off', () => {
  test('and it is not sent › then calls need none, for as long as one likes', async () => {
    const { advance, connect } = startLinked({ auth: false });
    const client = connect();
    expect(await client.ok('agents.list')).toEqual([]);
    await advance(60_000);
    expect(await client.ok('server.handshake', { protocol_version: 3 })).toMatchObject({ protocol_version: 3 });
    expect((await client.call('agents.upsert', { id: 'a' })).error.code).toBe(MethodNotFound);
  });

  test.each<[params: object, result: object]>([
    [{}, {}],
    [{ token: 'any' }, {}],
    [{ token: 'any', agent_id: 'a' }, { agent_id: 'a' }],
    [{ agent_id: 'a' }, { agent_id: 'a' }],
    [{ host_token: 'any' }, { role: 'host' }],
  ])('%j › then it is taken', async (params, result) => {
    const client = startLinked({ auth: false }).connect();
    expect(await client.ok('session.auth', params)).toEqual({ ok: true, auth_enabled: false, ...result });
    expect((await client.call('session.auth', params)).error.code).toBe(InvalidRequest);
  });

  test('a malformed one › then -32602 all the same', async () => {
    const client = startLinked({ auth: false }).connect();
    expect((await client.call('session.auth', { token: 7 })).error.code).toBe(InvalidParams);
    expect((await client.call('session.auth', { agent_id: 'a', host_token: 'x' })).error.code).toBe(InvalidParams);
  });

  test('a host and an agent that nobody registered › then they chat, and the agent is listed while it is there', async () => {
    const { connect } = startLinked({ auth: false });
    const agent = connect();
    await agent.ok('session.auth', { agent_id: 'walk-in' });
    const host = connect();
    const id = host.post('agents.chat', { agent_id: 'walk-in', prompt: 'hi', session_id: 's' });
    await settle();
    agent.answer(agent.lastChat(), { accepted: true });
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await settle();
    expect(host.replyTo(id).result).toMatchObject({ accepted: true });
    expect(host.events()).toMatchObject([{ kind: 'done', agent_id: 'walk-in' }]);
    const spec = { id: 'walk-in', name: 'walk-in', capabilities: [], metadata: {} };
    expect(await host.ok('agents.list')).toMatchObject([{ spec, attached: true, status: 'running' }]);
    agent.close();
    await settle();
    expect(await host.ok('agents.list')).toEqual([]);
  });
});
