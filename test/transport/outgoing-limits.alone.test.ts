import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { tokenText } from '../../protocol/token.ts';
import { Outgoing } from '../../transport/outgoing.ts';
import { heapInUse } from '../support/gc.ts';
import { PLUGGED, SMALL, StalledSocket, stalledQueue, tick, turnOf } from './outgoing-socket.ts';

beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
});
afterEach(() => {
  vi.useRealTimers();
});

const over = 'x'.repeat(SMALL.hardLimitBytes - PLUGGED + 1);
const { hardLimitMs } = SMALL;

describe('Outgoing › when more than the hard limit waits', () => {
  test('for as long as it may › then the connection is given up, once, and nothing waits any more', async () => {
    const { outgoing, overruns } = await stalledQueue();
    outgoing.push(over);
    outgoing.push(over);
    vi.advanceTimersByTime(hardLimitMs - 1);
    await tick();
    expect(overruns).toEqual([]);
    vi.advanceTimersByTime(1);
    await tick();
    expect(overruns).toEqual([PLUGGED]);
    outgoing.push('y'.repeat(SMALL.cutBytes));
    outgoing.pushToken(turnOf('s').next('z'));
    vi.advanceTimersByTime(hardLimitMs * 2);
    await tick();
    expect(overruns).toHaveLength(1);
    expect(outgoing.waitingBytes).toBe(PLUGGED);
  });

  test('exactly as much as it says › then it is not over it', async () => {
    const { outgoing, overruns } = await stalledQueue();
    outgoing.push(over.slice(1));
    expect(outgoing.waitingBytes).toBe(SMALL.hardLimitBytes);
    vi.advanceTimersByTime(hardLimitMs * 2);
    await tick();
    expect(overruns).toEqual([]);
    outgoing.push('z');
    vi.advanceTimersByTime(hardLimitMs);
    await tick();
    expect(overruns).toHaveLength(1);
  });

  test('below it again in time › then nothing happens, and the next time has all its time', async () => {
    const { outgoing, socket, overruns } = await stalledQueue();
    outgoing.push(over);
    vi.advanceTimersByTime(hardLimitMs - 1);
    socket.takeOne();
    await tick();
    expect(outgoing.waitingBytes).toBeLessThan(SMALL.hardLimitBytes);
    vi.advanceTimersByTime(hardLimitMs * 2);
    outgoing.push('x'.repeat(SMALL.hardLimitBytes));
    vi.advanceTimersByTime(hardLimitMs - 1);
    await tick();
    expect(overruns).toEqual([]);
    vi.advanceTimersByTime(1);
    await tick();
    expect(overruns).toHaveLength(1);
  });

  test('and its reader takes some of it, but not enough › then its time goes on all the same', async () => {
    const { outgoing, socket, overruns } = await stalledQueue({ cutBytes: 1e9 });
    outgoing.push('x'.repeat(SMALL.hardLimitBytes + 10_000));
    vi.advanceTimersByTime(hardLimitMs - 1);
    socket.takeOne();
    await tick();
    expect(outgoing.waitingBytes).toBeGreaterThan(SMALL.hardLimitBytes);
    expect(overruns).toEqual([]);
    vi.advanceTimersByTime(1);
    await tick();
    expect(overruns).toHaveLength(1);
  });

  test('in one frame that is all in the socket and then read › then nothing happens', async () => {
    const socket = new StalledSocket();
    const overruns: string[] = [];
    const outgoing = new Outgoing(socket, SMALL, () => overruns.push('overrun'));
    outgoing.push('x'.repeat(SMALL.hardLimitBytes + 1));
    await tick();
    expect(outgoing.waitingBytes).toBeGreaterThan(SMALL.hardLimitBytes);
    socket.takeOne();
    await tick();
    expect(outgoing.waitingBytes).toBe(0);
    vi.advanceTimersByTime(hardLimitMs * 2);
    await tick();
    expect(overruns).toEqual([]);
  });

  test('merged tokens count too › then their turn gives the connection up as well', async () => {
    const { outgoing, overruns } = await stalledQueue();
    const turn = turnOf('s');
    for (let n = 0; n < 12; n += 1) outgoing.pushToken(turn.next('y'.repeat(10_000)));
    expect(outgoing.mergedCount).toBeGreaterThan(5);
    vi.advanceTimersByTime(hardLimitMs);
    await tick();
    expect(overruns).toHaveLength(1);
  });
});

describe('Outgoing › when more than may ever wait does', () => {
  test('over the cut › then it is given up without waiting, but not from inside the call', async () => {
    const { outgoing, overruns } = await stalledQueue();
    outgoing.push('x'.repeat(SMALL.cutBytes - PLUGGED));
    await tick();
    expect(overruns).toEqual([]);
    outgoing.push('y');
    expect(overruns).toEqual([]);
    await tick();
    expect(overruns).toEqual([PLUGGED]);
    vi.advanceTimersByTime(hardLimitMs * 2);
    await tick();
    expect(overruns).toHaveLength(1);
  });

  test.each([
    ['of three bytes a unit', '語', 3],
    ['of two', 'é', 2],
    ['of one', 'x', 1],
  ])('characters %s › then it is bytes that count', async (_name, character, bytes) => {
    const within = Math.floor((SMALL.cutBytes - PLUGGED) / bytes) - 10;
    const { outgoing, overruns } = await stalledQueue();
    outgoing.push(character.repeat(within));
    expect(outgoing.waitingBytes).toBe(PLUGGED + within * bytes);
    await tick();
    expect(overruns).toEqual([]);
    outgoing.push(character.repeat(11));
    await tick();
    expect(overruns).toHaveLength(1);
  });
});

describe('Outgoing › when it ends', () => {
  test('finish › then all that waits is handed over, in order, and nothing after it is taken', async () => {
    const { outgoing, socket, overruns } = await stalledQueue();
    const turn = turnOf('s');
    for (let n = 0; n < 1_000; n += 1) outgoing.push(JSON.stringify({ n, fill: 'x'.repeat(300) }));
    outgoing.pushToken(turn.next('a'));
    outgoing.pushToken(turn.next('b'));
    outgoing.finish();
    outgoing.push('"too late"');
    vi.advanceTimersByTime(hardLimitMs * 2);
    socket.resumeReading();
    while (socket.writableLength > 0) await tick();
    const frames = socket.frames.slice(1);
    expect(frames.slice(0, 1_000).map(({ n }) => n)).toEqual(Array.from({ length: 1_000 }, (_, n) => n));
    expect(frames.slice(1_000)).toMatchObject([{ params: { seq_from: 1, seq: 2, delta: 'ab' } }]);
    expect(overruns).toEqual([]);
  });

  test('stop › then what waited is let go of, and never written', async () => {
    const { outgoing, socket } = await stalledQueue({ hardLimitBytes: 1e9, cutBytes: 1e9 });
    const before = await heapInUse();
    for (let n = 0; n < 100; n += 1) outgoing.push(JSON.stringify({ n, fill: 'x'.repeat(100_000) }));
    expect((await heapInUse()) - before).toBeGreaterThan(8_000_000);
    outgoing.stop();
    expect((await heapInUse()) - before).toBeLessThan(1_000_000);
    expect(outgoing.waitingBytes).toBe(PLUGGED);
    socket.resumeReading();
    while (socket.writableLength > 0) await tick();
    expect(socket.frames).toHaveLength(1);
  });

  test('a socket that fails › then what waited is let go of, without another write', async () => {
    const { outgoing, socket, overruns } = await stalledQueue();
    outgoing.push(over);
    socket.destroy(new Error('reset'));
    await tick();
    expect(outgoing.waitingBytes).toBeLessThanOrEqual(PLUGGED);
    outgoing.push('"more"');
    vi.advanceTimersByTime(hardLimitMs * 2);
    await tick();
    expect(overruns).toEqual([]);
    expect(socket.taken).toHaveLength(0);
  });
});

describe('Outgoing › whatever is pushed and read', () => {
  const step = fc.oneof(
    { arbitrary: fc.record({ token: fc.string({ unit: 'binary', maxLength: 400 }), turn: fc.constant(0) }), weight: 8 },
    { arbitrary: fc.record({ token: fc.string({ unit: 'binary', maxLength: 400 }), turn: fc.constant(1) }), weight: 2 },
    { arbitrary: fc.record({ text: fc.string({ unit: 'binary', maxLength: 3_000 }) }), weight: 1 },
    { arbitrary: fc.constant('skip' as const), weight: 1 },
  );

  const many = fc.array(step, { minLength: 20, maxLength: 150, size: 'max' });

  test('then each turn’s text comes whole and in order, and no more waits than is left', async () => {
    let merged = 0;
    await fc.assert(
      fc.asyncProperty(many, fc.nat(4_000), fc.nat(300), async (steps, room, takeAt) => {
        const limits = { softLimitBytes: PLUGGED + room, hardLimitBytes: 1e9, cutBytes: 1e9 };
        const { outgoing, socket, readAll } = await stalledQueue(limits);
        const turns = [turnOf('a'), turnOf('b')];
        const said = ['', ''];
        const order: string[] = [];
        for (const [at, one] of steps.entries()) {
          if (at === takeAt) {
            socket.takeOne();
            await tick();
          }
          if (one === 'skip') turns[0]?.skip();
          else if ('text' in one) {
            outgoing.push(JSON.stringify({ text: one.text }));
            order.push(one.text);
          } else {
            const token = turns[one.turn]?.next(one.token);
            if (token) outgoing.pushToken(token);
            said[one.turn] += one.token;
          }
        }
        const frames = (await readAll()).filter((frame) => !('plug' in frame));
        merged += outgoing.mergedCount;
        expect(frames.filter((frame) => 'text' in frame).map(({ text }) => text)).toEqual(order);
        for (const [index, name] of ['a', 'b'].entries()) {
          const events = frames.map((frame) => frame.params).filter((event) => event?.session_id === name);
          expect(events.map(({ delta }) => delta).join('')).toBe(said[index]);
          let last = 0;
          for (const { seq, seq_from = seq } of events) {
            expect(seq_from).toBeGreaterThan(last);
            expect(seq).toBeGreaterThanOrEqual(seq_from);
            last = seq;
          }
        }
      }),
      { numRuns: 150 },
    );
    expect(merged).toBeGreaterThan(1_000);
  });

  test('then what is counted is at least what is sent, and little more', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.string({ unit: 'binary', maxLength: 200 }), { maxLength: 50 }), async (deltas) => {
        const { outgoing } = await stalledQueue({ softLimitBytes: 1e9, hardLimitBytes: 1e9, cutBytes: 1e9 });
        const turn = turnOf('s');
        let bytes = 0;
        for (const delta of deltas) {
          const token = turn.next(delta);
          outgoing.pushToken(token);
          outgoing.push(delta);
          bytes += Buffer.byteLength(tokenText(token)) + Buffer.byteLength(delta);
        }
        const counted = outgoing.waitingBytes - PLUGGED;
        expect(counted).toBeGreaterThanOrEqual(bytes);
        expect(counted).toBeLessThanOrEqual(bytes + deltas.length * 72);
      }),
      { numRuns: 100 },
    );
  });
});

describe('Outgoing › when so many bytes are allowed for once', () => {
  const reply = 'x'.repeat(SMALL.cutBytes + 1_000);

  test('and come › then the connection is not given up, and afterwards the cut is what it was', async () => {
    const { outgoing, socket, overruns } = await stalledQueue();
    outgoing.allow(reply.length);
    outgoing.push(JSON.stringify(reply));
    outgoing.push('"what follows"');
    await tick();
    expect(overruns).toEqual([]);
    socket.takeOne();
    await tick();
    // Handed over whole, it still waits in the socket: so may what a live stream adds.
    outgoing.push('"more"');
    await tick();
    expect(overruns).toEqual([]);
    while (outgoing.waitingBytes > 0) {
      socket.takeOne();
      await tick();
    }
    expect(socket.frames.slice(1)).toEqual([reply, 'what follows', 'more']);
    outgoing.push(JSON.stringify(reply));
    await tick();
    expect(overruns).toHaveLength(1);
  });

  test('and even more comes › then the connection is given up, and says so before its owner is told', async () => {
    const { outgoing, overruns } = await stalledQueue();
    outgoing.allow(1_000);
    outgoing.push(reply);
    expect([outgoing.isGivenUp, overruns]).toEqual([true, []]);
    await tick();
    expect(overruns).toHaveLength(1);
  });
});
