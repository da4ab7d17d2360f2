import type { IncomingMessage } from 'node:http';
import { describe, expect, onTestFinished, test } from 'vitest';
import { WebSocket } from 'ws';
import { z } from 'zod';
import { type AuthAnswer, type AuthQuestion, createBroker } from '../../../broker.ts';
import { CloseCode } from '../../../protocol/close-codes.ts';
import { ErrorCode } from '../../../protocol/errors.ts';
import { type Message, openChat, settle, startLinked } from '../../support/linked.ts';
import { parked } from './parked-auth.ts';

const MISMATCH = { code: ErrorCode.InternalError, message: 'auth failed: token mismatch' };

/** What one `session.auth` comes to where the function gives this. */
async function answerTo(auth: () => unknown, params: object): Promise<Message> {
  return startLinked({ auth: auth as () => AuthAnswer })
    .connect()
    .call('session.auth', params);
}

describe('auth as a function › when it says who a token is', () => {
  test.each<[what: string, answer: AuthAnswer, params: object, result: object]>([
    ['true', true, { token: 't' }, {}],
    ['nothing in particular', {}, { token: 't' }, {}],
    ['a client by name', { role: 'client', name: 'Ada' }, { token: 't' }, {}],
    ['the agent that was named', { agentId: 'echo' }, { token: 't', agent_id: 'echo' }, { agent_id: 'echo' }],
    ['an agent by its token alone', { role: 'agent', agentId: 'echo' }, { token: 't' }, { agent_id: 'echo' }],
    ['the management role', { role: 'host' }, { host_token: 't' }, { role: 'host' }],
    ['the management role by its token alone', { role: 'host' }, { token: 't' }, { role: 'host' }],
    ['somebody without any token', { role: 'client' }, {}, {}],
  ])('%s › then that is who it is', async (_what, answer, params, result) => {
    for (const give of [() => answer, async () => answer])
      expect((await answerTo(give, params)).result).toEqual({ ok: true, auth_enabled: true, ...result });
  });

  test('then it was shown what was sent, and the broker’s own tokens never', async () => {
    const linked = parked();
    const { token = '' } = linked.broker.upsertAgent({ id: 'own' });
    await linked.host();
    await linked.manager();
    await linked.connect().ok('session.auth', { agent_id: 'own', token });
    expect(linked.asked).toEqual([]);
    linked.connect().post('session.auth', { token: 'a', agent_id: 'x' });
    linked.connect().post('session.auth', { host_token: 'b' });
    await settle();
    const signal = expect.any(AbortSignal);
    expect(linked.asked.map(({ question }) => question)).toEqual([
      { token: 'a', agentId: 'x', hostToken: undefined, request: undefined, signal },
      { token: undefined, agentId: undefined, hostToken: 'b', request: undefined, signal },
    ]);
  });

  test('an agent that is attached already › then the new connection takes over', async () => {
    const linked = parked();
    const older = await linked.agent('echo');
    const newer = linked.connect();
    newer.post('session.auth', { token: 't', agent_id: 'echo' });
    await settle();
    expect(older.closed).toBeUndefined();
    linked.asked[0]?.answer({ agentId: 'echo' });
    await settle();
    expect(older.closed).toBe(CloseCode.Replaced);
    const host = await linked.host();
    expect(await openChat(host, newer, { agent_id: 'echo' })).toMatchObject({ accepted: true });
  });

  test('by name › then handlers of the embedder are told it', async () => {
    const linked = startLinked({ auth: () => ({ name: 'Ada' }) });
    linked.broker.method('me', { schema: z.object({}), handler: (_params, { name, role }) => `${name} ${role}` });
    const client = linked.connect();
    await client.ok('session.auth', { token: 't' });
    expect(await client.ok('me')).toBe('Ada client');
  });

  test('over a socket › then it sees the request with its cookies', async () => {
    const seen: unknown[] = [];
    await using broker = createBroker({
      auth: ({ request }) => {
        seen.push((request as IncomingMessage).httpVersion, request?.headers.cookie, request?.url);
        return request?.headers.cookie === 'session=7';
      },
    });
    const { url } = await broker.listen({ port: 0 });
    const socket = new WebSocket(`${url}/some/path`, { headers: { cookie: 'session=7' } });
    onTestFinished(() => socket.terminate());
    await new Promise((resolve) => socket.once('open', resolve));
    const answer = new Promise((resolve) => socket.once('message', (data) => resolve(JSON.parse(data.toString()))));
    socket.send(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.auth', params: {} }));
    expect(await answer).toMatchObject({ result: { ok: true } });
    expect(seen).toEqual(['1.1', 'session=7', '/some/path']);
  });
});

describe('auth as a function › when it refuses', () => {
  const fails = [
    'throws',
    () => {
      throw new Error('the directory is down');
    },
  ] as const;
  test.each<readonly [what: string, auth: () => unknown, params?: object]>([
    ['says nothing', () => undefined],
    ['says null', () => null],
    ['says false', async () => false],
    fails,
    ['rejects', () => Promise.reject(undefined)],
    ['gives a string', () => 'client'],
    ['gives a role that is none', () => ({ role: 'admin' })],
    ['gives an agent’s role, and no agent', () => ({ role: 'agent' })],
    ['gives an agent’s id with another role', () => ({ role: 'host', agentId: 'echo' })],
    ['gives an id that is none', () => ({ agentId: 'a b' })],
    ['gives a name that is none', () => ({ name: 7 })],
    ['gives something that this version does not know', () => ({ role: 'client', tenant: 'acme' })],
    ['gives a getter that throws', () => Object.defineProperty({}, 'role', { enumerable: true, get: fails[1] })],
    ['gives another agent than was named', () => ({ agentId: 'other' }), { token: 't', agent_id: 'echo' }],
    ['gives true to somebody who names an agent', () => true, { token: 't', agent_id: 'echo' }],
    ['gives true to somebody with a host token', () => true, { token: 't', host_token: 'x' }],
  ])('and %s › then the one text, and the connection may try again', async (_what, auth, params = { token: 't' }) => {
    const linked = startLinked({ auth: auth as () => AuthAnswer });
    const client = linked.connect();
    expect((await client.call('session.auth', params)).error).toEqual(MISMATCH);
    expect(client.closed).toBeUndefined();
    expect(await client.ok('session.auth', { token: linked.broker.tokens.daemon })).toMatchObject({ ok: true });
  });

  test('five times › then the fifth closes, and what was sent behind it is not even asked', async () => {
    let asked = 0;
    const linked = startLinked({
      auth: () => {
        asked += 1;
        return undefined;
      },
    });
    const client = linked.connect();
    for (let attempt = 0; attempt < 20; attempt += 1) client.post('session.auth', { token: `wrong ${attempt}` });
    client.post('session.auth', { token: linked.broker.tokens.daemon });
    await settle();
    expect(asked).toBe(5);
    expect(client.frames.map(({ id, error }) => [id, error])).toEqual([1, 2, 3, 4, 5].map((id) => [id, MISMATCH]));
    expect(client.closed).toBe(CloseCode.NotAuthenticated);
  });

  test('by throwing › then the log hears why, and the token is not in it', async () => {
    const logged: unknown[] = [];
    const log = { debug() {}, info() {}, warn() {}, error: (...words: unknown[]) => logged.push(words) };
    const auth = ({ token, hostToken }: AuthQuestion) => Promise.reject(new Error(`unknown: ${token} ${hostToken}`));
    await startLinked({ auth, log }).connect().call('session.auth', { token: 's3cret', host_token: 'h1dden' });
    expect(logged).toHaveLength(1);
    expect(JSON.stringify(logged)).toContain('unknown: <token> <token>');
    expect(JSON.stringify(logged)).not.toMatch(/s3cret|h1dden/);
  });
});
