import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { checkJwtOptions, isJwksUrl, jwksFault } from '../../jwt/options.ts';
import { Verifier } from '../../jwt/verifier.ts';
import { DEFAULT_LIMITS, type Limits } from '../../protocol/limits.ts';
import { AUDIENCE, ISSUER, Issuer } from '../support/jwt.ts';

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

const MINUTE = 60_000;

/** A verifier that asks a server of the test's own for its keys. */
async function start(answer: RequestListener, limits: Partial<Limits> = {}) {
  let asked = 0;
  const state = { answer };
  const server = createServer((request, response) => {
    asked += 1;
    state.answer(request, response);
  });
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const clock = new SimulatedClock();
  const lines: string[] = [];
  const line = (_fields: object, message: string) => void lines.push(message.replace(String(port), 'PORT'));
  const jwksUrl = `http://127.0.0.1:${port}/jwks?secret=1`;
  const verifier = new Verifier(
    { issuer: ISSUER, audience: AUDIENCE, jwksUrl },
    {
      limits: { ...DEFAULT_LIMITS, ...limits },
      wallNow: () => clock.now(),
      clock,
      log: { info: line, warn: line },
    },
  );
  return {
    verifier,
    clock,
    lines,
    server,
    asked: () => asked,
    become(next: RequestListener) {
      state.answer = next;
    },
  };
}

const serve =
  (jwks: object): RequestListener =>
  (_request, response) =>
    void response.setHeader('content-type', 'application/json').end(JSON.stringify(jwks));
const fail: RequestListener = (_request, response) => void response.writeHead(500).end();

describe('keys that are fetched', () => {
  it('are asked for once, by all who come at the same time', async () => {
    const idp = await Issuer.create();
    const { verifier, asked } = await start(serve(idp.jwks));
    const tokens = await Promise.all([1, 2, 3].map((jti) => idp.token({ jti: String(jti) })));
    const found = await Promise.all(tokens.map((token) => verifier.verify(token)));
    expect(found).toEqual([1, 2, 3].map(() => expect.objectContaining({ sub: 'ada' })));
    expect(asked()).toBe(1);
  });

  it('are asked for again where a key is missing, though not within half a minute', async () => {
    const [old, rotated] = [await Issuer.create('ES256', 'k1'), await Issuer.create('ES256', 'k2')];
    const { verifier, asked, become, clock } = await start(serve(old.jwks));
    expect(await verifier.verify(await old.token())).toMatchObject({ sub: 'ada' });
    become(serve({ keys: [...old.jwks.keys, ...rotated.jwks.keys] }));
    const token = await rotated.token();
    for (let at = 0; at < 5; at += 1) expect(await verifier.verify(token)).toBe('jwt_key');
    expect(asked()).toBe(1);
    clock.increment(30_000);
    expect(await verifier.verify(token)).toMatchObject({ sub: 'ada' });
    expect(asked()).toBe(2);
  });

  it('are asked for again when they are ten minutes old; who was verified with those that are gone is not known any more', async () => {
    const [old, rotated] = [await Issuer.create('ES256', 'k1'), await Issuer.create('ES256', 'k2')];
    const { verifier, become, clock } = await start(serve(old.jwks));
    const token = await old.token({ lastsS: 9_000 });
    await verifier.verify(token);
    become(serve(rotated.jwks));
    clock.increment(10 * MINUTE);
    expect(verifier.known(token)).toMatchObject({ sub: 'ada' });
    expect(await verifier.verify(await rotated.token({ at: 10 * MINUTE }))).toMatchObject({ sub: 'ada' });
    expect(verifier.known(token)).toBeUndefined();
    expect(await verifier.verify(token)).toBe('jwt_key');
  });

  it('are asked for again though all who come are remembered, and who is, is so for a day where they cannot be had', async () => {
    const [old, rotated] = [await Issuer.create('ES256', 'k1'), await Issuer.create('ES256', 'k2')];
    const { verifier, become, clock, asked } = await start(serve(old.jwks));
    const token = await old.token({ lastsS: 200_000 });
    await verifier.verify(token);
    clock.increment(10 * MINUTE);
    // Nobody waits for that.
    expect(verifier.known(token)).toMatchObject({ sub: 'ada' });
    await vi.waitFor(() => expect(asked()).toBe(2));
    become(fail);
    clock.increment(24 * 60 * MINUTE);
    expect(verifier.known(token)).toBeUndefined();
    expect(await verifier.verify(token)).toBe('jwks');
    become(serve(old.jwks));
    clock.increment(MINUTE);
    expect(await verifier.verify(token)).toMatchObject({ sub: 'ada' });
    become(serve(rotated.jwks));
    clock.increment(10 * MINUTE);
    expect(verifier.known(token)).toMatchObject({ sub: 'ada' });
    await vi.waitFor(() => expect(verifier.known(token)).toBeUndefined());
    expect(await verifier.verify(token)).toBe('jwt_key');
  });

  it('that go while a token is verified by them are not remembered with it', async () => {
    const [old, rotated] = [await Issuer.create(), await Issuer.create()];
    const clock = new SimulatedClock();
    const options = { issuer: ISSUER, audience: AUDIENCE, jwks: old.jwks };
    const log = { info() {}, warn() {} };
    const verifier = new Verifier(options, { limits: DEFAULT_LIMITS, wallNow: () => clock.now(), clock, log });
    const verify = crypto.subtle.verify.bind(crypto.subtle);
    const spied = vi.spyOn(crypto.subtle, 'verify').mockImplementation((...all) => {
      verifier.renew(rotated.jwks);
      return verify(...all);
    });
    const token = await old.token();
    expect(await verifier.verify(token)).toMatchObject({ sub: 'ada' });
    spied.mockRestore();
    expect(verifier.known(token)).toBeUndefined();
    expect(await verifier.verify(token)).toBe('jwt_signature');
  });

  it('go on where the server answers with none', async () => {
    const idp = await Issuer.create();
    const { verifier, become, clock, lines } = await start(serve(idp.jwks));
    await verifier.verify(await idp.token());
    for (const keys of [[], [[]], [idp.jwks.keys[0], null]]) {
      become(serve({ keys }));
      clock.increment(11 * MINUTE);
      expect(await verifier.verify(await idp.token({ at: clock.now() }))).toMatchObject({ sub: 'ada' });
    }
    expect(lines.map((line) => line.split(/jwks: |; /)[1])).toEqual([
      'it has no key',
      'it is no JSON Web Key Set, {"keys": […]}',
      'it is no JSON Web Key Set, {"keys": […]}',
    ]);
  });

  it('go on for a day where the server is away, and no longer', async () => {
    const idp = await Issuer.create();
    const { verifier, become, clock, lines } = await start(serve(idp.jwks));
    await verifier.verify(await idp.token());
    become(fail);
    clock.increment(20 * MINUTE);
    expect(await verifier.verify(await idp.token({ at: clock.now() }))).toMatchObject({ sub: 'ada' });
    expect(lines).toEqual([
      'the keys of the issuer cannot be had from http://127.0.0.1:PORT/jwks: HTTP 500; those from 20 min ago go on',
    ]);
    clock.increment(24 * 60 * MINUTE);
    expect(await verifier.verify(await idp.token({ at: clock.now() }))).toBe('jwks');
    expect(lines.at(-1)).toMatch(/HTTP 500; nobody comes in by a JWT$/);
    become(serve(idp.jwks));
    clock.increment(MINUTE);
    expect(await verifier.verify(await idp.token({ at: clock.now() }))).toMatchObject({ sub: 'ada' });
    expect(lines.at(-1)).toBe('the keys of the issuer can be had again from http://127.0.0.1:PORT/jwks');
  });

  it('are there before anybody comes, where that is wished', async () => {
    const idp = await Issuer.create();
    const { verifier, asked } = await start(serve(idp.jwks));
    verifier.warm();
    verifier.warm();
    await verifier.verify(await idp.token());
    expect(asked()).toBe(1);
  });

  const BAD: [string, RequestListener, RegExp][] = [
    ['garbage', (_request, response) => void response.end('<html>'), /the answer is no JSON/],
    ['no key set', serve({ hello: 1 }), /it is no JSON Web Key Set/],
    ['an error', fail, /HTTP 500/],
    [
      'a redirect',
      (_request, response) => void response.writeHead(302, { location: 'https://elsewhere.example' }).end(),
      /HTTP 302, and redirects are not followed/,
    ],
    ['much too much', (_request, response) => pour(response), /the answer has more than 262144 bytes/],
    ['nothing at all', () => {}, /no answer within 50 ms/],
    ['a beginning and no end', (_request, response) => void response.write('{"keys":'), /no answer within 50 ms/],
    ['a closed connection', (request) => void request.socket.destroy(), /UND_ERR_SOCKET|ECONNRESET|other side closed/],
  ];
  it.each(BAD)('that are %s let nobody in, and one line says so', async (_what, answer, why) => {
    const idp = await Issuer.create();
    const { verifier, lines, asked } = await start(answer, {
      jwksTimeoutMs: why.source.includes('50 ms') ? 50 : 5_000,
    });
    for (let at = 0; at < 3; at += 1) expect(await verifier.verify(await idp.token())).toBe('jwks');
    expect(asked()).toBe(1);
    expect(lines).toHaveLength(1);
    expect(lines[0]).toMatch(why);
    expect(lines[0]).not.toContain('secret');
  });

  it('that nobody answers for let nobody in', async () => {
    const idp = await Issuer.create();
    const { verifier, lines, server } = await start(fail);
    await new Promise((resolve) => server.close(resolve));
    expect(await verifier.verify(await idp.token())).toBe('jwks');
    expect(lines[0]).toMatch(/ECONNREFUSED; nobody comes in by a JWT$/);
  });

  it('of which one cannot be used are of no use with that one', async () => {
    const idp = await Issuer.create();
    const [key] = idp.jwks.keys;
    const { verifier } = await start(serve({ keys: [{ ...key, x: 'AAAA' }] }));
    expect(await verifier.verify(await idp.token())).toBe('jwks');
  });
});

describe('tokens that wait', () => {
  it('are verified a few at a time, and refused where too many wait', async () => {
    const idp = await Issuer.create();
    const tokens = await Promise.all(Array.from({ length: 30 }, (_, jti) => idp.token({ jti: String(jti) })));
    const { verifier } = await start(serve(idp.jwks), { maxJwtVerifications: 2, maxWaitingJwts: 20 });
    const found = tokens.map((token) => verifier.verify(token));
    expect(verifier.isBusy).toBe(true);
    const answers = await Promise.all(found);
    expect(answers.filter((answer) => answer === 'jwt_busy')).toHaveLength(8);
    expect(answers.filter((answer) => typeof answer === 'object')).toHaveLength(22);
    expect(verifier.isBusy).toBe(false);
  });

  it('are verified so many a second, however many wrong ones come', async () => {
    const idp = await Issuer.create();
    const stranger = await Issuer.create();
    const { verifier, clock } = await start(serve(idp.jwks), {
      jwtVerificationsPerSecond: 10,
      maxWaitingJwts: 100_000,
    });
    const wrong = await Promise.all(Array.from({ length: 40 }, (_, jti) => stranger.token({ jti: String(jti) })));
    const found: unknown[] = [];
    for (const token of wrong) void verifier.verify(token).then((answer) => found.push(answer));
    await vi.waitFor(() => expect(found.length).toBeGreaterThanOrEqual(10));
    for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setImmediate(resolve));
    expect(found).toEqual(Array(10).fill('jwt_signature'));
    clock.increment(1_000);
    await verifier.verify(wrong[19] ?? '');
    expect(found.length).toBeLessThanOrEqual(20);
  });

  it('are one verification where they are one token', async () => {
    const idp = await Issuer.create();
    const token = await idp.token();
    const { verifier } = await start(serve(idp.jwks), { jwtVerificationsPerSecond: 1 });
    const found = await Promise.all(Array.from({ length: 50 }, () => verifier.verify(token)));
    expect(new Set(found).size).toBe(1);
    expect(await verifier.verify(token)).toBe(found[0]);
  });

  it('are remembered up to so many bytes, the least lately used the shortest', async () => {
    const idp = await Issuer.create();
    const tokens = await Promise.all([0, 1, 2].map((jti) => idp.token({ jti: String(jti) })));
    const [one = '', two = '', three = ''] = tokens;
    const { verifier } = await start(serve(idp.jwks), { maxJwtCacheBytes: 2 * (one.length + 512) });
    await verifier.verify(one);
    await verifier.verify(two);
    verifier.known(one);
    await verifier.verify(three);
    expect(tokens.map((token) => verifier.known(token) !== undefined)).toEqual([true, false, true]);
  });
});

describe('the options', () => {
  const jwks = { keys: [{ kty: 'EC' }] };
  const good = { issuer: ISSUER, audience: AUDIENCE };

  it('are an issuer, an audience, and its keys or where they are', () => {
    expect(() => checkJwtOptions('jwt', { ...good, jwks })).not.toThrow();
    expect(() => checkJwtOptions('jwt', { ...good, jwksUrl: new URL('https://idp.example/jwks') })).not.toThrow();
    const bad = [
      good,
      { ...good, jwks, jwksUrl: 'https://a.example' },
      { ...good, issuer: '', jwks },
      { issuer: ISSUER, jwks },
      { ...good, jwks, tenant: 'x' },
      { ...good, jwks: { keys: [] } },
      { ...good, jwksUrl: 'http://idp.example/jwks' },
    ];
    for (const options of bad) expect(() => checkJwtOptions('jwt', options as never)).toThrow(TypeError);
  });

  it('fetch keys by https alone, but on this machine', () => {
    for (const url of ['https://idp.example/jwks', 'http://localhost:1/x', 'http://127.0.0.1/x', 'http://[::1]/x'])
      expect(isJwksUrl(url), url).toBe(true);
    for (const url of ['http://idp.example/', 'file:///etc/passwd', 'https://me:secret@idp.example', 'x', ''])
      expect(isJwksUrl(url), url).toBe(false);
  });

  it('refuse a private key', () => {
    expect(jwksFault({ keys: [{ kty: 'EC', d: 'x' }] })).toContain('private key');
    expect(jwksFault({ keys: [{ kty: 'oct', k: 'x' }] })).toContain('private key');
    expect(jwksFault({ keys: [[]] })).toContain('no JSON Web Key Set');
    expect(jwksFault([])).toContain('no JSON Web Key Set');
    expect(jwksFault(null)).toContain('no JSON Web Key Set');
  });
});

/** Writes for as long as anybody reads. */
function pour(response: import('node:http').ServerResponse): void {
  const more = () => {
    while (!response.destroyed && response.write('x'.repeat(65_536)));
  };
  response.on('drain', more);
  more();
}
