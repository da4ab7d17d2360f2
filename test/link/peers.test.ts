import { describe, expect, it } from 'vitest';
import { FrameKind, textFrame } from '../../link/frame.ts';
import { DEAD_MS, HEARTBEAT_MS } from '../../link/members.ts';
import { brokerOf } from './support/broker.ts';
import { MemoryNet } from './support/memory-carrier.ts';
import { StillClock } from './support/still-clock.ts';

async function three() {
  const clock = new StillClock();
  const net = new MemoryNet(clock);
  const brokers = { a: brokerOf('a', net.carrier('a'), { clock }), b: brokerOf('b', net.carrier('b'), { clock }) };
  const c = brokerOf('c', net.carrier('c'), { clock });
  for (const { peers } of [brokers.a, brokers.b, c]) await peers.open();
  clock.advance(2 * HEARTBEAT_MS);
  return { net, clock, ...brokers, c };
}

describe('brokers', () => {
  it('that reach each other › have a link each with each, and know who is there', async () => {
    const { a, b, c, clock } = await three();
    expect([...a.heard].sort()).toEqual(['joined b-1', 'joined c-1', 'opened b-1', 'opened c-1']);
    expect(c.peers.members.get('a')).toEqual({
      id: 'a',
      epoch: 'a-1',
      urls: ['ws://a'],
      load: 0.1,
      turns: 2,
      status: 'alive',
    });
    expect([a.say('b', 'to b'), c.say('b', 'also to b'), a.say('nobody', '')]).toEqual([true, true, false]);
    clock.advance(10);
    expect(b.heard.slice(-2)).toEqual(['token of a: to b', 'token of c: also to b']);
    expect([a, b, c].flatMap(({ faults, peers }) => [...faults, peers.ignoredFrames])).toEqual([0, 0, 0]);
  });

  it('of which one is silent › lose it when it is dead, and have it back when it is heard of', async () => {
    const { net, a, c, clock } = await three();
    net.silent.add('b');
    clock.advance(DEAD_MS + HEARTBEAT_MS);
    expect(a.heard.slice(4)).toEqual(['suspected b-1', 'lost b dead', 'died b-1']);
    expect(a.say('b', 'x')).toBe(false);
    expect(c.say('a', 'as ever')).toBe(true);
    net.silent.delete('b');
    clock.advance(2 * HEARTBEAT_MS);
    expect(a.heard.slice(7).sort()).toEqual(['joined b-1', 'opened b-1', 'token of c: as ever'].sort());
  });

  it('of which one is silent for less than four seconds › lose nothing', async () => {
    const { net, a, b, clock } = await three();
    net.silent.add('b');
    clock.advance(DEAD_MS - HEARTBEAT_MS);
    expect(a.say('b', 'meanwhile')).toBe(true);
    net.silent.delete('b');
    clock.advance(2 * HEARTBEAT_MS);
    expect(a.heard.slice(4)).toEqual(['suspected b-1', 'recovered b-1']);
    expect(b.heard.slice(4)).toEqual(['token of a: meanwhile']);
  });

  it('that nothing carries for a while › lose nothing, and think nobody dead, for less than ten seconds', async () => {
    const { net, a, b, clock } = await three();
    net.away(true);
    expect(a.say('b', 'meanwhile')).toBe(true);
    clock.advance(DEAD_MS + 4_000);
    net.away(false);
    clock.advance(HEARTBEAT_MS);
    expect(a.heard.slice(4)).toEqual([]);
    expect(b.heard.slice(4)).toEqual(['token of a: meanwhile']);
    net.away(true);
    clock.advance(30_000);
    expect(a.heard.slice(4).sort()).toEqual(['lost b silent', 'lost c silent']);
    net.away(false);
    clock.advance(HEARTBEAT_MS);
    expect(a.heard.slice(6).sort()).toEqual(['opened b-1', 'opened c-1']);
  });

  it('of which one leaves › hear so at once, with all that it has said', async () => {
    const { a, b, c, clock } = await three();
    b.say('a', 'last');
    await b.peers.close();
    clock.settle();
    expect(a.heard.slice(4)).toEqual(['token of b: last', 'lost b left']);
    expect(c.heard.slice(4)).toEqual(['lost b left']);
    expect(a.say('b', 'x')).toBe(false);
  });

  it('count frames that are none', async () => {
    const { net, a, clock } = await three();
    const head = { flags: 0, ours: 1, theirs: 0, lseq: 0, ack: 0 };
    const before = a.heard.length;
    net.give('a', Buffer.from('nonsense'));
    net.give('a', textFrame({ ...head, kind: FrameKind.hello, from: '../b' }, 'x'));
    net.give('a', textFrame({ ...head, kind: FrameKind.heartbeat, from: 'b' }, '{"id":"c"}'));
    net.give('a', textFrame({ ...head, kind: 9 as never, from: 'b' }, 'x'));
    clock.advance(HEARTBEAT_MS);
    expect([a.peers.ignoredFrames, a.heard.length, a.faults]).toEqual([4, before, []]);
  });
});
