import { describe, expect, it, test } from 'vitest';
import type { AuthIdentity } from '../../broker.ts';
import { CloseCode } from '../../protocol/close-codes.ts';
import { bearerOf, chooseSubprotocol } from '../../transport/bearer.ts';
import { readMetric } from '../support/metrics.ts';
import { http, SocketClient, startListening, upgradeHeaders } from './socket-client.ts';

const MISMATCH = { status: 401, body: 'auth failed: token mismatch\n' };

/** A broker on a port, with a log that the test reads. */
async function startLogged(options: Parameters<typeof startListening>[0] = {}) {
  const lines: string[] = [];
  const note = (fields: object, text: string) => void lines.push(`${text} ${JSON.stringify(fields)}`);
  const log = { debug: note, info: note, warn: note, error: note };
  return { ...(await startListening({ log, ...options })), lines };
}

describe('bearerOf', () => {
  it.each([
    [{}, undefined],
    [{ authorization: 'Bearer abc' }, 'abc'],
    [{ authorization: 'bearer   abc ' }, 'abc'],
    [{ authorization: 'Bearer' }, ''],
    [{ authorization: 'Basic abc' }, undefined],
    [{ authorization: 'Bearerabc' }, undefined],
    [{ 'sec-websocket-protocol': 'switchboard, bearer.abc' }, 'abc'],
    [{ 'sec-websocket-protocol': 'chat' }, undefined],
    [{ 'sec-websocket-protocol': 'bearer.a,bearer.b' }, ''],
    [{ authorization: 'Bearer a', 'sec-websocket-protocol': 'bearer.b' }, ''],
    [{ authorization: 'Bearer a', 'sec-websocket-protocol': 'switchboard, bearer.a' }, 'a'],
    [{ authorization: `Bearer ${'x'.repeat(8_193)}` }, ''],
  ])('reads %j as %j', (headers, token) => {
    expect(bearerOf({ headers } as Parameters<typeof bearerOf>[0])).toBe(token);
  });
});

test('chooseSubprotocol › whatever is on offer › then it is no token', () => {
  expect(chooseSubprotocol(new Set(['bearer.x', 'switchboard']))).toBe('switchboard');
  expect(chooseSubprotocol(new Set(['bearer.x', 'chat']))).toBe('chat');
  expect(chooseSubprotocol(new Set(['bearer.x']))).toBe(false);
});

test('an upgrade › when it comes with a key in Authorization › then it is authenticated at once, and no stranger', async () => {
  const { broker, address } = await startListening({ limits: { maxUnauthenticatedConnections: 1 } });
  const { token } = await broker.keys.add({ name: 'alice', scopes: ['host'] });
  const headers = { authorization: `Bearer ${token}` };
  const clients = [];
  for (let n = 0; n < 3; n += 1) clients.push(await SocketClient.connect(address, { headers }));
  const [first, second, third] = clients as [SocketClient, SocketClient, SocketClient];
  expect(await first.ok('agents.list')).toEqual([]);
  // More than a stranger may send.
  await first.call('agents.upsert', { id: 'a', metadata: { x: 'x'.repeat(70_000) } });
  const who = { ok: true, auth_enabled: true, role: 'host', sub: 'alice', tenant: 'default' };
  expect(await second.ok('session.auth', {})).toEqual(who);
  expect(await third.ok('session.auth', { token })).toEqual(who);
  expect((await third.call('session.auth', { token: broker.tokens.daemon })).error.code).toBe(-32600);
  await broker.keys.remove({ name: 'alice' });
  expect(await Promise.all(clients.map(({ closed }) => closed))).toEqual(clients.map(() => CloseCode.Forbidden));
});

test('an upgrade › when it comes with a key among its subprotocols › then it is authenticated, and told only switchboard', async () => {
  const { broker, port, lines } = await startLogged({ allowedOrigins: ['https://example.org'] });
  const { token } = await broker.keys.add({ name: 'alice' });
  const headers = { 'Sec-WebSocket-Protocol': `switchboard, bearer.${token}`, Origin: 'https://example.org' };
  const answer = await http(port, '/', { headers: upgradeHeaders(headers) });
  expect(answer.status).toBe(101);
  expect(answer.headers['sec-websocket-protocol']).toBe('switchboard');
  expect(lines.join('\n')).not.toContain(token);
});

test.each([
  ['the daemon token', 'daemon', undefined],
  ['the host token', 'host', 'host'],
] as const)('an upgrade › when it comes with %s › then it is that', async (_, kind, role) => {
  const { broker, address } = await startListening();
  const headers = { authorization: `Bearer ${broker.tokens[kind]}` };
  const client = await SocketClient.connect(address, { headers });
  expect((await client.ok('session.auth', {})).role).toBe(role);
});

test('an upgrade › when its token is nobody’s › then 401 with one text, counted, and logged without it', async () => {
  const { broker, port, lines } = await startLogged();
  const door = await broker.keys.add({ name: 'door', fronts: ['openai'] });
  const gone = await broker.keys.add({ name: 'gone' });
  await broker.keys.remove({ name: 'gone' });
  for (const token of ['wrong', `sbk_${'x'.repeat(43)}`, '', door.token, gone.token]) {
    const answer = await http(port, '/', { headers: upgradeHeaders({ Authorization: `Bearer ${token}` }) });
    expect(answer).toMatchObject(MISMATCH);
    expect(answer.headers['www-authenticate']).toBe('Bearer');
    if (token) expect(lines.join('\n')).not.toContain(token);
  }
  const said = lines.filter((line) => line.startsWith('an upgrade was refused'));
  expect(said.map((line) => line.replace(' {}', ''))).toEqual([
    'an upgrade was refused: a bearer token that is nobody’s',
    'an upgrade was refused: a key that nobody has made',
    'an upgrade was refused: a bearer token that is nobody’s',
    'an upgrade was refused: a key that is not for this way in',
    'an upgrade was refused: a key that was removed',
  ]);
  expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 401: 5 });
  expect(await readMetric(broker, 'auth_refusals_total')).toEqual({
    bearer: 2,
    key_unknown: 1,
    key_front: 1,
    key_removed: 1,
  });
});

test('upgrades with wrong tokens › when they are too many › then 429, and a right one still comes in', async () => {
  const { broker, port } = await startListening({ limits: { pagesPerSecond: 1, pageBurst: 2 } });
  const tries = async (token: string) =>
    (await http(port, '/', { headers: upgradeHeaders({ Authorization: `Bearer ${token}` }) })).status;
  expect([await tries('a'), await tries('b'), await tries('c')]).toEqual([401, 401, 429]);
  expect(await tries((await broker.keys.add({ name: 'alice' })).token)).toBe(101);
});

test('an upgrade › when an embedder’s function decides › then its token is for the function, as before', async () => {
  const { address } = await startListening({
    auth: ({ request }) => request?.headers.authorization === 'Bearer theirs' && { sub: 'ada' },
  });
  const client = await SocketClient.connect(address, { headers: { authorization: 'Bearer theirs' } });
  expect(await client.ok('session.auth', {})).toMatchObject({ sub: 'ada' });
});

test('an upgrade › when authentication is off › then any token will do, and says nothing', async () => {
  const { address } = await startListening({ auth: false });
  const client = await SocketClient.connect(address, { headers: { authorization: 'Bearer whatever' } });
  expect(await client.ok('session.auth', { token: '' })).toEqual({ ok: true, auth_enabled: false });
});

describe('broker.identifyBearer', () => {
  const request = (authorization?: string) => ({
    headers: { authorization },
    socket: { remoteAddress: '127.0.0.1' },
  });

  it('says who a key is, for the fronts that it is for, and a connection so made ends with it', async () => {
    const { broker } = await startListening();
    const { token } = await broker.keys.add({ name: 'alice', fronts: ['openai'], agents: ['echo'] });
    expect(await broker.identifyBearer(request(`Bearer ${token}`))).toBeUndefined();
    const who = (await broker.identifyBearer(request(`Bearer ${token}`), 'openai')) as AuthIdentity;
    expect(who).toMatchObject({ role: 'client', sub: 'alice', tenant: 'default', name: 'alice', scopes: ['chat'] });
    expect(who.mayUse?.('other')).toBe(false);
    expect(JSON.stringify(who)).not.toContain(token);
    const closed = new Promise((resolve) => {
      broker.connect({ principal: who }).open({ text() {}, binary() {}, closed: resolve });
    });
    await broker.keys.remove({ name: 'alice' });
    expect(await closed).toBe(CloseCode.Forbidden);
    // Whoever was told so before is nobody since.
    const late = new Promise((resolve) => {
      broker.connect({ principal: who }).open({ text() {}, binary() {}, closed: resolve });
    });
    expect(await late).toBe(CloseCode.NotAuthenticated);
  });

  it('says nobody of no token and of a wrong one, counts them, and asks an embedder’s function', async () => {
    const plain = await startListening();
    for (const header of [undefined, 'Bearer wrong', 'Basic x'])
      expect(await plain.broker.identifyBearer(request(header))).toBeUndefined();
    expect(await readMetric(plain.broker, 'auth_refusals_total')).toEqual({ no_token: 2, bearer: 1 });
    const { broker } = await startListening({
      auth: async ({ token, signal }) => {
        if (token === 'throws') throw new Error('no');
        if (token === 'slow') await new Promise((resolve) => signal.addEventListener('abort', resolve));
        return token === 'ada' && { sub: 'ada' };
      },
      limits: { authTimeoutMs: 50 },
    });
    expect(await broker.identifyBearer(request('Bearer ada'))).toMatchObject({ sub: 'ada' });
    for (const token of ['bob', 'throws', 'slow'])
      expect(await broker.identifyBearer(request(`Bearer ${token}`))).toBeUndefined();
    expect(await readMetric(broker, 'auth_refusals_total')).toEqual({ function: 3 });
  });
});
