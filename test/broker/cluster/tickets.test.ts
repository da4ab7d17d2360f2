import { afterEach, describe, expect, test, vi } from 'vitest';
import { TICKET_LIFE_MS, Tickets } from '../../../actors/turns/tickets.ts';
import { SharedDirectory } from '../../../cluster/shared-directory.ts';
import { arrive, startCluster } from './support/brokers.ts';
import { DONE, openTurn, resume, rowOf, say, startTakeover, told } from './support/takeover-scene.ts';

/* Who a ticket serves, and whom it does not. */

const TOKENS = { daemon: 'the-daemon-token', host: 'the-host-token' };
const FACTS = {
  version: 1 as const,
  id: 't',
  session_id: 's',
  session_key: 's',
  owner: { tenant: 'default', sub: 'local' },
  agent_id: 'bot',
  resumes: true,
  window_ms: 1_000,
  token_hash: 'ab'.repeat(32),
  opener_id: 'c-1',
  created_at: 1_000_000,
};

describe('a ticket', () => {
  const tickets = new Tickets(TOKENS, 'x');
  const ticket = tickets.issue(FACTS) ?? '';

  test('is read by every broker with the same tokens, in the same cluster, for a day', () => {
    const other = new Tickets(TOKENS, 'x');
    expect(other.read(ticket, FACTS.created_at + TICKET_LIFE_MS - 1)).toEqual(FACTS);
    expect(other.read(ticket, FACTS.created_at + TICKET_LIFE_MS)).toBeUndefined();
    expect(other.passOf('t')).toBe(tickets.passOf('t'));
    expect(other.isPass('t', tickets.passOf('t'))).toBe(true);
  });

  test.each([
    ['another cluster', new Tickets(TOKENS, 'y')],
    ['another daemon token', new Tickets({ ...TOKENS, daemon: 'x' }, 'x')],
    ['another host token', new Tickets({ ...TOKENS, host: 'x' }, 'x')],
  ])('is nobody’s of %s', (_what, stranger) => {
    expect(stranger.read(ticket, FACTS.created_at)).toBeUndefined();
    expect(stranger.isPass('t', tickets.passOf('t'))).toBe(false);
  });

  test('says nothing where a letter of it is another one, or it is no ticket', () => {
    for (let at = 0; at < ticket.length; at += 7) {
      const forged = `${ticket.slice(0, at)}${ticket[at] === 'A' ? 'B' : 'A'}${ticket.slice(at + 1)}`;
      expect(tickets.read(forged, FACTS.created_at)).toBeUndefined();
    }
    for (const none of ['', 'sbt_', 'x', ticket.slice(0, -1), `${ticket}A`, '\u0000'.repeat(100), 'sbt_é'.repeat(40)])
      expect(tickets.read(none, FACTS.created_at)).toBeUndefined();
  });

  test('is 2 KiB at most: what is only shown is left out, and what cannot be has none', () => {
    const long = tickets.issue({ ...FACTS, model: 'm'.repeat(4_000), tracestate: 'x=y' }) ?? '';
    expect(tickets.read(long, FACTS.created_at)).toEqual(FACTS);
    expect(tickets.issue({ ...FACTS, session_key: 'k'.repeat(2_000) })).toBeUndefined();
  });
});

test('a broker that was given other tokens › is told of in the log of each', async () => {
  const cluster = await startCluster(['a']);
  const started = async (name: string, host: string) => {
    const warned: [object, string][] = [];
    const warn = (...line: [object, string]) => {
      if (line[1].includes('other tokens')) warned.push(line);
    };
    const log = { debug() {}, info() {}, error() {}, warn };
    await cluster.start(name, { log, tokens: { ...TOKENS, host } });
    await arrive();
    await cluster.pass(1);
    return warned;
  };
  const ofSame = await started('b', TOKENS.host);
  expect(ofSame).toEqual([]);
  const ofOther = await started('c', 'another');
  expect(ofSame.map(([fields]) => fields)).toEqual([{ broker: 'c' }]);
  expect(ofOther.map(([fields]) => fields)).toEqual(expect.arrayContaining([{ broker: 'a' }, { broker: 'b' }]));
  expect(JSON.stringify([...ofSame, ...ofOther])).not.toContain('another');
  await cluster.end();
});

describe('a turn whose broker is gone', () => {
  let scene: Awaited<ReturnType<typeof startTakeover>>;

  afterEach(() => scene.cluster.end());

  test('goes on for its own agent, by its own ticket alone', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    expect(ticket.length).toBeLessThanOrEqual(2_048);
    const other = await openTurn(a.connect(), agent, { session_id: 'other' });
    await say(agent, turn, 1, 'one ');
    await kill(agent);
    await mourn();
    const stranger = await attach(c, { tickets: true }, 'stranger');
    const stolen = resume(stranger, { ...turn, ticket, next: 2, kept_from: 1 });
    const next = await attach(c);
    const forged = `${ticket.slice(0, 10)}${ticket[10] === 'A' ? 'B' : 'A'}${ticket.slice(11)}`;
    const named = { ...turn, next: 2, kept_from: 1 };
    const wrong = [forged, other.ticket, 'garbage', 'x'.repeat(4_000)].map((said) =>
      resume(next, { ...named, ticket: said }),
    );
    // It counts for the whole of a turn alone.
    wrong.push(resume(next, { ...named, ticket, kept_from: 2 }));
    // Whoever has no ticket that counts waits as long as any, for a broker that may be back.
    await cluster.pass(27);
    expect(rowOf(stranger, stolen).status).toBe('unknown');
    expect(wrong.map((id) => rowOf(next, id).status)).toEqual(Array(5).fill('unknown'));
    const id = resume(next, { ...named, ticket });
    await cluster.pass(1);
    expect(rowOf(next, id).status).toBe('resumed');
    await say(next, turn, 1, 'one ', DONE);
    await arrive();
    expect(told(host)).toEqual(['1 one ', '2 done']);
  });

  test('goes on although its session is held by that broker for a while longer', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn, cluster } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const { turn, ticket } = await openTurn(host, agent);
    await say(agent, turn, 1, 'one ');
    await kill(agent);
    const next = await attach(c);
    const held = vi.spyOn(SharedDirectory.prototype, 'claim').mockResolvedValue({ isOurs: false, broker: 'b' });
    const id = resume(next, { ...turn, ticket, next: 2, kept_from: 1 });
    await mourn();
    // Longer than one claim is tried for.
    await cluster.pass(6);
    expect(held.mock.calls.length).toBeGreaterThan(4);
    expect(rowOf(next, id)).toBeUndefined();
    held.mockRestore();
    await cluster.pass(6);
    expect(rowOf(next, id).status).toBe('resumed');
    await say(next, turn, 1, 'one ', DONE);
    expect(told(host)).toEqual(['1 one ', '2 done']);
  });

  test('goes on although its agent names one, too, that was in its session before', async () => {
    scene = await startTakeover();
    const { a, b, c, attach, kill, mourn } = scene;
    const host = a.connect();
    const agent = await attach(b);
    const before = await openTurn(host, agent);
    await say(agent, before.turn, 1, 'one ', DONE);
    const live = await openTurn(host, agent);
    await say(agent, live.turn, 1, 'two ');
    await kill(agent);
    const next = await attach(c);
    const rows = [
      { ...before.turn, ticket: before.ticket, next: 3, kept_from: 1 },
      { ...live.turn, ticket: live.ticket, next: 2, kept_from: 1 },
    ];
    const id = resume(next, ...rows);
    await mourn();
    const said: { turn_id: string; status: string }[] = next.replyTo(id)?.result.turns;
    expect(said.find(({ turn_id }) => turn_id === live.turn.turn_id)?.status).toBe('resumed');
    expect(said).toHaveLength(2);
    await say(next, live.turn, 1, 'two ', DONE);
    expect(told(host)).toEqual(['1 one ', '2 done', '1 two ', '2 done']);
  });
});
