import { describe, expect, it } from 'vitest';
import { OWN } from '../../link/entries.ts';
import { ACK_BATCHES, ACK_MS } from '../../link/flow.ts';
import { AGAIN, FrameKind, readHead } from '../../link/frame.ts';
import { batches, kinds, opened, say, sayAlone } from './support/opened.ts';

describe('batches', () => {
  /** Something is said so often, and as often time goes by. @returns the batches it went in, and what is left to be sent */
  const keepSaying = (net: ReturnType<typeof opened>, times: number, pauseMs: number) => {
    const before = batches(net, 'b');
    const { clock } = net.ends.a;
    for (let n = 0; n < times; n += 1) {
      say(net, 'a', 'x');
      clock.settle();
      clock.advance(pauseMs);
    }
    return batches(net, 'b') - before;
  };

  it('leave with the tick after two milliseconds without one, and are gathered until then', () => {
    const net = opened();
    const { clock } = net.ends.a;
    // Without anything saved.
    keepSaying(net, 100, 1);
    clock.advance(2);
    const before = batches(net, 'b');
    say(net, 'a', 'x');
    clock.settle();
    expect(batches(net, 'b')).toBe(before + 1);
    clock.advance(1);
    say(net, 'a', 'y');
    say(net, 'a', 'z');
    clock.settle();
    expect(batches(net, 'b')).toBe(before + 1);
    clock.advance(1);
    expect(batches(net, 'b')).toBe(before + 2);
    // 2,000 entries a second, in bursts with a pause before each.
    for (let n = 1; n <= 40; n += 1) {
      clock.advance(3);
      for (let each = 0; each < 6; each += 1) say(net, 'a', 'x');
      clock.settle();
      expect(batches(net, 'b')).toBe(before + 2 + n);
    }
  });

  it('leave at once, two of them, at the cost of longer pauses before: a question has more than one answer', () => {
    const net = opened();
    const { clock } = net.ends.a;
    // An opening each five milliseconds, of three batches.
    for (let n = 0; n < 20; n += 1) {
      expect(keepSaying(net, 3, 0.5)).toBe(3);
      clock.advance(5);
    }
    expect(keepSaying(net, 4, 0.25)).toBe(3);
  });

  describe('with news, for which nobody waits', () => {
    const tell = (net: ReturnType<typeof opened>) => {
      net.ends.a.link.send({ kind: 'text', stream: OWN, body: 'news' }, 'news');
      net.ends.a.clock.settle();
    };

    it('leave with what is said next, and after two milliseconds where nothing is', () => {
      const net = opened();
      const { clock } = net.ends.a;
      clock.advance(100);
      tell(net);
      expect(batches(net, 'b')).toBe(0);
      say(net, 'a', 'x');
      clock.settle();
      expect(batches(net, 'b')).toBe(1);
      clock.advance(100);
      tell(net);
      clock.advance(1);
      tell(net);
      expect(batches(net, 'b')).toBe(1);
      clock.advance(1);
      expect(batches(net, 'b')).toBe(2);
      net.calm(1_000);
      expect(net.ends.b.heard.filter((what) => what === 'text 0 news')).toHaveLength(3);
    });

    it('leave once, where what is said next has to wait as well', () => {
      const net = opened();
      const { clock } = net.ends.a;
      keepSaying(net, 100, 1);
      clock.advance(2);
      say(net, 'a', 'x');
      clock.settle();
      const before = batches(net, 'b');
      clock.advance(0.5);
      tell(net);
      say(net, 'a', 'y');
      tell(net);
      clock.settle();
      clock.advance(1);
      expect(batches(net, 'b')).toBe(before);
      clock.advance(1);
      expect(batches(net, 'b')).toBe(before + 1);
      clock.advance(100);
      expect(batches(net, 'b')).toBe(before + 1);
    });

    it('leave two more at once afterwards, for what the pause before the news has saved', () => {
      const net = opened();
      const { clock } = net.ends.a;
      keepSaying(net, 100, 1);
      clock.advance(100);
      tell(net);
      clock.advance(2);
      expect(keepSaying(net, 3, 0.25)).toBe(2);
    });

    it('leave before the goodbye, and no timer behind', () => {
      const net = opened();
      tell(net);
      net.ends.a.link.close();
      expect(kinds(net, 'b')).toEqual([FrameKind.batch, FrameKind.bye]);
      net.calm(1_000);
      expect(net.ends.b.heard.slice(-2)).toEqual(['text 0 news', 'lost left']);
      expect(net.ends.a.clock.armed).toBe(0);
    });

    it('are lost with the link, and no timer is left', () => {
      const net = opened();
      tell(net);
      net.ends.a.link.lose('dead');
      net.calm(3_000);
      expect(net.ends.b.heard.filter((what) => what.startsWith('text'))).toEqual([]);
    });
  });

  it('are one each two milliseconds at most on the whole, whatever is said', () => {
    const net = opened();
    // At the beginning and the end of each two, and two that were saved.
    expect(keepSaying(net, 100, 1)).toBeLessThanOrEqual(53);
    expect(keepSaying(net, 100, 1)).toBeLessThanOrEqual(51);
  });

  it('are sent at once where they have 64 KiB', () => {
    const net = opened();
    for (let n = 0; n < 70; n += 1) say(net, 'a', 'x'.repeat(1024));
    expect(batches(net, 'b')).toBe(1);
    expect(net.onTheWay.b.at(-1)?.length).toBeGreaterThanOrEqual(64 * 1024);
  });

  it(`are acknowledged after ${ACK_MS} ms, or when there are ${ACK_BATCHES} of them`, () => {
    const net = opened();
    const one = () => {
      // Before it would be tried again.
      sayAlone(net, 'a', 'x');
      net.deliver('b');
    };
    one();
    expect(kinds(net, 'a')).toEqual([]);
    net.ends.b.clock.advance(ACK_MS);
    expect(kinds(net, 'a')).toEqual([FrameKind.ack]);
    net.deliverAll();
    expect(net.ends.a.link.waitingBytes).toBe(0);
    for (let n = 1; n < ACK_BATCHES; n += 1) one();
    expect(kinds(net, 'a')).toEqual([]);
    one();
    expect(kinds(net, 'a')).toEqual([FrameKind.ack]);
  });

  it('are acknowledged without waiting where 256 KiB of them have come', () => {
    const net = opened();
    say(net, 'a', 'x'.repeat(190 * 1024));
    net.deliver('b');
    expect(kinds(net, 'a')).toEqual([]);
    while (net.onTheWay.b.length > 0) net.deliver('b');
    expect(kinds(net, 'a')).toEqual([]);
    say(net, 'a', 'x'.repeat(300 * 1024));
    while (net.onTheWay.b.length > 0) net.deliver('b');
    expect(kinds(net, 'a')).toEqual([FrameKind.ack]);
  });

  it('are acknowledged by what goes the other way', () => {
    const net = opened();
    say(net, 'a', 'x');
    net.deliverAll();
    say(net, 'b', 'y');
    net.deliverAll();
    expect(net.ends.a.link.waitingBytes).toBe(0);
    net.ends.b.clock.advance(ACK_MS);
    expect(kinds(net, 'a')).toEqual([]);
  });

  it('of which one is missing are asked for again, at once, and told in order', () => {
    const net = opened();
    for (const delta of ['1', '2', '3']) sayAlone(net, 'a', delta);
    net.lose('b', 0);
    net.deliver('b');
    net.deliver('b');
    expect(net.onTheWay.a.map((frame) => readHead(frame)?.flags)).toEqual([AGAIN, AGAIN]);
    net.deliver('a');
    net.deliver('a');
    expect(batches(net, 'b')).toBe(3);
    net.deliverAll();
    expect(net.ends.b.heard.slice(1).map((said) => said.at(-1))).toEqual(['1', '2', '3']);
  });

  it('that are lost, with all that could have said so, are tried again, the oldest first, and then all', () => {
    const net = opened();
    const all = Array.from({ length: 20 }, (_, n) => `token -1 1-1 ${n}`);
    for (const [n] of all.entries()) sayAlone(net, 'a', `${n}`);
    net.onTheWay.b.length = 0;
    net.advance(300);
    expect(batches(net, 'b')).toBe(1);
    net.calm(300);
    expect(net.ends.b.heard.slice(1)).toEqual(all);
    expect(net.ends.a.heard).toEqual(['opened b-1']);
  });

  it('of which only the acknowledgement is late › are not sent again all', () => {
    const net = opened();
    const send = () => {
      for (let n = 0; n < 20; n += 1) sayAlone(net, 'a', `${n}`);
    };
    send();
    while (net.onTheWay.b.length > 0) net.deliver('b');
    net.ends.a.clock.advance(300);
    send();
    net.deliverAll();
    net.ends.b.clock.advance(ACK_MS);
    net.deliverAll();
    // All once, and the oldest once more.
    const sent = net.sent.b.filter((frame) => readHead(frame)?.kind === FrameKind.batch);
    expect([net.ends.a.link.waitingBytes, sent.length]).toEqual([0, 41]);
    expect(net.ends.b.heard).toHaveLength(41);
  });

  it('in which a listener throws are told to their end', () => {
    const net = opened((side) => (side === 'b' ? { token: ({ seq }) => seq === 1 && fail() } : {}));
    const fail = () => {
      throw new Error('oh');
    };
    say(net, 'a', 'x', 1);
    say(net, 'a', 'y', 2);
    net.deliverAll();
    expect(net.ends.b.heard.slice(1)).toEqual(['token -1 1-1 x', 'token -1 2-2 y']);
    expect(net.faults.map(String)).toEqual(['Error: oh']);
    net.calm(1_000);
    expect([net.ends.a.link.waitingBytes, net.ends.b.link.state]).toEqual([0, 'open']);
  });
});
