import { describe, expect, it } from 'vitest';
import { MAX_JWT } from '../../../protocol/jwt.ts';
import { AUDIENCE, ISSUER, Issuer, signedBySecret, unsigned } from '../../support/jwt.ts';
import { type Message, openChat, startLinked } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { startJwts, until } from './jwts.ts';
import { REFUSED } from './keys.ts';

/** What is nobody's fault who shows a token. */
const NO_KEYS = {
  code: -32020,
  message: 'limit exceeded: issuer_keys is 0',
  data: { limit: { name: 'issuer_keys', value: 0 }, retry_after_ms: 30_000 },
};

describe('session.auth with a JWT', () => {
  it('lets somebody in as who it says that they are, until it ends', async () => {
    const { idp, tries } = await startJwts();
    const token = await idp.token({ org: 'acme' });
    expect((await tries(token)).result).toEqual({
      ok: true,
      auth_enabled: true,
      sub: 'ada',
      tenant: 'acme',
      expires_at: '1970-01-01T00:10:00.000Z',
    });
    // Verified before, it is answered at once, and in the same words.
    expect((await tries(token)).result).toMatchObject({ sub: 'ada', tenant: 'acme' });
  });

  it.each(['RS256', 'EdDSA'])('takes %s as well', async (alg) => {
    const idp = await Issuer.create(alg);
    const { tries } = await startJwts({ jwtOptions: { jwks: idp.jwks } });
    expect((await tries(await idp.token())).result).toMatchObject({ sub: 'ada', tenant: 'default' });
  });

  const claims = { iss: ISSUER, aud: AUDIENCE, sub: 'ada', scope: 'chat host', exp: 600 };
  const BAD: [string, (idp: Issuer) => string | Promise<string>, string][] = [
    ['expired', (idp) => idp.token({ at: -700_000 }), 'a JWT that has expired'],
    ['not valid yet', (idp) => idp.token({ nbf: 31 }), 'a JWT that is not valid yet'],
    ['of another issuer', (idp) => idp.token({ iss: `${ISSUER}/` }), 'a JWT of another issuer'],
    ['for another audience', (idp) => idp.token({ aud: ['https://other.example'] }), 'a JWT for another audience'],
    ['for no audience', (idp) => idp.token({ aud: null }), 'a JWT for another audience'],
    ['without an end', (idp) => idp.token({ exp: null }), 'a JWT without exp, or with a time that is none'],
    [
      'with an end that is none',
      (idp) => idp.token({ exp: 'never' }),
      'a JWT without exp, or with a time that is none',
    ],
    [
      'with a beginning that is none',
      (idp) => idp.token({ nbf: 'always' }),
      'a JWT without exp, or with a time that is none',
    ],
    ['of nobody', (idp) => idp.token({ sub: null }), 'a JWT without sub, or with one that nobody may have'],
    [
      'of the daemon’s own person',
      (idp) => idp.token({ sub: 'local' }),
      'a JWT without sub, or with one that nobody may have',
    ],
    [
      'of an agent’s subject',
      (idp) => idp.token({ sub: 'agent:bot' }),
      'a JWT without sub, or with one that nobody may have',
    ],
    ['of a tenant that is none', (idp) => idp.token({ org: 'a/b' }), 'a JWT whose tenant is none'],
    ['with agents that are none', (idp) => idp.token({ agents: 'bot' }), 'a JWT whose agents are no list of agents'],
    ['without a scope', (idp) => idp.token({ scope: 'openid email' }), 'a JWT without a scope for what it is to be'],
    ['without a signature', () => unsigned(claims), 'a JWT whose algorithm is none of ES256, RS256, EdDSA'],
    [
      'signed with the public key as a secret',
      (idp) => signedBySecret(claims, idp.publicPem, { kid: idp.kid }),
      'a JWT whose algorithm is none of ES256, RS256, EdDSA',
    ],
    ['with a key that is not there', (idp) => idp.token({}, { kid: 'k2' }), 'a JWT with a key that the issuer has not'],
    ['with another’s signature', async () => (await Issuer.create()).token(), 'a JWT whose signature is wrong'],
    ['that is none', () => 'one.two.three', 'a JWT that is none'],
    ['with a blank behind it', async (idp) => `${await idp.token()}\n`, 'a JWT that is none'],
    ['that is empty', () => '', 'a JWT that is none'],
  ];
  it.each(BAD)('refuses one that is %s, in one text, and tells whoever runs it why', async (_what, make, why) => {
    const { idp, tries, lines } = await startJwts();
    const token = await make(idp);
    expect((await tries(token)).error).toEqual(REFUSED);
    expect(lines).toEqual([`session.auth was refused: ${why}`]);
  });

  it('is right about clocks that are half a minute apart, and lets nobody in who would be closed at once', async () => {
    const { idp, tries } = await startJwts();
    expect((await tries(await idp.token({ nbf: 29 }))).result).toBeDefined();
    expect((await tries(await idp.token({ exp: -5 }))).result).toBeDefined();
    expect((await tries(await idp.token({ exp: -24 }))).result).toBeDefined();
    for (const exp of [-25, -26, -29, -31]) expect((await tries(await idp.token({ exp }))).error).toEqual(REFUSED);
  });

  it('takes nothing longer than 32 KiB', async () => {
    const { idp, tries } = await startJwts();
    const long = await idp.token({ more: 'x'.repeat(MAX_JWT) });
    expect((await tries(long)).error).toMatchObject({ code: -32602, data: { issues: [{ path: 'jwt' }] } });
    const fits = await idp.token({ more: 'x'.repeat(20_000) });
    expect((await tries(fits)).result).toBeDefined();
  });

  it('goes with no other token', async () => {
    const { broker, idp, tries } = await startJwts();
    const token = await idp.token();
    for (const more of [{ token: broker.tokens.daemon }, { host_token: broker.tokens.host }])
      expect((await tries(token, more)).error).toMatchObject({ code: -32602, data: { issues: [{ path: 'jwt' }] } });
    expect((await tries(token, { token: null })).result).toBeDefined();
  });

  it('closes at the fifth wrong one', async () => {
    const { connect, asks } = await startJwts();
    const client = connect();
    for (let at = 0; at < 4; at += 1)
      expect((await asks(client, 'session.auth', { jwt: 'a.b.c' })).error).toEqual(REFUSED);
    await asks(client, 'session.auth', { jwt: 'a.b.c' });
    expect(client.closed).toBe(4401);
  });

  it('is to be shown again, and is no wrong one, while the issuer’s keys cannot be had', async () => {
    const nobody = { jwks: undefined, jwksUrl: 'http://127.0.0.1:1/jwks' };
    const { broker, idp, connect, asks, lines } = await startJwts({ jwtOptions: nobody });
    const client = connect();
    // More often than a wrong one may be tried.
    for (let at = 0; at < 7; at += 1)
      expect((await asks(client, 'session.auth', { jwt: await idp.token({ jti: String(at) }) })).error).toEqual(
        NO_KEYS,
      );
    expect((await client.call('session.auth', { token: broker.tokens.daemon })).result).toBeDefined();
    expect(lines[1]).toBe('session.auth was refused: a JWT, and the key of the issuer cannot be had, or not be used');
    expect(await readMetric(broker, 'auth_refusals_total')).toEqual({ jwks: 7 });
  });

  it('is asked about again of an auth function that has too many questions, and where that knows it the keys do not matter', async () => {
    const questions: ((answer: boolean) => void)[] = [];
    const answers = async (answer: boolean) => (await until(() => questions.shift()))(answer);
    const { idp, connect, asks } = await startJwts({
      jwtOptions: { jwks: undefined, jwksUrl: 'http://127.0.0.1:1/jwks' },
      limits: { maxConnections: 1 },
      auth: () => new Promise<boolean>((resolve) => void questions.push(resolve)),
    });
    const client = connect();
    const first = asks(client, 'session.auth', { jwt: await idp.token() });
    await until(() => questions[0]);
    const { error } = await asks(connect(), 'session.auth', { jwt: await idp.token() });
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'max_connections' }, retry_after_ms: 1_000 } });
    await answers(false);
    expect((await first).error).toEqual(NO_KEYS);
    const again = asks(client, 'session.auth', { jwt: await idp.token() });
    await answers(true);
    expect((await again).result).toMatchObject({ ok: true });
  });

  it('answers in order what is sent while it is verified', async () => {
    const { idp, connect, asks } = await startJwts();
    const client = connect();
    client.post('session.auth', { jwt: await idp.token() });
    expect((await asks(client, 'server.handshake', { protocol_version: 3 })).result).toBeDefined();
    expect(client.frames.map(({ id }) => id)).toEqual([1, 2]);
  });
});

describe('what a JWT may do', () => {
  it('is said by its scopes, in either claim', async () => {
    const { idp, by } = await startJwts();
    const chats = await by(await idp.token({ scope: 'openid chat' }));
    const looks = await by(await idp.token({ scope: null, scp: ['observe'] }));
    const rules = await by(await idp.token({ scope: 'host' }));
    expect((await chats.call('agents.upsert', { id: 'x' })).error).toMatchObject({ code: -32601 });
    expect((await chats.call('agents.chat', { agent_id: 'x', prompt: '?' })).error).toMatchObject({ code: -32011 });
    expect((await looks.call('agents.chat', { agent_id: 'x', prompt: '?' })).error).toMatchObject({ code: -32015 });
    expect((await looks.call('agents.chat.sessions')).result).toBeDefined();
    expect((await rules.call('agents.upsert', { id: 'x' })).result).toBeDefined();
  });

  it('lets it be the agents that it has a scope for', async () => {
    const { idp, by, tries, host } = await startJwts();
    const bot = await by(await idp.token({ scope: 'agent:bot chat', sub: 'bot-service' }), { agent_id: 'bot' });
    const user = await host();
    await openChat(user, bot, { agent_id: 'bot', session_id: 's' });
    expect(bot.lastChat().params.session_id).toBe('s');
    expect((await tries(await idp.token({ scope: 'agent:bot' }), { agent_id: 'other' })).error).toEqual(REFUSED);
    expect((await tries(await idp.token({ scope: 'agent:*' }), { agent_id: 'other' })).result).toEqual({
      ok: true,
      auth_enabled: true,
      agent_id: 'other',
      sub: 'agent:other',
      tenant: 'default',
      expires_at: '1970-01-01T00:10:00.000Z',
    });
    // One that is for one agent alone need not say which; one for all has to.
    expect((await tries(await idp.token({ scope: 'agent:only' }))).result).toMatchObject({ agent_id: 'only' });
    expect((await tries(await idp.token({ scope: 'agent:*' }))).error).toEqual(REFUSED);
  });

  it('shows the agents of its claim alone, and those of its tenant', async () => {
    const { broker, idp, by } = await startJwts();
    for (const id of ['a', 'b']) broker.upsertAgent({ id });
    broker.upsertAgent({ id: 'c' }, { tenant: 'acme' });
    const ids = async (claims: object) =>
      (await (await by(await idp.token({ ...claims }))).ok('agents.list')).map(({ spec }: Message) => spec.id);
    expect(await ids({})).toEqual(['a', 'b']);
    expect(await ids({ agents: ['b', 'nobody'] })).toEqual(['b']);
    expect(await ids({ agents: [] })).toEqual([]);
    expect(await ids({ org: 'acme' })).toEqual(['c']);
  });

  it('does not manage where it may see some agents alone: what manages has to do with all', async () => {
    const { idp, by, tries } = await startJwts({ inspect: true });
    const some = await by(await idp.token({ scope: 'chat host', agents: ['echo'] }));
    for (const method of ['inspect.subscribe', 'broker.status', 'keys.list'])
      expect((await some.call(method, {})).error.code, method).toBe(-32601);
    expect((await tries(await idp.token({ scope: 'host', agents: ['echo'] }))).error).toEqual(REFUSED);
    await (await by(await idp.token({ scope: 'host' }))).ok('broker.status');
  });

  it('keeps what is one person’s theirs, whichever of their tokens they come by', async () => {
    const { idp, by, agent } = await startJwts();
    const bot = await agent('bot');
    const ada = await by(await idp.token({ name: 'Ada' }));
    await openChat(ada, bot, { agent_id: 'bot', session_id: 's' });
    expect(bot.lastChat().params.context.principal).toEqual({ sub: 'ada', tenant: 'default', name: 'Ada' });
    const again = await by(await idp.token({ jti: '2' }));
    const bob = await by(await idp.token({ sub: 'bob' }));
    const cancel = { session_id: 's' };
    // It is theirs, and another connection's; to anybody else it does not exist.
    expect((await again.call('agents.chat.cancel', cancel)).error).toMatchObject({ code: -32015 });
    expect((await bob.call('agents.chat.cancel', cancel)).error).toMatchObject({ code: -32014 });
    expect((await bob.ok('agents.chat.sessions')).sessions).toEqual([]);
  });
});

describe('a broker without an issuer', () => {
  it('takes no JWT, and says so to whoever runs it', async () => {
    const lines: string[] = [];
    const line = (_fields: object, message: string) => void lines.push(message);
    const { connect } = startLinked({ log: { debug() {}, info: line, warn: line, error: line } });
    const jwt = await (await Issuer.create()).token();
    expect((await connect().call('session.auth', { jwt })).error).toEqual(REFUSED);
    expect(lines).toEqual(['session.auth was refused: a JWT, and there is no issuer whose are taken']);
    expect((await connect().call('agents.list')).error).toEqual({
      code: -32001,
      message: 'auth required: call session.auth first',
    });
  });

  it('lets everybody in where nobody has to say who they are', async () => {
    const { connect } = startLinked({ auth: false });
    const client = connect();
    expect((await client.call('session.auth', { jwt: 'a.b.c' })).result).toEqual({ ok: true, auth_enabled: false });
    expect((await client.call('session.refresh', { jwt: 'a.b.c' })).error).toMatchObject({ code: -32600 });
  });
});

describe('an auth function beside it', () => {
  it('is asked about those that the issuer does not vouch for, and about no other', async () => {
    const asked: unknown[] = [];
    const { idp, tries } = await startJwts({
      auth: ({ jwt, agentId }) => {
        asked.push([jwt, agentId]);
        return jwt === 'a.b.c' ? { sub: 'guest', tenant: 'default' } : false;
      },
    });
    expect((await tries(await idp.token())).result).toMatchObject({ sub: 'ada' });
    expect(asked).toEqual([]);
    expect((await tries('a.b.c')).result).toMatchObject({ sub: 'guest' });
    expect((await tries(await idp.token({ iss: 'x' }))).error).toEqual(REFUSED);
    expect(asked).toHaveLength(2);
  });

  it('is asked about all where there is no issuer', async () => {
    const { connect } = startLinked({ auth: ({ jwt }) => jwt === 'mine' && { sub: 'ada' } });
    expect((await connect().call('session.auth', { jwt: 'mine' })).result).toMatchObject({ sub: 'ada' });
    expect((await connect().call('session.auth', { jwt: 'yours' })).error).toEqual(REFUSED);
  });
});

describe('who has not authenticated', () => {
  it.each([
    ['https://broker.example/', 'https://broker.example/.well-known/oauth-protected-resource'],
    ['https://example.com/broker', 'https://example.com/.well-known/oauth-protected-resource/broker'],
    ['switchboard', '/.well-known/oauth-protected-resource'],
  ])('is told where it is said who gives tokens for %s', async (audience, resource_metadata) => {
    const { connect } = await startJwts({ jwtOptions: { audience } });
    expect((await connect().call('agents.list')).error).toMatchObject({ code: -32001, data: { resource_metadata } });
  });
});
