import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AuthUnavailableError, type BrokerOptions, mountFronts } from '../../broker.ts';
import { AUDIENCE, ISSUER, Issuer, type Wish } from '../support/jwt.ts';
import { LinkedClient, settle } from '../support/linked.ts';
import { readMetric } from '../support/metrics.ts';
import { http, SocketClient, startListening, upgradeHeaders } from './socket-client.ts';

const METADATA = 'https://broker.example/.well-known/oauth-protected-resource';

/** A broker on a port that takes an issuer's tokens. */
async function start(options: BrokerOptions = {}, jwt: object = {}) {
  const idp = await Issuer.create();
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message);
  const log = { debug() {}, info: line, warn: line, error: line };
  const whose = { issuer: ISSUER, audience: AUDIENCE, jwks: idp.jwks, tenantClaim: 'org', ...jwt };
  const listening = await startListening({ log, ...options, jwt: whose });
  return { ...listening, idp, lines, token: (wish: Wish = {}) => idp.token({ at: Date.now(), ...wish }) };
}

/** What nobody’s fault is answered. */
const NOT_NOW = { status: 503, body: 'tokens cannot be verified just now\n' };

const bearer = (token: string) => ({ authorization: `Bearer ${token}` });

describe('an upgrade with a JWT', () => {
  it('is authenticated at once, and may say so again', async () => {
    const { address, token } = await start();
    const jwt = await token({ scope: 'host', org: 'acme' });
    const client = await SocketClient.connect(address, { headers: bearer(jwt) });
    expect(await client.ok('agents.list')).toEqual([]);
    const who = { ok: true, auth_enabled: true, role: 'host', sub: 'ada', tenant: 'acme' };
    expect(await client.ok('session.auth', {})).toMatchObject(who);
    expect(await client.ok('session.auth', { jwt })).toMatchObject(who);
    expect((await client.call('session.auth', { jwt: await token({ sub: 'bob' }) })).error.code).toBe(-32600);
    expect((await client.call('session.refresh', { jwt: await token({ sub: 'bob' }) })).error.code).toBe(-32603);
    expect(await client.ok('session.refresh', { jwt: await token({ scope: 'host', org: 'acme' }) })).toBeDefined();
  });

  it('may have it among its subprotocols, as a page has to', async () => {
    const { address, token, lines } = await start();
    const jwt = await token();
    const offered = { headers: { 'Sec-WebSocket-Protocol': `switchboard, bearer.${jwt}` } };
    const answer = await http(address.port as number, '/', { headers: upgradeHeaders(offered.headers) });
    expect(answer.status).toBe(101);
    expect(answer.headers['sec-websocket-protocol']).toBe('switchboard');
    expect(lines.join()).not.toContain(jwt);
  });

  it('is refused with 401 where it is nobody’s, and told where tokens come from', async () => {
    const { port, token, idp, lines, broker } = await start();
    for (const jwt of [await token({ aud: 'x' }), await token({ exp: 1 }), `${await token()}x`, 'e30.e30.e30']) {
      const answer = await http(port, '/', { headers: upgradeHeaders(bearer(jwt)) });
      expect(answer).toMatchObject({ status: 401, body: 'auth failed: token mismatch\n' });
      expect(answer.headers['www-authenticate']).toBe(`Bearer resource_metadata="${METADATA}"`);
      expect(answer.body).not.toContain(idp.kid);
    }
    expect(lines).toEqual([
      'an upgrade was refused: a JWT for another audience',
      'an upgrade was refused: a JWT that has expired',
      'an upgrade was refused: a JWT whose signature is wrong',
      'an upgrade was refused: a JWT that is none',
    ]);
    expect(await readMetric(broker, 'upgrades_refused_total')).toEqual({ 401: 4 });
  });

  it('is never taken from a URL', async () => {
    const { address, token } = await start();
    const client = await SocketClient.connect({ ...address, url: `${address.url}/?token=${await token()}` });
    expect((await client.call('agents.list')).error.code).toBe(-32001);
  });

  it('waits for the issuer’s keys, and holds nobody else up; where there are none it may come again', async () => {
    let release = () => {};
    const held = new Promise<void>((resolve) => {
      release = resolve;
    });
    const slow = createServer(async (_request, response) => {
      await held;
      response.writeHead(500).end();
    });
    onTestFinished(() => void slow.close());
    await new Promise<void>((resolve) => slow.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(slow.address() as AddressInfo).port}/`;
    const { broker, address, port, token } = await start({}, { jwks: undefined, jwksUrl });
    const waiting = http(port, '/', { headers: upgradeHeaders(bearer(await token())) });
    await SocketClient.host(broker, address);
    release();
    expect(await waiting).toMatchObject({ ...NOT_NOW, headers: { 'retry-after': '30' } });
  });

  it('is refused with 503 where too many wait', async () => {
    const limits = { maxJwtVerifications: 1, maxWaitingJwts: 1 };
    const never = createServer(() => {});
    onTestFinished(() => {
      never.closeAllConnections();
      never.close();
    });
    await new Promise<void>((resolve) => never.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(never.address() as AddressInfo).port}/`;
    const { port, token } = await start({ limits }, { jwks: undefined, jwksUrl });
    const tries = async (jti: string) => http(port, '/', { headers: upgradeHeaders(bearer(await token({ jti }))) });
    const answers = await Promise.all(['1', '2', '3'].map(tries));
    for (const answer of answers) expect(answer).toMatchObject(NOT_NOW);
    // One of them found the line full; the others waited for keys that never came.
    expect(answers.map(({ headers }) => headers['retry-after']).sort()).toEqual(['1', '30', '30']);
  });

  it('may be the one agent that it is for', async () => {
    const { broker, address, token } = await start();
    const headers = bearer(await token({ scope: 'agent:bot' }));
    await SocketClient.connect(address, { headers });
    const host = await SocketClient.host(broker, address);
    expect(await host.ok('agents.list')).toMatchObject([{ spec: { id: 'bot' }, attached: true }]);
  });

  it('decides before an auth function, which is asked about all others', async () => {
    const asked: unknown[] = [];
    const { address, token } = await start({
      auth: ({ request }) => {
        asked.push(request?.headers.authorization);
        return { sub: 'guest' };
      },
    });
    const known = await SocketClient.connect(address, { headers: bearer(await token()) });
    expect(await known.ok('session.auth', {})).toMatchObject({ sub: 'ada' });
    expect(asked).toEqual([]);
    const other = await SocketClient.connect(address, { headers: bearer(await token({ iss: 'x' })) });
    expect(await other.ok('session.auth', {})).toMatchObject({ sub: 'guest' });
  });
});

describe('what is told of the resource', () => {
  it('is where RFC 9728 has it, where there is an issuer', async () => {
    const { port } = await start({}, { audience: 'https://broker.example/chat' });
    for (const below of ['', '/chat']) {
      const answer = await http(port, `/.well-known/oauth-protected-resource${below}`);
      expect(answer.status).toBe(200);
      expect(answer.headers['content-type']).toBe('application/json');
      expect(JSON.parse(answer.body)).toEqual({
        resource: 'https://broker.example/chat',
        authorization_servers: [ISSUER],
        bearer_methods_supported: ['header'],
        scopes_supported: ['chat', 'observe', 'host', 'agent:*'],
        resource_name: 'Switchboard',
      });
    }
    expect((await http(port, '/.well-known/oauth-protected-resource', { method: 'POST' })).status).toBe(405);
    const { port: other } = await startListening();
    expect((await http(other, '/.well-known/oauth-protected-resource')).status).toBe(404);
  });
});

describe('broker.identifyBearer', () => {
  const request = (authorization?: string) => ({ headers: { authorization }, socket: { remoteAddress: '127.0.0.1' } });

  it('says who a JWT is, by every way in; a connection so made ends with it', async () => {
    const { broker, token } = await start();
    const who = await broker.identifyBearer(request(`Bearer ${await token({ lastsS: 50, name: 'Ada' })}`), 'openai');
    expect(who).toMatchObject({ role: 'client', sub: 'ada', tenant: 'default', name: 'Ada' });
    const client = new LinkedClient(broker.connect(who ? { principal: who } : {}));
    await settle();
    expect(client.received('session.expiring')).toHaveLength(1);
    expect(await broker.identifyBearer(request(`Bearer ${await token({ aud: 'x' })}`), 'mcp')).toBeUndefined();
  });

  it('takes nobody whom the broker would close at once', async () => {
    const { broker, token, port } = await start();
    const ended = await broker.identifyBearer(request(`Bearer ${await token({ lastsS: -15 })}`));
    expect(ended).toMatchObject({ sub: 'ada' });
    const late = `Bearer ${await token({ lastsS: -28 })}`;
    expect(await broker.identifyBearer(request(late))).toBeUndefined();
    expect((await http(port, '/', { headers: upgradeHeaders({ authorization: late }) })).status).toBe(401);
  });

  it('says that it cannot be found out now where the keys of the issuer cannot be had, or too many wait', async () => {
    const limits = { maxJwtVerifications: 1, maxWaitingJwts: 1 };
    let fail = () => {};
    const held = createServer((_request, response) => {
      fail = () => void response.writeHead(500).end();
    });
    onTestFinished(() => {
      held.closeAllConnections();
      held.close();
    });
    await new Promise<void>((resolve) => held.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(held.address() as AddressInfo).port}/`;
    const { broker, port, token, lines } = await start(
      { limits: { ...limits, jwksTimeoutMs: 60_000 }, metricsAuth: true },
      { jwks: undefined, jwksUrl },
    );
    broker.route('/own', async (asked, response) => void response.end((await broker.identifyBearer(asked))?.sub));
    mountFronts(broker, { fronts: 'all' });
    const [slow, alsoSlow] = [await token({ jti: '1' }), await token({ jti: '2' })];
    const waiting = [slow, alsoSlow].map((jwt) =>
      broker.identifyBearer(request(`Bearer ${jwt}`)).catch((error) => error),
    );
    const tries =
      (path: string, more: object = {}) =>
      async () =>
        http(port, path, { headers: { ...bearer(await token({ jti: path })), ...more } });
    const doors = [
      tries('/own'),
      tries('/metrics'),
      tries('/v1/models'),
      tries('/a2a/bot/.well-known/agent-card.json'),
      tries('/ag-ui/bot'),
      tries('/acp', upgradeHeaders()),
      tries('/', upgradeHeaders()),
    ];
    for (const door of doors) {
      const { status, headers } = await door();
      expect([status, headers['retry-after'], headers['www-authenticate']]).toEqual([503, '1', undefined]);
    }
    fail();
    for (const error of await Promise.all(waiting)) {
      expect(error).toBeInstanceOf(AuthUnavailableError);
      expect((error as AuthUnavailableError).retryAfterMs).toBe(30_000);
    }
    // Now that it is known that there are none, at once.
    for (const door of doors) {
      const { status, headers } = await door();
      expect([status, headers['retry-after'], headers['www-authenticate']]).toEqual([503, '30', undefined]);
    }
    expect(lines.filter((line) => line.includes('failed'))).toEqual([]);
    // A wrong token is one all the same, and no token is none.
    expect((await http(port, '/own', { headers: bearer('x') })).body).toBe('');
    expect((await http(port, '/metrics')).status).toBe(401);
  });
});

describe('broker.identifyBearer with an auth function', () => {
  it('says that it cannot be found out now where that has too many questions, and nobody where it knows nobody', async () => {
    const questions: ((answer: boolean) => void)[] = [];
    const auth = () => new Promise<boolean>((resolve) => void questions.push(resolve));
    const { broker } = await startListening({ auth, limits: { maxConnections: 1 } });
    const request = { headers: { authorization: 'Bearer somebody' }, socket: { remoteAddress: '127.0.0.1' } };
    const first = broker.identifyBearer(request);
    await settle();
    await expect(broker.identifyBearer(request)).rejects.toThrow(AuthUnavailableError);
    expect(await readMetric(broker, 'auth_refusals_total')).toEqual({ function_busy: 1 });
    questions.shift()?.(false);
    expect(await first).toBeUndefined();
  });
});

describe('/metrics with metricsAuth', () => {
  it('is for who may look at all that is of the default tenant', async () => {
    const { broker, port, token } = await start({ metricsAuth: true });
    const status = async (given?: string) =>
      (await http(port, '/metrics', given === undefined ? {} : { headers: bearer(given) })).status;
    const observer = await broker.keys.add({ name: 'prometheus', scopes: ['observe'] });
    const user = await broker.keys.add({ name: 'user' });
    const elsewhere = await broker.keys.add({ name: 'other', tenant: 'acme', scopes: ['host'] });
    for (const good of [broker.tokens.daemon, broker.tokens.host, observer.token, await token({ scope: 'observe' })])
      expect(await status(good)).toBe(200);
    for (const scope of ['chat', 'agent:bot']) expect(await status(await token({ scope }))).toBe(401);
    const some = await broker.keys.add({ name: 'some', scopes: ['observe'], agents: ['bot'] });
    for (const narrow of [some.token, await token({ scope: 'observe', agents: ['bot'] })])
      expect(await status(narrow)).toBe(401);
    for (const bad of [undefined, 'x', user.token, elsewhere.token, await token({ scope: 'host', org: 'acme' })])
      expect(await status(bad)).toBe(401);
    expect((await http(port, '/metrics')).headers['www-authenticate']).toContain('Bearer');
    for (const open of ['/healthz', '/readyz']) expect((await http(port, open)).status).toBe(200);
  });

  it('is for everybody without', async () => {
    const { port } = await start();
    expect((await http(port, '/metrics')).status).toBe(200);
  });
});

describe('broker.renewJwks', () => {
  it('takes other keys from now on; who is connected stays', async () => {
    const { broker, address, token } = await start();
    const next = await Issuer.create();
    const old = await token();
    const before = await SocketClient.connect(address, { headers: bearer(old) });
    broker.renewJwks(next.jwks);
    expect(await before.ok('agents.list')).toEqual([]);
    await expect(SocketClient.connect(address, { headers: bearer(old) })).rejects.toThrow('401');
    const fresh = await next.token({ at: Date.now() });
    await SocketClient.connect(address, { headers: bearer(fresh) });
    expect(() => broker.renewJwks({ keys: [] })).toThrow('it has no key');
    await SocketClient.connect(address, { headers: bearer(fresh) });
    const { broker: other } = await startListening();
    expect(() => other.renewJwks(next.jwks)).toThrow('no JWT is taken');
  });
});
