import { expect, test } from 'vitest';
import type { Logger } from '../../../broker.ts';
import { settle, startLinked } from '../../support/linked.ts';

/* What strangers try is in the log, and does not fill the disk. */

const WRONG = 'session.auth was refused: a wrong daemon token';

function listening() {
  const lines: { level: string; what: string; more?: number }[] = [];
  const note = (level: string) => (fields: object, what: string) => void lines.push({ level, what, ...fields });
  const log: Logger = { debug: () => {}, info: () => {}, warn: note('warn'), error: note('error') };
  return { lines, linked: startLinked({ log }) };
}

async function guess(linked: ReturnType<typeof startLinked>, times: number): Promise<void> {
  for (let n = 0; n < times; n += 1) {
    const stranger = linked.connect();
    stranger.post('session.auth', { token: `guess ${n}` });
    await settle();
    stranger.close();
  }
}

test('wrong tokens › when there are many › then five in ten seconds are logged, and how many more there were', async () => {
  const { lines, linked } = listening();
  await guess(linked, 400);
  expect(lines.map(({ what }) => what)).toEqual(Array.from({ length: 5 }, () => WRONG));
  await linked.advance(10_020);
  expect(lines.slice(5)).toEqual([{ level: 'warn', what: `${WRONG}, again and again`, more: 395 }]);
  expect(JSON.stringify(lines)).not.toContain('guess');
  await guess(linked, 6);
  expect(lines.slice(6).map(({ what }) => what)).toEqual(Array.from({ length: 5 }, () => WRONG));
  await linked.advance(10_020);
  expect(lines.at(-1)).toMatchObject({ more: 1 });
});

test('wrong tokens › when there are few › then each is logged, and nothing else', async () => {
  const { lines, linked } = listening();
  for (let n = 0; n < 4; n += 1) {
    await guess(linked, 5);
    await linked.advance(10_020);
  }
  expect(lines).toHaveLength(20);
  expect(lines.every(({ what }) => what === WRONG)).toBe(true);
});

test.each([
  ['a wrong host token', { host_token: 'guess' }, 'session.auth was refused: a wrong host token'],
  [
    "a known agent's wrong token",
    { agent_id: 'known', token: 'guess' },
    "session.auth was refused: a wrong token of an agent's",
  ],
  [
    'an unknown agent',
    { agent_id: 'other', token: 'guess' },
    'session.auth was refused: an agent that nobody has added',
  ],
])(
  '%s › when it is refused › then the log says which it was, and the peer hears the same of all',
  async (_, auth, words) => {
    const { lines, linked } = listening();
    linked.broker.upsertAgent({ id: 'known' });
    const { error } = await linked.connect().call('session.auth', auth);
    expect(error).toEqual({ code: -32603, message: 'auth failed: token mismatch' });
    expect(lines.map(({ what }) => what)).toEqual([words]);
    expect(JSON.stringify(lines)).not.toContain('guess');
  },
);

test('an agent › when it is known in a tenant › then its wrong token is one, until it is removed there too', async () => {
  const { lines, linked } = listening();
  const manager = await linked.manager();
  linked.broker.upsertAgent({ id: 'bot' });
  linked.broker.upsertAgent({ id: 'bot' }, { tenant: 'acme' });
  linked.broker.upsertAgent({ id: 'bot', name: 'again' }, { tenant: 'acme' });
  linked.broker.upsertAgent({ id: 'other' }, { tenant: 'acme' });
  await manager.ok('agents.remove', { id: 'bot' });
  for (const agent_id of ['bot', 'other', 'third'])
    await linked.connect().call('session.auth', { agent_id, token: 'guess' });
  const wrong = "session.auth was refused: a wrong token of an agent's";
  const unknown = 'session.auth was refused: an agent that nobody has added';
  expect(lines.map(({ what }) => what)).toEqual([wrong, wrong, unknown]);
});

test('no token › when session.auth has none, or nothing of it came › then the log tells them apart', async () => {
  const { lines, linked } = listening();
  expect((await linked.connect().call('session.auth', {})).error).toMatchObject({ code: -32602 });
  expect((await linked.connect().call('agents.list', {})).error).toMatchObject({ code: -32001 });
  expect(lines.map(({ what }) => what)).toEqual([
    'session.auth was refused: it has no token',
    'a request was refused: session.auth has to come first',
  ]);
});
