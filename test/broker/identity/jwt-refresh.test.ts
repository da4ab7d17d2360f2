import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished } from 'vitest';
import { Issuer } from '../../support/jwt.ts';
import { type Message, openChat, settle } from '../../support/linked.ts';
import { startJwts } from './jwts.ts';
import { REFUSED } from './keys.ts';

const END = '1970-01-01T00:10:00.000Z';

describe('the end of a JWT', () => {
  it('is told of a minute before, and closes its connection 25 s after; its turns wait for their host', async () => {
    const { idp, by, agent, advance } = await startJwts();
    const bot = await agent('bot');
    const token = await idp.token();
    const ada = await by(token);
    const chat = { agent_id: 'bot', session_id: 's', resume_window_ms: 600_000 };
    const { resume_token, turn_id } = await openChat(ada, bot, chat);
    await advance(539_000);
    expect(ada.received('session.expiring')).toEqual([]);
    await advance(1_100);
    expect(ada.received('session.expiring')).toEqual([
      { jsonrpc: '2.0', method: 'session.expiring', params: { expires_at: END } },
    ]);
    await advance(84_000);
    expect(ada.closed).toBeUndefined();
    await advance(1_500);
    expect(ada.closed).toBe(4401);
    expect(bot.received('agent.chat.cancel')).toEqual([]);
    const back = await by(await idp.token({ at: 625_000 }));
    bot.emit(bot.lastChat().params.session_id, { kind: 'token', delta: 'still here' });
    const params = { session_id: 's', turn_id, resume_token, role: 'controller', last_seq: 0 };
    await back.ok('agents.chat.subscribe', params);
    await settle();
    expect(back.events()).toMatchObject([{ kind: 'token', delta: 'still here' }]);
  });

  it('is told of at once where it is near', async () => {
    const { idp, by } = await startJwts();
    const ada = await by(await idp.token({ lastsS: 30 }));
    expect(ada.frames.map(({ id, method }) => id ?? method)).toEqual([1, 'session.expiring']);
  });

  it('is no matter to who has gone', async () => {
    const { idp, by, advance } = await startJwts();
    const ada = await by(await idp.token());
    ada.close();
    await advance(1_000_000);
    expect(ada.received('session.expiring')).toEqual([]);
  });
});

describe('session.refresh', () => {
  it('lets the connection go on by another', async () => {
    const { idp, by, asks, advance } = await startJwts();
    const ada = await by(await idp.token());
    await advance(550_000);
    const jwt = await idp.token({ at: 550_000 });
    expect((await asks(ada, 'session.refresh', { jwt })).result).toEqual({ expires_at: '1970-01-01T00:19:10.000Z' });
    await advance(500_000);
    expect(ada.closed).toBeUndefined();
    expect(ada.received('session.expiring')).toHaveLength(1);
    await advance(50_000);
    expect(ada.received('session.expiring')).toHaveLength(2);
    await advance(80_000);
    expect(ada.closed).toBe(4401);
  });

  it.each([
    ['of another subject', { sub: 'bob' }, 'a JWT of somebody else, in session.refresh'],
    ['of another tenant', { org: 'acme' }, 'a JWT of somebody else, in session.refresh'],
    ['that has expired', { exp: -100 }, 'a JWT that has expired'],
    ['that may nothing any more', { scope: 'openid' }, 'a JWT without a scope for what it is to be'],
  ])('refuses one %s, and leaves all as it was', async (_what, claims, why) => {
    const { idp, by, asks, lines, advance } = await startJwts();
    const ada = await by(await idp.token());
    expect((await asks(ada, 'session.refresh', { jwt: await idp.token({ lastsS: 9_000, ...claims }) })).error).toEqual(
      REFUSED,
    );
    expect(lines).toEqual([`session.refresh was refused: ${why}`]);
    expect((await ada.call('agents.chat.sessions')).result).toBeDefined();
    await advance(626_000);
    expect(ada.closed).toBe(4401);
  });

  it('takes away what the new one does not give, at once', async () => {
    const { broker, idp, by, asks } = await startJwts();
    for (const id of ['a', 'b']) broker.upsertAgent({ id });
    const ada = await by(await idp.token({ scope: 'chat observe' }));
    await ada.ok('server.handshake', { protocol_version: 3 });
    await ada.ok('host.subscribe');
    const jwt = await idp.token({ scope: 'observe', agents: ['b'] });
    expect((await asks(ada, 'session.refresh', { jwt })).result).toBeDefined();
    expect((await ada.call('agents.chat', { agent_id: 'b', prompt: '?' })).error).toMatchObject({ code: -32015 });
    expect(await ada.ok('agents.list')).toMatchObject([{ spec: { id: 'b' } }]);
  });

  it('tells of no agent any more that is not there for the new one', async () => {
    const { idp, by, asks, agent } = await startJwts();
    const ada = await by(await idp.token({ agents: ['a', 'b'] }));
    await ada.ok('server.handshake', { protocol_version: 3 });
    await ada.ok('host.subscribe');
    await asks(ada, 'session.refresh', { jwt: await idp.token({ agents: ['b'] }) });
    await agent('a');
    await agent('b');
    const told = ada.received('host.event').map(({ params }) => params.agent_id);
    expect(told).toEqual(['b']);
  });

  it('ends the watching of somebody else’s turn with the scope for it, and of no turn of its own', async () => {
    const { idp, by, agent, asks } = await startJwts();
    const bot = await agent('bot');
    const chat = { agent_id: 'bot', session_id: 's', resume_window_ms: 60_000 };
    const bob = await by(await idp.token({ sub: 'bob' }));
    const others = await openChat(bob, bot, chat);
    const [hers, ada] = [await by(await idp.token()), await by(await idp.token({ scope: 'chat observe' }))];
    const own = await openChat(hers, bot, chat);
    const turns: Message[] = (await ada.ok('agents.chat.sessions')).sessions;
    for (const { session_id } of turns) await ada.ok('agents.chat.subscribe', { session_id, role: 'observer' });
    const says = async (delta: string) => {
      for (const { turn_id } of [others, own]) {
        const { params } = bot.received('agent.chat').find((asked) => asked.params.turn_id === turn_id) as Message;
        bot.emit(params.session_id, { kind: 'token', delta });
      }
      await settle();
    };
    const heard = (delta: string) => ada.events().filter((event) => event.delta === delta);
    await says('before');
    expect(heard('before').map(({ turn_id }) => turn_id)).toEqual([others.turn_id, own.turn_id]);
    await asks(ada, 'session.refresh', { jwt: await idp.token({ scope: 'chat' }) });
    await says('after');
    expect(heard('after').map(({ turn_id }) => turn_id)).toEqual([own.turn_id]);
    expect(bob.events().at(-1)).toMatchObject({ delta: 'after' });
  });

  it('keeps the role: no one grows into the management, and who manages has to be allowed to go on', async () => {
    const { idp, by, asks } = await startJwts();
    const ada = await by(await idp.token());
    expect((await asks(ada, 'session.refresh', { jwt: await idp.token({ scope: 'chat host' }) })).result).toBeDefined();
    expect((await ada.call('keys.list')).error).toMatchObject({ code: -32601 });
    const boss = await by(await idp.token({ scope: 'host' }));
    expect((await asks(boss, 'session.refresh', { jwt: await idp.token() })).error).toEqual(REFUSED);
    const bot = await by(await idp.token({ scope: 'agent:bot' }), { agent_id: 'bot' });
    expect((await asks(bot, 'session.refresh', { jwt: await idp.token({ scope: 'agent:*' }) })).result).toBeDefined();
    expect((await asks(bot, 'session.refresh', { jwt: await idp.token({ scope: 'chat' }) })).error).toEqual(REFUSED);
  });

  it('is for those who came by one', async () => {
    const { idp, host, asks } = await startJwts();
    const user = await host();
    expect((await asks(user, 'session.refresh', { jwt: await idp.token() })).error).toMatchObject({ code: -32600 });
    expect((await asks(user, 'session.refresh', {})).error).toMatchObject({ code: -32602 });
  });

  it('closes at the fifth wrong one, and waits for one at a time', async () => {
    const { idp, by, asks } = await startJwts();
    const ada = await by(await idp.token());
    const first = ada.post('session.refresh', { jwt: 'a.b.c' });
    expect((await asks(ada, 'session.refresh', { jwt: 'a.b.d' })).error).toMatchObject({
      code: -32020,
      data: { limit: { name: 'max_pending_refreshes', value: 1 } },
    });
    while (!ada.replyTo(first)) await settle();
    for (let at = 0; at < 3; at += 1) await asks(ada, 'session.refresh', { jwt: 'a.b.c' });
    expect(ada.closed).toBeUndefined();
    await asks(ada, 'session.refresh', { jwt: 'a.b.c' });
    await settle();
    expect(ada.closed).toBe(4401);
  });

  it('leaves all as it was while the issuer’s keys cannot be had, and counts for nothing', async () => {
    const idp = await Issuer.create();
    let isThere = true;
    const server = createServer((_request, response) =>
      isThere ? void response.end(JSON.stringify(idp.jwks)) : void response.writeHead(500).end(),
    );
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const { by, asks, advance } = await startJwts({ jwtOptions: { jwks: undefined, jwksUrl } });
    const day = 24 * 3_600;
    const ada = await by(await idp.token({ lastsS: 3 * day }));
    isThere = false;
    await advance(day * 1_000);
    const { error } = await asks(ada, 'session.refresh', { jwt: await idp.token({ lastsS: 3 * day, jti: '2' }) });
    expect(error).toMatchObject({ code: -32020, data: { limit: { name: 'issuer_keys' }, retry_after_ms: 30_000 } });
    isThere = true;
    await advance(31_000);
    const later = await idp.token({ lastsS: 4 * day, jti: '3' });
    expect((await asks(ada, 'session.refresh', { jwt: later })).result).toBeDefined();
  });

  it('is in the audit, and no token is', async () => {
    const noted: object[] = [];
    const state = { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true };
    const { idp, by, asks } = await startJwts({ audit: { state, note: (entry) => void noted.push(entry) } });
    const ada = await by(await idp.token());
    await asks(ada, 'session.refresh', { jwt: await idp.token({ jti: '2' }) });
    await asks(ada, 'session.refresh', { jwt: 'a.b.c' });
    expect(noted.filter((entry) => 'who' in entry && entry.who === 'ada')).toMatchObject([
      { what: 'session.auth', outcome: 'ok', data: { role: 'client', jwt_expires_at: END } },
      { what: 'session.refresh', outcome: 'ok', data: { scopes: 'chat' } },
      { what: 'session.refresh', outcome: 'refused' },
    ]);
    expect(JSON.stringify(noted)).not.toContain('eyJ');
  });
});
