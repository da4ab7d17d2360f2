import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it, vi } from 'vitest';
import { openChat, settle } from './support/chat.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { type Message, WireClient } from './support/wire-client.ts';

let daemon: Daemon;
/** Connections that never say a word, or nothing of use, from the start on: they have five seconds. */
let idle: { client: WireClient; since: number }[];
beforeAll(async () => {
  daemon = await startDaemon();
  idle = [];
  for (const text of [undefined, '{', '{"jsonrpc":"2.0","method":"agents.list"}']) {
    const client = await daemon.connect();
    if (text) client.send(text);
    idle.push({ client, since: performance.now() });
  }
});

/** A fresh connection's answer to its first `session.auth`. */
async function auth(params: Message, on = daemon): Promise<{ client: WireClient; reply: Message }> {
  const client = await on.connect();
  return { client, reply: await client.call('session.auth', params) };
}

const MISMATCH = { code: -32603, message: 'auth failed: token mismatch' };

describe('session.auth', () => {
  it('takes the daemon token', async () => {
    const { reply } = await auth({ token: daemon.tokens.daemon });
    expect(reply.result).toEqual({ ok: true, auth_enabled: true });
  });

  it('takes the host token, and gives the management role', async () => {
    const { reply, client } = await auth({ host_token: daemon.tokens.host });
    expect(reply.result).toEqual({ ok: true, auth_enabled: true, role: 'host' });
    expect(await client.ok('agents.remove', { id: 'nobody' })).toEqual({ removed: false });
  });

  it('takes an agent’s own token, of which only a hash is kept', async () => {
    const token = await daemon.register('one');
    expect(token).toMatch(/^[\w-]{43}$/);
    const { reply } = await auth({ token, agent_id: 'one' });
    expect(reply.result).toEqual({ ok: true, auth_enabled: true, agent_id: 'one' });
    const file = readFileSync(join(daemon.home, 'agents.json'), 'utf8');
    expect(file).not.toContain(token);
    expect(JSON.parse(file).agents).toMatchObject([{ id: 'one', token_hash: expect.stringMatching(/^[0-9a-f]{64}$/) }]);
  });

  it.each<[string, () => Promise<object>]>([
    ['a made-up token', async () => ({ token: 'x'.repeat(43) })],
    ['the host token as daemon token', async () => ({ token: daemon.tokens.host })],
    ['the daemon token as host token', async () => ({ host_token: daemon.tokens.daemon })],
    ['the daemon token for an agent', async () => ({ token: daemon.tokens.daemon, agent_id: 'one' })],
    ['an agent’s token without its id', async () => ({ token: await daemon.register('two') })],
    ['an agent’s token for another', async () => ({ token: await daemon.register('two'), agent_id: 'one' })],
    ['any token for an unknown agent', async () => ({ token: 'x', agent_id: 'never-seen' })],
    ['an empty token', async () => ({ token: '' })],
  ])('refuses %s', async (_, params) => {
    const { reply, client } = await auth(await params());
    expect(reply.error).toEqual(MISMATCH);
    // It may try again.
    expect(await client.ok('session.auth', { token: daemon.tokens.daemon })).toMatchObject({ ok: true });
  });

  it.each<[string, object]>([
    ['no token at all', {}],
    ['a number', { token: 7 }],
    ['an id of other characters', { token: 'x', agent_id: 'a b' }],
  ])('%s is -32602, and no attempt', async (_, params) => {
    const { reply, client } = await auth(params);
    expect(reply.error).toMatchObject({ code: -32602, data: { issues: [expect.anything()] } });
    for (let i = 0; i < 5; i++) await client.call('session.auth', params);
    expect(await client.ok('session.auth', { token: daemon.tokens.daemon })).toMatchObject({ ok: true });
  });

  it('closes with 4401 at the fifth wrong token', async () => {
    const client = await daemon.connect();
    for (let i = 0; i < 5; i++) expect((await client.call('session.auth', { token: 'no' })).error).toEqual(MISMATCH);
    expect(await client.closed).toMatchObject({ code: 4401 });
  });

  it('gets -32600 the second time', async () => {
    const client = await daemon.host();
    const again = await client.call('session.auth', { token: daemon.tokens.daemon });
    expect(again.error.code).toBe(-32600);
    await client.settled();
  });

  it('has to come first: anything else gets -32001, and a close with 4401', async () => {
    for (const method of ['agents.list', 'server.handshake', 'no.such']) {
      const client = await daemon.connect();
      expect((await client.call(method, { protocol_version: 3 })).error.code).toBe(-32001);
      expect(await client.closed).toMatchObject({ code: 4401 });
    }
  });

  it('has to come within five seconds, whatever else does', async () => {
    for (const { client, since } of idle) {
      expect(await client.closed).toMatchObject({ code: 4401 });
      const waited = performance.now() - since;
      expect(waited).toBeGreaterThan(4_500);
      expect(waited).toBeLessThan(9_000);
    }
    // Who came in time stays.
    expect(idle[0]?.client.frames).toEqual([]);
  });
});

describe('an agent that authenticates again', () => {
  it('takes over: the old connection is closed with 4409, its turns end, and nothing of it is heard', async () => {
    const token = await daemon.register('twice');
    const { client: old } = await auth({ token, agent_id: 'twice' });
    const host = await daemon.host();
    const lost = await openChat(host, old, { agent_id: 'twice' });
    const { client: fresh, reply } = await auth({ token, agent_id: 'twice' });
    expect(reply.result.agent_id).toBe('twice');
    lost.emit({ kind: 'token', delta: 'too late' });
    expect(await old.closed).toEqual({ code: 4409, reason: 'replaced by a newer connection' });
    expect(old.cancels(lost.turnId)).toEqual(['agent_replaced']);
    expect(await host.terminal(lost.turnId)).toMatchObject({
      kind: 'error',
      code: 'agent_replaced',
      synthesized: true,
    });

    const chat = await openChat(host, fresh, { agent_id: 'twice', session_id: lost.sessionId });
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    await host.terminal(chat.turnId);
    await settle(fresh, host);
    expect(host.events(lost.turnId)).toHaveLength(1);
    expect(await host.ok('agents.list')).toContainEqual(
      expect.objectContaining({ spec: expect.objectContaining({ id: 'twice' }), attached: true }),
    );
  });
});

describe('a token that was rotated', () => {
  it('no longer opens the door, and leaves who is inside alone', async () => {
    const before = await daemon.register('turning');
    const { client: inside } = await auth({ token: before, agent_id: 'turning' });
    const manager = await daemon.manager();
    const changed = await manager.ok('agents.upsert', { id: 'turning', name: 'Turning' });
    expect(changed).toEqual({ spec: { id: 'turning', name: 'Turning', capabilities: [], metadata: {} } });
    const after = await daemon.register('turning');
    expect((await auth({ token: before, agent_id: 'turning' })).reply.error).toEqual(MISMATCH);
    await inside.settled();
    expect((await auth({ token: after, agent_id: 'turning' })).reply.result).toMatchObject({ agent_id: 'turning' });
    expect(await inside.closed).toMatchObject({ code: 4409 });
  });
});

describe('server.handshake', () => {
  it.each([2, 3])('answers version %i as often as it is asked', async (protocol_version) => {
    const client = await daemon.host();
    const answer = {
      protocol_version,
      server_version: '0.1.0',
      client_protocol_version: protocol_version,
      limits: {
        max_message_bytes: 16 * 1024 * 1024,
        max_turns_per_connection: 1000,
        max_pending_tools: expect.any(Number),
        resume_window_ms: expect.any(Number),
      },
      epoch: expect.stringMatching(/^[0-9a-f]{16}$/),
      durable: 'process',
    };
    expect(await client.ok('server.handshake', { protocol_version, client_version: 'x' })).toEqual(answer);
    expect(await client.ok('server.handshake', { protocol_version })).toEqual(answer);
  });

  it('is needed for nothing that there is today', async () => {
    const client = await daemon.host();
    expect(await client.ok('agents.list')).toEqual(expect.any(Array));
    expect(await client.ok('agents.chat.sessions')).toEqual({ sessions: [] });
  });
});

describe('without authentication', () => {
  it('everybody may do everything, and says who they are without proof', async () => {
    const open = await startDaemon({ flags: ['--no-auth'] });
    const silent = await open.connect();
    expect(await silent.ok('agents.list')).toEqual([]);
    expect((await auth({ token: 'anything' }, open)).reply.result).toEqual({ ok: true, auth_enabled: false });
    expect((await auth({ host_token: '' }, open)).reply.result).toEqual({
      ok: true,
      auth_enabled: false,
      role: 'host',
    });
    const { client: agent, reply } = await auth({ agent_id: 'free' }, open);
    expect(reply.result).toEqual({ ok: true, auth_enabled: false, agent_id: 'free' });
    const chat = await openChat(silent, agent, { agent_id: 'free' });
    chat.emit({ kind: 'done', finish_reason: 'stop' });
    expect(await silent.terminal(chat.turnId)).toMatchObject({ kind: 'done', agent_id: 'free' });
  });
});

describe('before the upgrade', () => {
  it.each<[string, object, number]>([
    ['a page of somebody else’s', { origin: 'https://evil.example' }, 403],
    ['a rebound name', { headers: { host: 'evil.example' } }, 403],
  ])('%s is turned away', async (_, options, status) => {
    await expect(WireClient.open(daemon.url, options)).rejects.toThrow(`Unexpected server response: ${status}`);
  });

  it('the broker’s own page, and the allowed ones, get in', async () => {
    const friendly = await startDaemon({ flags: ['--allow-origin', 'https://app.example'] });
    const own = friendly.url.replace('ws:', 'http:');
    for (const origin of [own, 'https://app.example']) await WireClient.open(friendly.url, { origin });
    await expect(WireClient.open(friendly.url, { origin: 'https://app.example.evil' })).rejects.toThrow('403');
  });

  it('one connection too many gets 503, and one that has gone makes room', async () => {
    const small = await startDaemon({ flags: ['--max-connections', '1'] });
    const first = await small.host();
    await expect(small.connect()).rejects.toThrow('503');
    expect((await small.get('/healthz')).status).toBe(200);
    first.close();
    await first.closed;
    // The broker hears of the end a moment later than its peer.
    const next = await vi.waitFor(() => small.host());
    expect(await next.ok('agents.list')).toEqual([]);
  });
});
