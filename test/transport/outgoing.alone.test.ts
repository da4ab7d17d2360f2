import { describe, expect, test } from 'vitest';
import { Outgoing } from '../../transport/outgoing.ts';
import { heapInUse } from '../support/gc.ts';
import { PLUGGED, SMALL, StalledSocket, stalledQueue, tick, turnOf } from './outgoing-socket.ts';

const notice = (text: string) => JSON.stringify({ notice: text });
const params = (frames: { params?: unknown }[]) => frames.map((frame) => frame.params ?? frame) as never[];

describe('Outgoing › when the reader takes everything', () => {
  test('many frames in one tick › then they leave in one write, in their order', async () => {
    const socket = new StalledSocket();
    const writes: unknown[] = [];
    const write = socket.write.bind(socket);
    socket.write = ((chunk: Buffer, done: never) => {
      writes.push(chunk);
      return write(chunk, done);
    }) as typeof socket.write;
    const outgoing = new Outgoing(socket, SMALL, () => {});
    const turn = turnOf('s');
    outgoing.push(notice('a'));
    outgoing.pushToken(turn.next('b'));
    outgoing.push(notice('c'));
    expect(writes).toHaveLength(0);
    socket.resumeReading();
    await tick();
    await tick();
    expect(writes).toHaveLength(1);
    expect(socket.frames).toMatchObject([{ notice: 'a' }, { params: { seq: 1, delta: 'b' } }, { notice: 'c' }]);
    expect(outgoing.waitingBytes).toBe(0);
  });

  test('a socket that is full late, or never says so › then the queue is written all the same', async () => {
    // Above all that is ever handed to it: `write` always returns true, and there is no `drain`.
    const { outgoing, readAll } = await stalledQueue({}, 1024 * 1024 * 1024);
    for (let n = 0; n < 50; n += 1) outgoing.push(notice(String(n)));
    expect(await readAll()).toEqual(Array.from({ length: 50 }, (_, n) => ({ notice: String(n) })));
  });

  test('ten thousand frames before a reader that takes a write now and then › then all come, in order', async () => {
    const { outgoing, socket, readAll } = await stalledQueue({
      softLimitBytes: 1e9,
      hardLimitBytes: 1e9,
      cutBytes: 1e9,
    });
    for (let n = 0; n < 10_000; n += 1) {
      outgoing.push(notice(`${n} ${'x'.repeat(200)}`));
      if (n % 500 === 0) {
        await tick();
        socket.takeOne();
      }
    }
    const frames = await readAll();
    expect(frames.map(({ notice: text }) => Number.parseInt(text, 10))).toEqual(frames.map((_, n) => n));
    expect(frames).toHaveLength(10_000);
  });
});

describe('Outgoing › when more than the soft limit waits', () => {
  test('below it › then nothing is merged', async () => {
    const { outgoing, readAll } = await stalledQueue();
    const turn = turnOf('s');
    const tokens = Array.from({ length: 20 }, (_, n) => turn.next(`delta ${n}`));
    for (const token of tokens) outgoing.pushToken(token);
    expect(outgoing.waitingBytes).toBeLessThan(SMALL.softLimitBytes);
    expect(outgoing.mergedCount).toBe(0);
    expect(params(await readAll())).toMatchObject(tokens.map(({ seq, delta }) => ({ seq, delta })));
  });

  test('neighbours of one turn › then they are one event, seq_from to seq, with their deltas in order', async () => {
    const { outgoing, readAll } = await stalledQueue();
    const turn = turnOf('s');
    outgoing.push(notice('x'.repeat(10_000)));
    for (let n = 1; n <= 1_000; n += 1) outgoing.pushToken(turn.next(`${n},`));
    expect(outgoing.mergedCount).toBe(999);
    const [, event, ...others] = params(await readAll());
    expect(others).toEqual([]);
    const text = Array.from({ length: 1_000 }, (_, n) => `${n + 1},`).join('');
    expect(event).toEqual({
      session_id: 's',
      turn_id: 'turn-s',
      agent_id: 'echo',
      kind: 'token',
      seq_from: 1,
      seq: 1_000,
      delta: text,
    });
  });

  test('more than 64 KiB of them › then several events, none larger, without a gap', async () => {
    const { outgoing, readAll } = await stalledQueue();
    const turn = turnOf('s');
    outgoing.push(notice('x'.repeat(10_000)));
    // What it counts is bytes: a character of three is no more than a third as many.
    for (let n = 0; n < 3_000; n += 1) outgoing.pushToken(turn.next('一二三四五六七八九十'));
    const [, ...events] = params(await readAll()) as { seq: number; seq_from: number; delta: string }[];
    expect(events).toHaveLength(2);
    expect(events.map(({ seq_from, seq }) => [seq_from, seq])).toEqual([
      [1, 2_184],
      [2_185, 3_000],
    ]);
    for (const { delta } of events) expect(Buffer.byteLength(delta)).toBeLessThanOrEqual(64 * 1024);
    expect(events.map(({ delta }) => delta).join('')).toBe('一二三四五六七八九十'.repeat(3_000));
  });

  test.each([
    ['another frame between them', (push: Pushes) => push.text()],
    ['a token of another turn between them', (push: Pushes) => push.other()],
    ['a number that another event took', (push: Pushes) => push.skip()],
  ])('%s › then they stay two', async (_name, between) => {
    const { outgoing, readAll } = await stalledQueue();
    const [turn, other] = [turnOf('s'), turnOf('o')];
    outgoing.push(notice('x'.repeat(10_000)));
    outgoing.pushToken(turn.next('a'));
    between({
      text: () => outgoing.push(notice('between')),
      other: () => outgoing.pushToken(other.next('x')),
      skip: () => turn.skip(),
    });
    outgoing.pushToken(turn.next('b'));
    const mine = (params(await readAll()) as { session_id?: string }[]).filter(({ session_id }) => session_id === 's');
    expect(mine).toMatchObject([{ delta: 'a' }, { delta: 'b' }]);
    expect(mine.some((event) => 'seq_from' in event)).toBe(false);
    expect(outgoing.mergedCount).toBe(0);
  });

  test('a token that was written already › then nothing is added to it', async () => {
    const { outgoing, socket, readAll } = await stalledQueue();
    const turn = turnOf('s');
    outgoing.pushToken(turn.next('a'));
    socket.takeOne();
    await tick();
    // In the socket by now; a new plug and more wait behind it.
    outgoing.push(notice('x'.repeat(300_000)));
    await tick();
    outgoing.pushToken(turn.next('b'));
    outgoing.pushToken(turn.next('c'));
    expect(outgoing.mergedCount).toBe(1);
    expect(params(await readAll())).toMatchObject([{ seq: 1, delta: 'a' }, {}, { seq_from: 2, seq: 3, delta: 'bc' }]);
  });

  test('terminals, approvals and requests among the tokens › then each is there, in its place', async () => {
    const { outgoing, readAll } = await stalledQueue({ hardLimitBytes: 1e9, cutBytes: 1e9 });
    const turn = turnOf('s');
    const kinds = ['approval_pending', 'tool_call', 'done'];
    const expected: string[] = [];
    outgoing.push(notice('x'.repeat(10_000)));
    for (let round = 0; round < 300; round += 1) {
      for (let n = 0; n < 5; n += 1) outgoing.pushToken(turn.next('t'));
      const kind = `${kinds[round % 3]} ${turn.skip()}`;
      outgoing.push(notice(kind));
      expected.push('ttttt', kind);
    }
    const [, ...frames] = await readAll();
    expect(frames.map((frame) => frame.notice ?? frame.params.delta)).toEqual(expected);
    let last = 0;
    for (const frame of frames) {
      const [from, to] = frame.params
        ? [frame.params.seq_from, frame.params.seq]
        : [Number(frame.notice.split(' ')[1]), Number(frame.notice.split(' ')[1])];
      expect(from).toBe(last + 1);
      last = to;
    }
  });

  test('a million deltas of one character › then they take little more memory than their text', async () => {
    const { outgoing } = await stalledQueue({ softLimitBytes: 0, hardLimitBytes: 1e9, cutBytes: 1e9 });
    const turn = turnOf('s');
    const before = await heapInUse();
    const letters = 'abcdefgh';
    for (let n = 0; n < 1_000_000; n += 1) outgoing.pushToken(turn.next(letters[n % 8] as string));
    const grown = (await heapInUse()) - before;
    expect(outgoing.mergedCount).toBeGreaterThan(999_900);
    expect(grown).toBeLessThan(4_000_000);
    expect(outgoing.waitingBytes - PLUGGED).toBeGreaterThan(1_000_000);
  });
});

interface Pushes {
  text(): void;
  other(): void;
  skip(): void;
}
