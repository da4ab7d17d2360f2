import { request } from 'node:http';
import { expect, onTestFinished, test, vi } from 'vitest';
import { DEFAULT_LIMITS } from '../../../protocol/limits.ts';
import { Issuer } from '../../support/jwt.ts';
import { type LinkedClient, openChat, settle } from '../../support/linked.ts';
import { readMetric } from '../../support/metrics.ts';
import { startJwts, until } from './jwts.ts';
import { REFUSED } from './keys.ts';

/*
 * Thousands of wrong tokens at once. The clock stands still: what a second's worth is, is counted and not timed.
 */

const PER_SECOND = 200;
/** Of them one is of somebody who was here before. */
const FIRST = PER_SECOND - 1;
const limits = { jwtVerificationsPerSecond: PER_SECOND, maxWaitingJwts: 400 };
/** Those that are being verified, and those that wait for it. */
const TAKEN = DEFAULT_LIMITS.maxJwtVerifications + limits.maxWaitingJwts;

/** Counts what costs time: signatures that are verified. */
function countVerified(): () => number {
  const spied = vi.spyOn(crypto.subtle, 'verify');
  onTestFinished(() => spied.mockRestore());
  return () => spied.mock.calls.length;
}

/** So many tokens of somebody who is not the issuer, no two of them alike. */
async function wrongTokens(count: number): Promise<string[]> {
  const token = await (await Issuer.create()).token();
  const [head, claims, signature = ''] = token.split('.');
  const last = signature.slice(6);
  return Array.from({ length: count }, (_, at) => `${head}.${claims}.${String(at).padStart(6, '0')}${last}`);
}

test('a flood of wrong JWTs › costs what a second may, refuses the rest, and is no matter to who is known', async () => {
  const noted: { what: string; data?: { more?: number } }[] = [];
  const state = { written: 0, lost: 0, failures: 0, waitingBytes: 0, isWritable: true };
  const audit = { state, note: (entry: object) => void noted.push(entry as never) };
  const { broker, idp, by, connect, asks, tries, agent, lines, advance } = await startJwts({ limits, audit });
  const bot = await agent('bot');
  const verified = countVerified();
  const token = await idp.token();
  const ada = await by(token);
  await openChat(ada, bot, { agent_id: 'bot', session_id: 's' });
  const { session_id: session } = bot.lastChat().params;
  const [late, ...wrong] = [await idp.token({ sub: 'late' }), ...(await wrongTokens(3_000))];
  noted.length = 0;

  const strangers = wrong.map((jwt) => {
    const client = connect();
    client.post('session.auth', { jwt });
    return client;
  });
  const answersOf = (client: LinkedClient) => client.frames.map(({ error }) => error);
  const answered = () => strangers.filter(({ frames }) => frames.length > 0);
  const busy = {
    code: -32020,
    message: `limit exceeded: max_waiting_jwts is ${limits.maxWaitingJwts}`,
    data: { limit: { name: 'max_waiting_jwts', value: limits.maxWaitingJwts }, retry_after_ms: 1_000 },
  };
  const isBusy = (client: LinkedClient) => answersOf(client)[0]?.code === busy.code;
  // The first second's worth is done. While no time passes nothing becomes of those that wait.
  await until(() => (answered().length === wrong.length - TAKEN + FIRST ? true : undefined));
  await settle();
  expect(verified()).toBe(PER_SECOND);
  const [refused, turnedAway] = [answered().filter((one) => !isBusy(one)), answered().filter(isBusy)];
  expect([refused.length, turnedAway.length]).toEqual([FIRST, wrong.length - TAKEN]);
  for (const client of refused) expect(answersOf(client)).toEqual([REFUSED]);
  expect(answersOf(turnedAway[0] as LinkedClient)).toEqual([busy]);

  // Whoever is known waits for none of them, and a stream has nothing to do with it.
  expect((await tries(token)).result).toMatchObject({ sub: 'ada' });
  bot.emit(session, { kind: 'token', delta: 'on it goes' });
  await settle();
  expect(ada.events().at(-1)).toMatchObject({ delta: 'on it goes' });

  // Who comes now comes in behind those that wait.
  const newcomer = connect();
  const comes = asks(newcomer, 'session.auth', { jwt: late });
  await settle();
  expect(verified()).toBe(PER_SECOND);
  await advance(1_000);
  await until(() => (answered().length === wrong.length - TAKEN + FIRST + PER_SECOND ? true : undefined));
  expect(newcomer.frames).toEqual([]);
  await advance(1_000);
  expect((await comes).result).toMatchObject({ sub: 'late' });
  expect(answered()).toHaveLength(wrong.length);
  expect(verified()).toBe(1 + TAKEN + 1);

  // It is told in a few lines, and nothing is kept of it.
  expect(await readMetric(broker, 'auth_refusals_total')).toEqual({
    jwt_signature: TAKEN,
    jwt_busy: wrong.length - TAKEN,
  });
  expect(lines.length).toBeLessThan(20);
  expect(noted.filter(({ what }) => what === 'session.auth').length).toBeLessThan(100);
  expect(JSON.stringify([lines, noted])).not.toContain('eyJ');
});

test('a flood of wrong JWTs in headers › is refused before there are connections, and costs no more', async () => {
  const waiting = 20;
  const { broker, idp, by, advance } = await startJwts({ limits: { ...limits, maxWaitingJwts: waiting } });
  onTestFinished(() => broker.close());
  const verified = countVerified();
  const token = await idp.token();
  await by(token);
  const { url } = await broker.listen({ port: 0 });
  const statuses = new Map<number, number>();
  const wrong = await wrongTokens(1_000);
  const ask = (token: string) =>
    new Promise<number>((resolve, reject) => {
      const headers = {
        authorization: `Bearer ${token}`,
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      };
      const sent = request(url.replace('ws', 'http'), { headers, agent: false });
      sent.on('response', (response) => resolve(response.resume().statusCode ?? 0));
      sent.on('upgrade', (_response, socket) => resolve(socket.destroy() && 101));
      sent.on('error', reject).end();
    });
  const next = wrong[Symbol.iterator]();
  const askOn = async () => {
    for (const token of next) {
      const status = await ask(token);
      statuses.set(status, (statuses.get(status) ?? 0) + 1);
    }
  };
  const all = Promise.all(Array.from({ length: 50 }, askOn));
  const count = (...which: number[]) => which.reduce((sum, status) => sum + (statuses.get(status) ?? 0), 0);
  await until(() => (count(401, 429, 503) === wrong.length - waiting ? true : undefined));
  expect(verified()).toBe(PER_SECOND);
  expect(await ask(token)).toBe(101);
  await advance(1_000);
  await all;
  expect(verified()).toBe(PER_SECOND + waiting);
  // Of those that were judged, who asks too often is not told more than that.
  expect([count(401, 429), count(503)]).toEqual([FIRST + waiting, wrong.length - FIRST - waiting]);
});
