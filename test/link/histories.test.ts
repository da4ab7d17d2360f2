import fc from 'fast-check';
import { expect, test } from 'vitest';
import { MAX_HELD_BYTES } from '../../link/flow.ts';
import { FrameKind } from '../../link/frame.ts';
import { LossyNet, other, type Side } from './support/lossy-net.ts';

/*
 * Whatever a network and its brokers may do, in any order: what a link says has arrived, has, once and in order, and nothing of
 * a link is heard once it was said to be lost.
 */

const side = fc.constantFrom<Side>('a', 'b');
const index = fc.nat(50);
const step = fc.oneof(
  {
    weight: 12,
    arbitrary: fc.record({ do: fc.constant('write' as const), side, count: fc.integer({ min: 1, max: 80 }) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ do: fc.constant('long' as const), side, count: fc.integer({ min: 1, max: 90 }) }),
  },
  { weight: 20, arbitrary: fc.record({ do: fc.constant('deliver' as const), side, index: fc.constant(0) }) },
  { weight: 6, arbitrary: fc.record({ do: fc.constant('deliver' as const), side, index }) },
  { weight: 4, arbitrary: fc.record({ do: fc.constant('double' as const), side, index }) },
  { weight: 5, arbitrary: fc.record({ do: fc.constant('lose' as const), side, index }) },
  { weight: 10, arbitrary: fc.record({ do: fc.constant('flow' as const) }) },
  {
    weight: 12,
    arbitrary: fc.record({
      do: fc.constant('pass' as const),
      ms: fc.constantFrom(1, 2, 50, 250, 1_000, 5_000, 11_000),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      do: fc.constantFrom('replay' as const, 'replay hello' as const),
      side,
      index: fc.nat(5_000),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('cut' as const, 'mend' as const) }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('full' as const, 'room' as const), side }) },
  { weight: 2, arbitrary: fc.record({ do: fc.constantFrom('stop' as const, 'go' as const), side }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom('restart' as const, 'give up' as const), side }) },
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

/** What each end has written on each link, and what it has heard on each. */
class Ledger {
  /** By `side life.link`: how many were written. */
  readonly written = new Map<string, number>();
  /** By the receiver's `side life.link`: whose link that is, and how many have come. */
  readonly read = new Map<string, { of: string; count: number }>();
  readonly links = new Map<string, number>();
  readonly faults: string[] = [];

  linkOf(at: Side, life: number): string {
    return `${at} ${life}.${this.links.get(`${at} ${life}`) ?? 0}`;
  }

  opened(at: Side, life: number): void {
    this.links.set(`${at} ${life}`, (this.links.get(`${at} ${life}`) ?? 0) + 1);
  }

  heard(at: Side, life: number, delta: string, isOpen: boolean): void {
    const here = this.linkOf(at, life);
    const [of = '', n = ''] = delta.split(':');
    const known = this.read.get(here);
    if (!isOpen) this.faults.push(`${here} heard ${of}:${n} while it was not open`);
    if (!known && [...this.read.values()].some((read) => read.of === of))
      this.faults.push(`${of} is heard on two links`);
    if (known && known.of !== of) this.faults.push(`${here} hears ${of} and ${known.of}`);
    const expected = (known?.count ?? 0) + 1;
    if (Number(n) !== expected) this.faults.push(`${here} heard ${of}:${n}, not ${expected}`);
    this.read.set(here, { of, count: Number(n) });
  }
}

function play(steps: readonly Step[]): { net: LossyNet; ledger: Ledger; most: number } {
  const ledger = new Ledger();
  const open = new Set<string>();
  const net = new LossyNet((at, life) => ({
    opened: () => {
      ledger.opened(at, life);
      open.add(`${at} ${life}`);
    },
    lost: () => open.delete(`${at} ${life}`),
    token: ({ delta }) => ledger.heard(at, life, delta.trimEnd(), open.has(`${at} ${life}`)),
    entry: ({ body }) => ledger.heard(at, life, body.trimEnd(), open.has(`${at} ${life}`)),
  }));
  let most = 0;
  const write = (at: Side, send: (said: string) => boolean) => {
    const { life } = net.ends[at];
    const link = ledger.linkOf(at, life);
    const n = (ledger.written.get(link) ?? 0) + 1;
    if (send(`${link}:${n}`)) ledger.written.set(link, n);
  };
  const run = (next: Step) => {
    const end = 'side' in next ? net.ends[next.side] : undefined;
    if (next.do === 'write' && end && !end.isStopped) {
      for (let n = 0; n < next.count; n += 1)
        write(next.side, (delta) => end.link.sendToken({ stream: 1, seq: n + 1, seqFrom: 1, delta }));
    } else if (next.do === 'long' && end && !end.isStopped) {
      write(next.side, (said) => end.link.send({ kind: 'text', stream: 1, body: said.padEnd(next.count * 50_000) }));
    } else if (next.do === 'deliver') net.deliver(next.side, next.index);
    else if (next.do === 'double') net.deliver(next.side, next.index, true);
    else if (next.do === 'lose') net.lose(next.side, next.index);
    else if (next.do === 'replay') net.replay(next.side, next.index);
    else if (next.do === 'replay hello') net.replay(next.side, next.index, FrameKind.hello);
    else if (next.do === 'flow') net.deliverAll();
    else if (next.do === 'pass') net.advance(next.ms);
    else if (next.do === 'cut') net.cut();
    else if (next.do === 'mend') net.mend();
    else if (next.do === 'full') net.isFull[next.side] = true;
    else if (next.do === 'room') net.room(next.side);
    else if (next.do === 'stop') net.stop(next.side);
    else if (next.do === 'go') net.go(next.side);
    else if (next.do === 'restart') {
      open.delete(`${next.side} ${net.ends[next.side].life}`);
      net.restart(next.side);
    } else if (next.do === 'give up') end?.link.lose('dead');
    for (const { link } of Object.values(net.ends)) most = Math.max(most, link.waitingBytes);
  };
  net.advance(1);
  for (const next of steps) run(next);
  // Then nothing goes wrong any more.
  net.calm(30_000, 50);
  // And both ends have the same link: what is written now arrives at once.
  for (const at of ['a', 'b'] as const) run({ do: 'write', side: at, count: 3 });
  net.calm(200);
  return { net, ledger, most };
}

test('a link, whatever happens › tells all that was written on it once, in order, and of no other', () => {
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120, size: 'max' }), (steps) => {
      const { net, ledger, most } = play(steps);
      expect(net.faults).toEqual([]);
      expect(ledger.faults).toEqual([]);
      // One entry may carry it over, and what holds its parts.
      expect(most).toBeLessThan(MAX_HELD_BYTES + 5 * 1024 * 1024);
      for (const at of ['a', 'b'] as const) {
        const end = net.ends[at];
        expect([end.link.state, end.link.waitingBytes]).toEqual(['open', 0]);
        const written = ledger.written.get(ledger.linkOf(at, end.life)) ?? 0;
        const peer = other(at);
        const read = ledger.read.get(ledger.linkOf(peer, net.ends[peer].life));
        expect(read).toEqual({ of: ledger.linkOf(at, end.life), count: written });
        expect(end.heard.filter((said) => said.startsWith('opened')).at(-1)).toBe(
          `opened ${peer}-${net.ends[peer].life}`,
        );
      }
    }),
    { numRuns: 150 },
  );
});
