import { describe, expect, it } from 'vitest';
import { MAX_HELD_BYTES, MAX_SILENCE_MS, STALL_MS } from '../../link/flow.ts';
import { FrameKind, readHead, textFrame } from '../../link/frame.ts';
import { HELLO_MS } from '../../link/peer-link.ts';
import { LossyNet, type Side } from './support/lossy-net.ts';
import { kinds, opened, say, sayAlone } from './support/opened.ts';

/** A frame of that side's on the link that is open, made by somebody who knows both halves. */
function forged(
  net: LossyNet,
  from: Side,
  change: Partial<NonNullable<ReturnType<typeof readHead>>>,
  body = '',
): Buffer {
  sayAlone(net, from, 'x');
  const known = readHead(net.onTheWay[from === 'a' ? 'b' : 'a'].at(-1) as Buffer);
  if (!known) throw new Error('nothing was sent');
  net.deliverAll();
  return textFrame({ ...known, lseq: known.lseq + 1, ...change }, body);
}

describe('a link', () => {
  it('opens when both ends have heard of each other, whoever is there first, and tells whose life that is', () => {
    const net = opened();
    expect([net.ends.a.heard, net.ends.b.heard]).toEqual([['opened b-1'], ['opened a-1']]);
    expect([net.ends.a.link.state, net.ends.b.link.state]).toEqual(['open', 'open']);
    // Hello is said no more.
    net.advance(10 * HELLO_MS);
    expect([kinds(net, 'a'), kinds(net, 'b')]).toEqual([[], []]);
  });

  it('that is not open takes nothing, and says so', () => {
    const net = new LossyNet();
    expect([say(net, 'a', 'x'), net.ends.a.link.send({ kind: 'close', stream: 1, body: '' })]).toEqual([false, false]);
    net.calm(1_000);
    expect(net.ends.b.heard).toEqual(['opened a-1']);
  });

  it('opens although each hello but the last is lost', () => {
    const net = new LossyNet();
    for (let n = 0; n < 5; n += 1) {
      net.onTheWay.a.length = 0;
      net.onTheWay.b.length = 0;
      net.advance(HELLO_MS);
    }
    net.deliverAll();
    expect([net.ends.a.link.state, net.ends.b.link.state]).toEqual(['open', 'open']);
  });

  it('that one end has given up › is given up by the other, although nothing says so but a hello', () => {
    const net = opened();
    net.ends.a.link.lose('dead');
    // Hello, its answer, and what says that this has arrived, which is lost.
    net.deliver('b');
    net.deliver('a');
    expect(net.ends.a.heard.slice(1)).toEqual(['lost dead', 'opened b-1']);
    net.onTheWay.b.length = 0;
    net.advance(HELLO_MS);
    net.deliverAll();
    expect(net.ends.b.heard.slice(1)).toEqual(['lost restarted', 'opened a-1']);
  });

  it('that the peer never opens › is lost', () => {
    const net = new LossyNet();
    net.advance(HELLO_MS);
    // a hears that b has heard it; b hears nothing more.
    net.deliver('b');
    net.stop('b');
    while (net.onTheWay.a.length > 0) net.deliver('a');
    expect(net.ends.a.heard).toEqual(['opened b-1']);
    net.advance(20 * HELLO_MS);
    expect(net.ends.a.heard).toEqual(['opened b-1', 'lost silent']);
  });

  it('carries entries both ways, streams seen from either end', () => {
    const net = opened();
    net.ends.a.link.send({ kind: 'open', stream: 3, body: '{"agent":"x"}' });
    net.deliverAll();
    net.ends.b.link.send({ kind: 'head', stream: -3, body: '{' });
    net.ends.b.link.sendToken({ stream: -3, seq: 4, seqFrom: 2, delta: 'héllo' });
    net.deliverAll();
    expect(net.ends.b.heard.slice(1)).toEqual(['open -3 {"agent":"x"}']);
    expect(net.ends.a.heard.slice(1)).toEqual(['head 3 {', 'token 3 2-4 héllo']);
  });
});

describe('a link whose peer', () => {
  it('is cut off and comes back › is stalled and flows again, and has lost nothing', () => {
    const net = opened();
    say(net, 'a', '1');
    net.ends.a.clock.settle();
    net.cut();
    net.onTheWay.b.length = 0;
    expect(say(net, 'a', '2')).toBe(true);
    net.advance(MAX_SILENCE_MS - 1_000);
    expect(net.ends.a.link.state).toBe('stalled');
    net.mend();
    net.deliverAll();
    expect(net.ends.a.heard.slice(1)).toEqual(['stalled', 'flowing']);
    expect(net.ends.b.heard.slice(1)).toEqual(['stalled', 'flowing', 'token -1 1-1 1', 'token -1 1-1 2']);
  });

  it('is out of reach for ten seconds › is lost, on both ends, whether something waits for it or not', () => {
    const net = opened();
    net.cut();
    net.advance(MAX_SILENCE_MS + 300);
    expect([net.ends.a.heard, net.ends.b.heard].map((heard) => heard.slice(1))).toEqual([
      ['stalled', 'lost silent'],
      ['stalled', 'lost silent'],
    ]);
    net.calm(1_000);
    expect(net.ends.a.heard.at(-1)).toBe('opened b-1');
  });

  it('acknowledges nothing › is stalled after a second, and lost after ten', () => {
    const net = opened();
    net.stop('b');
    say(net, 'a', 'x');
    net.advance(STALL_MS + 300);
    expect(net.ends.a.heard.slice(1)).toEqual(['stalled']);
    net.advance(MAX_SILENCE_MS - STALL_MS - 600);
    expect(net.ends.a.link.state).toBe('stalled');
    net.advance(600);
    expect(net.ends.a.heard.slice(1)).toEqual(['stalled', 'lost silent']);
    expect([net.ends.a.link.isOpen, net.ends.a.link.waitingBytes]).toEqual([false, 0]);
    // It hears all that was sent to it, then that the link is gone; and there is another.
    net.calm(2_000);
    expect(net.ends.b.heard.filter((said) => !/stalled|flowing/.test(said))).toEqual([
      'opened a-1',
      'token -1 1-1 x',
      'lost restarted',
      'opened a-1',
    ]);
    expect(net.ends.a.heard.at(-1)).toBe('opened b-1');
  });

  it('was stopped for fifteen seconds › is not blamed by itself for what it could not read meanwhile', () => {
    const net = opened();
    say(net, 'b', 'x');
    net.ends.b.clock.settle();
    net.stop('b');
    net.deliverAll();
    net.advance(15_000);
    net.go('b');
    net.deliverAll();
    net.calm(2_000);
    expect(net.ends.b.heard.slice(1).filter((said) => said.startsWith('lost'))).toEqual([]);
    expect(net.ends.b.link.waitingBytes).toBe(0);
  });

  it('takes nothing while what others bound waits for it › costs nobody the link, and leaves all its room to the rest', () => {
    const net = opened();
    net.isFull.a = true;
    const { link } = net.ends.a;
    const long = 'x'.repeat(12 * 1024 * 1024);
    for (let n = 0; n < 2; n += 1) link.send({ kind: 'text', stream: 1, body: long }, 'bounded');
    link.sendToken({ stream: 1, seq: 1, seqFrom: 1, delta: 'x'.repeat(100_000) }, true);
    const body = 'x'.repeat(1024 * 1024);
    for (let n = 0; n < 7; n += 1) link.send({ kind: 'text', stream: 2, body });
    net.ends.a.clock.settle();
    expect(net.ends.a.heard.slice(1)).toEqual([]);
    const atLeast = [2 * long.length + 100_000, 7 * body.length];
    expect(link.boundedBytes - (atLeast[0] ?? 0)).toBeLessThan(64 * 1024);
    expect(link.boundedBytes).toBeGreaterThanOrEqual(atLeast[0] ?? 0);
    expect(link.waitingBytes).toBeGreaterThan((atLeast[1] ?? 0) - 128 * 1024);
    net.isFull.a = false;
    net.calm(5_000);
    expect([link.boundedBytes, link.waitingBytes]).toEqual([0, 0]);
  });

  it('takes nothing while 8 MiB wait for it › is lost, and holds no more than that and one entry', () => {
    const net = opened();
    net.isFull.a = true;
    const body = 'x'.repeat(3 * 1024 * 1024);
    for (let n = 0; n < 4; n += 1) net.ends.a.link.send({ kind: 'text', stream: 1, body });
    expect(net.ends.a.link.waitingBytes).toBeLessThan(MAX_HELD_BYTES + body.length + 64 * 1024);
    expect(net.ends.a.heard.slice(1)).toEqual([]);
    net.ends.a.clock.settle();
    expect(net.ends.a.heard.slice(1)).toEqual(['lost overrun']);
    expect(net.ends.a.link.waitingBytes).toBe(0);
    net.calm(2_000);
    expect(net.ends.a.link.state).toBe('open');
    expect(net.ends.b.heard.filter((said) => said.startsWith('text'))).toEqual([]);
  });

  it('takes an entry that is longer than 8 MiB › has it whole', () => {
    const net = opened();
    const body = 'x'.repeat(12 * 1024 * 1024);
    net.ends.a.link.send({ kind: 'open', stream: 1, body });
    net.deliverAll();
    expect(net.ends.b.heard.at(-1)).toBe(`open -1 ${body}`);
  });

  it('begins another life › is lost, what was on its way too, and opens anew', () => {
    const net = opened();
    say(net, 'a', 'to the old one');
    net.ends.a.clock.settle();
    net.onTheWay.b.length = 0;
    net.restart('b');
    net.calm(2_000);
    expect(net.ends.a.heard.slice(1)).toEqual(['lost restarted', 'opened b-2']);
    expect(net.ends.b.heard).toEqual(['opened a-1']);
  });

  it('says goodbye › has had what was written, and both know at once', () => {
    const net = opened();
    say(net, 'a', 'last');
    net.ends.a.link.close();
    expect(net.ends.a.link.state).toBe('closed');
    expect(say(net, 'a', 'too late')).toBe(false);
    net.deliverAll();
    expect(net.ends.b.heard.slice(1)).toEqual(['token -1 1-1 last', 'lost left']);
    net.advance(60_000);
    expect([net.ends.a.heard, net.ends.a.clock.armed]).toEqual([['opened b-1'], 0]);
  });
});

describe('what a peer sends that is none of it', () => {
  it.each<[string, Parameters<typeof forged>[2], string]>([
    ['a batch that holds no entries', {}, 'nonsense'],
    ['an acknowledgement of what was never sent', { ack: 4_000 }, ''],
  ])('› %s › costs the link, and nothing else', (_what, change, body) => {
    const net = opened();
    net.give('b', forged(net, 'a', change, body));
    expect(net.ends.b.heard.at(-1)).toBe('lost malformed');
    net.calm(2_000);
    expect(net.ends.b.link.state).toBe('open');
    expect(net.faults).toEqual([]);
  });

  it.each<[string, Parameters<typeof forged>[2], string]>([
    ['a batch of a link of before', { theirs: 77 }, 'nonsense'],
    ['a batch of another end', { ours: 77 }, 'nonsense'],
    ['goodbye of a link of before', { kind: FrameKind.bye, theirs: 77 }, ''],
    ['a batch that is far too early', { lseq: 2 ** 31 }, 'nonsense'],
    ['a hello without an epoch', { kind: FrameKind.hello, ours: 77, theirs: 0 }, ''],
    ['a hello that answers nothing', { kind: FrameKind.hello, ours: 77, theirs: 78 }, 'old'],
  ])('› %s › is dropped', (_what, change, body) => {
    const net = opened();
    const frame = forged(net, 'a', change, body);
    const before = net.ends.b.heard.length;
    net.give('b', frame);
    net.calm(2_000);
    expect([net.ends.b.heard.slice(before), net.ends.a.heard]).toEqual([[], ['opened b-1']]);
  });

  it('› hellos of a thousand ends › end no link, and are not remembered', () => {
    const net = opened();
    const frame = forged(net, 'a', { kind: FrameKind.hello, theirs: 0 }, 'old');
    for (let half = 1; half <= 1_000; half += 1) {
      frame.writeUIntLE(half, 6, 6);
      net.give('b', frame);
    }
    const answers = net.onTheWay.a.map((answer) => readHead(answer)?.ours);
    expect(new Set(answers).size).toBe(1_000);
    // Only who was answered lately could take the link over: the first cannot.
    const first = readHead(net.onTheWay.a[0] as Buffer);
    const late = forged(net, 'a', { ours: 1, theirs: first?.ours ?? 0 }, '');
    net.give('b', late);
    expect(net.ends.b.heard.filter((said) => said.startsWith('lost'))).toEqual([]);
    net.calm(2_000);
    say(net, 'a', 'still here');
    net.deliverAll();
    expect(net.ends.b.heard.at(-1)).toBe('token -1 1-1 still here');
  });
});
