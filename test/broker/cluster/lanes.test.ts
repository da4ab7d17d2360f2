import { afterEach, describe, expect, it, test } from 'vitest';
import { type Lane, Lanes, MAX_LANES_BYTES } from '../../../actors/cluster/lanes.ts';
import type { Entry, StreamToken } from '../../../link/entries.ts';
import type { PeerLink } from '../../../link/peer-link.ts';
import { accepting, arrive, type Member, startCluster } from './support/brokers.ts';

const MiB = 1024 * 1024;
let cluster: Awaited<ReturnType<typeof startCluster>> | undefined;
afterEach(() => cluster?.end());

/** Two turns of agents at broker b, with hosts at broker a, each agent and host a connection of its own. */
async function twoTurns(limits: Record<string, number> = {}) {
  const started = await startCluster(['a', 'b'], { limits });
  cluster = started;
  const [a, b] = started.members as [Member, Member];
  const turn = async (id: string) => {
    const agent = await b.agent(id);
    await arrive();
    const host = await a.host();
    host.post('agents.chat', { agent_id: id, prompt: 'hi', session_id: id });
    await accepting(agent);
    const emit = (event: object) => agent.emit(id, event);
    return { agent, host, emit, events: () => host.events(id) };
  };
  return { net: started.net, pass: started.pass, much: await turn('much'), little: await turn('little') };
}

describe('where the link takes no more for now', () => {
  test('what is for one connection waits, all of it arrives in order, and nobody else is kept waiting or ended', async () => {
    const { net, much, little } = await twoTurns();
    const letGo = net.hold('b', 'a');
    const long = 'x'.repeat(MiB);
    for (let n = 0; n < 12; n += 1) much.emit({ kind: 'status', text: `${n} ${long}` });
    for (let n = 0; n < 500; n += 1) much.emit({ kind: 'token', delta: `${n} ` });
    little.emit({ kind: 'token', delta: 'on' });
    much.emit({ kind: 'done' });
    letGo();
    await arrive();
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }]);
    const kinds = (kind: string) => much.events().filter((event) => event.kind === kind);
    expect(kinds('status').map(({ text }) => Number.parseInt(text, 10))).toEqual([...Array(12).keys()]);
    const said = kinds('token');
    expect(said.map(({ delta }) => delta).join('')).toBe([...Array(500).keys()].map((n) => `${n} `).join(''));
    // More than the soft limit waited: they were joined.
    expect(said.length).toBeLessThan(500);
    expect(much.events().at(-1)).toMatchObject({ kind: 'done' });
  });

  test('a message longer than all that brokers may have waiting for each other arrives, either way', async () => {
    const { much, little } = await twoTurns();
    const long = 'x'.repeat(14 * MiB);
    much.emit({ kind: 'status', text: long });
    little.emit({ kind: 'token', delta: 'on' });
    await arrive();
    expect(much.events().map(({ text }) => text?.length)).toEqual([long.length]);
    much.host.post('agents.chat', { agent_id: 'much', prompt: long, session_id: 'next' });
    await accepting(much.agent);
    expect(much.agent.received('agent.chat').at(-1)?.params.prompt).toHaveLength(long.length);
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }]);
  });

  test('whoever has more than 32 MiB waiting ends, alone', async () => {
    const { net, pass, much, little } = await twoTurns();
    const letGo = net.hold('b', 'a');
    const long = 'x'.repeat(MiB);
    for (let n = 0; n < 40; n += 1) much.emit({ kind: 'status', text: long });
    little.emit({ kind: 'token', delta: 'on' });
    letGo();
    await arrive();
    await pass(1);
    expect(much.events().at(-1)).toMatchObject({ kind: 'error', code: 'peer_lost' });
    expect([much.host.closed, little.host.closed, much.agent.closed]).toEqual([undefined, undefined, undefined]);
    little.emit({ kind: 'done' });
    await arrive();
    expect(little.events()).toMatchObject([{ kind: 'token', delta: 'on' }, { kind: 'done' }]);
  });

  test('a request that would be too much is refused, and may be made again', async () => {
    const { net, much } = await twoTurns();
    const letGo = net.hold('a', 'b');
    const ask = () => much.host.post('agents.chat', { agent_id: 'much', prompt: 'x'.repeat(10 * MiB) });
    const ids = [ask(), ask(), ask(), ask(), ask()];
    await arrive();
    const refused = { code: -32020, data: { limit: { name: 'peer_waiting_bytes' }, retry_after_ms: 1_000 } };
    expect(ids.map((id) => much.host.replyTo(id)?.error).filter(Boolean)).toMatchObject([refused]);
    letGo();
    await arrive();
    expect(much.agent.received('agent.chat').length).toBeGreaterThan(1);
  });
});

describe('lanes of one link', () => {
  /** A link that takes what it takes, and says nothing. */
  function scene() {
    const sent: string[] = [];
    const link = {
      peer: 'b',
      isOpen: true,
      waitingBytes: 0,
      send: (entry: Entry) => sent.push(entry.body) > 0,
      sendToken: ({ delta }: StreamToken) => sent.push(delta) > 0,
    };
    const lanes = new Lanes(link as unknown as PeerLink);
    const limits = { softLimitBytes: MiB, cutBytes: 32 * MiB };
    const ended: string[] = [];
    const lane = (name: string) => lanes.lane(limits, () => ended.push(name));
    const say = (to: Lane, body: string) => to.hasRoomFor(body) && to.send({ kind: 'text', stream: 1, body });
    return { sent, link, lanes, lane, say, ended };
  }

  it('go on in turns, a short one before the rest of a long one', () => {
    const { sent, link, lanes, lane, say } = scene();
    const [long, short] = [lane('long'), lane('short')];
    link.waitingBytes = 5 * MiB;
    for (let n = 0; n < 8; n += 1) say(long, `${n}`.padEnd(40 * 1024));
    say(short, 'a');
    say(short, 'b');
    lanes.drain();
    expect(sent).toEqual([]);
    link.waitingBytes = 0;
    lanes.drain();
    expect(sent.map((body) => body.trim())).toEqual(['0', '1', 'a', 'b', '2', '3', '4', '5', '6', '7']);
    expect(lanes.waitingBytes).toBe(0);
  });

  it('hold 64 MiB together: whoever has most waiting makes room for whoever has less', () => {
    const { link, lanes, lane, say, ended } = scene();
    link.waitingBytes = 5 * MiB;
    const three = ['one', 'two', 'three'].map(lane) as [Lane, Lane, Lane];
    const [one, two, three_] = three;
    const body = 'x'.repeat(MiB);
    for (let n = 0; n < 30; n += 1) say(one, body);
    for (let n = 0; n < 25; n += 1) say(two, body);
    for (let n = 0; n < 20; n += 1) expect(say(three_, body)).toBe(true);
    expect([ended, one.waitingBytes]).toEqual([['one'], 0]);
    expect(lanes.waitingBytes).toBeLessThanOrEqual(MAX_LANES_BYTES);
    // Whoever has most itself is refused.
    for (let n = 0; n < 7; n += 1) say(two, body);
    for (let n = 0; n < 12; n += 1) say(three_, body);
    expect(say(two, body)).toBe(false);
    expect(ended).toEqual(['one']);
  });

  it('of a link that is lost hold nothing', () => {
    const { sent, link, lanes, lane, say } = scene();
    const one = lane('one');
    link.waitingBytes = 5 * MiB;
    say(one, 'x');
    lanes.drop();
    link.waitingBytes = 0;
    lanes.drain();
    expect([sent, lanes.waitingBytes, one.isEmpty]).toEqual([[], 0, true]);
  });

  it('take a replay that is longer than what may wait, once', () => {
    const { link, lane, say } = scene();
    const one = lane('one');
    link.waitingBytes = 5 * MiB;
    const body = 'x'.repeat(8 * MiB);
    one.allow(48 * MiB);
    for (let n = 0; n < 7; n += 1) expect(say(one, body)).toBe(true);
    one.leave(60 * MiB);
    for (let n = 0; n < 3; n += 1) expect(say(one, body)).toBe(true);
    expect(say(one, body)).toBe(false);
  });
});
