import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { SimulatedClock } from 'xstate';
import { type BrokerOptions, createBroker } from '../../broker.ts';
import {
  type Agent,
  AuthError,
  ConnectionError,
  connectAgent,
  connectHost,
  type Host,
  type HostStatus,
} from '../../client/node.ts';
import { AUDIENCE, ISSUER, Issuer, type Wish } from '../support/jwt.ts';

/** A broker that takes an issuer's tokens, on a port, by a clock that the test moves. */
async function start() {
  const idp = await Issuer.create();
  const clock = new SimulatedClock();
  const noted: string[] = [];
  const state = { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true };
  const broker = createBroker({
    clock: clock as NonNullable<BrokerOptions['clock']>,
    jwt: { issuer: ISSUER, audience: AUDIENCE, jwks: idp.jwks },
    audit: { state, note: ({ what, outcome }) => void noted.push(`${what} ${outcome}`) },
  });
  onTestFinished(() => broker.close());
  const { url } = await broker.listen({ port: 0 });
  const token = (wish: Wish = {}) => idp.token({ at: clock.now(), ...wish });
  return { broker, url, clock, noted, token };
}

const kept = <T extends Host | Agent>(client: T): T => {
  onTestFinished(() => client.close());
  return client;
};

describe('connectHost with a JWT', () => {
  it('comes in by it, and says who it is', async () => {
    const { url, token } = await start();
    const host = kept(await connectHost({ url, jwt: await token({ scope: 'host' }), env: {} }));
    expect([host.role, host.principal]).toEqual(['host', { sub: 'ada', tenant: 'default' }]);
    expect(await host.agents.list()).toEqual([]);
  });

  it('asks a function for the next one before it ends, and shows no token to whoever looks at frames', async () => {
    const { url, token, noted } = await start();
    const jwt = vi.fn(async () => token({ lastsS: jwt.mock.calls.length === 1 ? 50 : 600 }));
    const frames: string[] = [];
    const host = kept(await connectHost({ url, jwt, env: {}, onFrame: ({ text }) => void frames.push(text) }));
    await vi.waitFor(() => expect(noted).toContain('session.refresh ok'), 10_000);
    expect(jwt).toHaveBeenCalledTimes(2);
    expect(await host.agents.list()).toEqual([]);
    expect(frames.join()).toContain('session.expiring');
    expect(frames.join()).not.toContain('eyJ');
  });

  it('asks again where that is the same one still', async () => {
    const { url, token, clock } = await start();
    const [first, later] = [await token(), await token({ lastsS: 6_000 })];
    const jwt = vi.fn(() => (jwt.mock.calls.length < 4 ? first : later));
    const host = kept(await connectHost({ url, jwt, env: {} }));
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => void vi.useRealTimers());
    clock.increment(550_000);
    await vi.waitFor(() => {
      vi.advanceTimersByTime(10_000);
      expect(jwt).toHaveBeenCalledTimes(4);
    }, 10_000);
    await host.agents.list();
    clock.increment(100_000);
    expect(await host.agents.list()).toEqual([]);
    expect(jwt).toHaveBeenCalledTimes(4);
  });

  it('asks no more often than every ten seconds, however short they last', async () => {
    const { url, token, noted } = await start();
    const jwt = vi.fn(() => token({ lastsS: 40 + jwt.mock.calls.length }));
    const host = kept(await connectHost({ url, jwt, env: {} }));
    await vi.waitFor(() => expect(noted).toContain('session.refresh ok'), 10_000);
    for (let at = 0; at < 20; at += 1) await host.agents.list();
    expect(jwt).toHaveBeenCalledTimes(2);
  });

  it('comes back by another where the last one has ended', async () => {
    const { url, token, clock } = await start();
    const seen: string[] = [];
    const onStatus = ({ status }: HostStatus) => void seen.push(status);
    // It cannot be had where it is asked for before the end, as on a machine that sleeps.
    let isAsleep = false;
    const jwt = async () => {
      if (isAsleep) throw new Error('asleep');
      return token();
    };
    const said = vi.spyOn(console, 'error').mockImplementation(() => {});
    const host = kept(await connectHost({ url, jwt, env: {}, onStatus, reconnect: { minMs: 1 } }));
    isAsleep = true;
    clock.increment(550_000);
    await vi.waitFor(() => expect(said).toHaveBeenCalled(), 10_000);
    clock.increment(100_000);
    await vi.waitFor(() => expect(host.status).not.toBe('ready'), 10_000);
    isAsleep = false;
    await vi.waitFor(() => expect(host.status).toBe('ready'), 10_000);
    expect(await host.agents.list()).toEqual([]);
    expect(seen.filter((status) => status === 'ready')).toHaveLength(2);
    said.mockRestore();
  });

  it('comes back once the keys of the issuer can be had again, whether the JWT is a text or not', async () => {
    const idp = await Issuer.create();
    let isThere = false;
    const server = createServer((_request, response) =>
      isThere ? void response.end(JSON.stringify(idp.jwks)) : void response.writeHead(500).end(),
    );
    onTestFinished(() => void server.close());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const jwksUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
    const clock = new SimulatedClock();
    const broker = createBroker({
      clock: clock as NonNullable<BrokerOptions['clock']>,
      jwt: { issuer: ISSUER, audience: AUDIENCE, jwksUrl },
    });
    onTestFinished(() => broker.close());
    const { url } = await broker.listen({ port: 0 });
    const jwt = await idp.token();
    const seen: string[] = [];
    const waits = new Set<string>();
    /** Time passes while neither is in the middle of saying who it is: for that there are five seconds. */
    const look = (who: string) => (now: HostStatus) => {
      if (now.status !== 'waiting') return void waits.delete(who);
      seen.push(now.error.message);
      if (waits.add(who).size < 2 || seen.length < 20 || isThere) return;
      isThere = true;
      clock.increment(31_000);
    };
    const options = { url, env: {}, waitForBroker: true, reconnect: { minMs: 1, maxMs: 5 } };
    const coming = [
      connectHost({ ...options, jwt, onStatus: look('by a text') }),
      connectHost({ ...options, jwt: () => jwt, onStatus: look('by a function') }),
    ];
    for (const host of coming) expect(kept(await host).principal).toEqual({ sub: 'ada', tenant: 'default' });
    // Far more often than a wrong token may be tried.
    expect(new Set(seen)).toEqual(new Set(['limit exceeded: issuer_keys is 0']));
    expect(isThere).toBe(true);
  });

  it('is over with it where it is a text', async () => {
    const { url, token, clock } = await start();
    const host = kept(await connectHost({ url, jwt: await token(), env: {}, reconnect: true }));
    clock.increment(700_000);
    expect(await host.closed).toMatchObject({ closeCode: 4401, retryable: false });
  });

  it('rejects where it is refused, or cannot be had', async () => {
    const { url, token } = await start();
    await expect(connectHost({ url, jwt: await token({ aud: 'x' }), env: {} })).rejects.toThrow(AuthError);
    const none = connectHost({ url, env: {}, jwt: () => Promise.reject(new Error('no session')) });
    await expect(none).rejects.toThrow('there is no JWT: no session');
    await expect(none).rejects.toThrow(ConnectionError);
    const never = connectHost({ url, env: {}, jwt: () => new Promise<string>(() => {}), connectTimeoutMs: 50 });
    await expect(never).rejects.toThrow('no answer within 50 ms');
    const both = connectHost({ url, jwt: 'x', token: 'y' });
    await expect(both).rejects.toThrow(new TypeError('connectHost: a jwt goes with no token'));
  });

  it('finds one in SWITCHBOARD_JWT, unless a token is given', async () => {
    const { broker, url, token } = await start();
    const env = { SWITCHBOARD_JWT: await token() };
    const by = async (options: object) => kept(await connectHost({ url, env, ...options })).principal;
    expect(await by({})).toEqual({ sub: 'ada', tenant: 'default' });
    expect(await by({ management: true })).toEqual({ sub: 'ada', tenant: 'default' });
    expect(await by({ token: broker.tokens.daemon })).toBeUndefined();
    expect(await by({ env: { ...env, SWITCHBOARD_AUTH_TOKEN: broker.tokens.daemon } })).toBeUndefined();
  });
});

describe('connectAgent with a JWT', () => {
  it('attaches by its scope, and goes on by the next one', async () => {
    const { url, token, noted } = await start();
    const jwt = vi.fn(async () => token({ scope: 'agent:bot', lastsS: jwt.mock.calls.length === 1 ? 50 : 600 }));
    kept(await connectAgent({ url, agentId: 'bot', jwt, env: {}, onChat: ({ prompt }) => `about ${prompt}` }));
    await vi.waitFor(() => expect(noted).toContain('session.refresh ok'), 10_000);
    const host = kept(await connectHost({ url, jwt: await token(), env: {} }));
    expect(await host.chat('bot', 'cats').text()).toBe('about cats');
    const other = connectAgent({ url, agentId: 'other', jwt, env: {}, onChat: () => '' });
    await expect(other).rejects.toThrow(AuthError);
  });
});
