import { describe, expect, test, vi } from 'vitest';
import type { Broker } from '../../broker.ts';
import { FrameMeter } from '../../transport/frame-meter.ts';
import { Random } from '../proof/support/random.ts';
import { rawFrame } from '../proof/support/raw-frames.ts';
import { readMetric } from '../support/metrics.ts';
import { closeCodes, rawSocket, SocketClient, startListening, upgradeText } from './socket-client.ts';

const MIB = 1024 * 1024;
const LATER = { interval: 50 };

/** A client that has authenticated, on which any bytes may be written. */
async function rawClient(broker: Broker, port: number) {
  const raw = rawSocket(port, upgradeText(port));
  await vi.waitFor(() => expect(raw.received().toString('latin1')).toMatch(/^HTTP\/1\.1 101 /), LATER);
  const params = { token: broker.tokens.daemon };
  raw.socket.write(rawFrame(JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'session.auth', params })));
  await vi.waitFor(() => expect(raw.received().toString('latin1')).toContain('"ok":true'), LATER);
  return raw;
}

/** A frame of a megabyte, of which the last byte never comes. */
const half = rawFrame('x'.repeat(MIB - 1), { length: MIB });

describe('messages that have no end', () => {
  test('when they take too much together › then those that cost most go, and a whole one still comes through', async () => {
    const limits = { maxMessageBytes: 2 * MIB, maxUnfinishedBytes: 8 * MIB };
    const { broker, address, port } = await startListening({ limits });
    const innocent = await SocketClient.host(broker, address);
    const first = await rawClient(broker, port);
    first.socket.write(half);
    await vi.waitFor(
      async () => expect((await readMetric(broker, 'unfinished_bytes'))['']).toBeGreaterThan(MIB),
      LATER,
    );
    const others = [];
    for (let count = 0; count < 12; count += 1) {
      const other = await rawClient(broker, port);
      other.socket.write(half);
      others.push(other);
      expect((await innocent.call('no.such', { x: 'x'.repeat(MIB) })).error.code).toBe(-32601);
      expect((await readMetric(broker, 'unfinished_bytes'))[''] ?? 0).toBeLessThanOrEqual(8 * MIB);
    }
    await first.ended;
    expect(closeCodes(first.received())).toEqual([4429]);
    expect(await readMetric(broker, 'connections_closed_total')).toEqual({ 4429: expect.any(Number) });
    // The newest is let be.
    expect(others.at(-1)?.socket.readyState).toBe('open');
    for (const { socket } of others) socket.destroy();
    await vi.waitFor(async () => expect(await readMetric(broker, 'unfinished_bytes')).toEqual({}), LATER);
  });

  test.each<[string, Buffer, Buffer]>([
    ['a frame', rawFrame('{"jsonrpc":', { length: 100 }), rawFrame('')],
    ['fragments, with pings between them', rawFrame('{"jsonrpc":', { fin: false }), rawFrame('', { opcode: 9 })],
    ['fragments of nothing', rawFrame('{', { fin: false }), rawFrame('', { opcode: 0, fin: false })],
  ])('in %s › when they take too long › then 4429, whatever else comes', async (_what, begun, more) => {
    const { broker, port } = await startListening({ limits: { messageTimeoutMs: 400 } });
    const { socket, received, ended } = await rawClient(broker, port);
    socket.write(begun);
    // What is in the middle of a frame is no frame.
    const timer = begun[0] === 0x81 ? undefined : setInterval(() => socket.write(more), 20);
    await ended;
    clearInterval(timer);
    expect(closeCodes(received())).toEqual([4429]);
  });

  test('when they end in time › then each has its own time, and nothing is held behind it', async () => {
    const { broker, port } = await startListening({ limits: { messageTimeoutMs: 1_000 } });
    const { socket, received } = await rawClient(broker, port);
    const text = JSON.stringify({ jsonrpc: '2.0', id: 'late', method: 'agents.list' });
    const frame = rawFrame(text);
    // Cut in the middle of each, so that something is always unfinished, for longer than one may take.
    const until = performance.now() + 2_000;
    let sent = 0;
    socket.write(frame.subarray(0, 9));
    while (performance.now() < until) {
      socket.write(Buffer.concat([frame.subarray(9), frame.subarray(0, 9)]));
      sent += 1;
      await vi.waitFor(
        () =>
          expect(
            received()
              .toString('latin1')
              .match(/"id":"late"/g),
          ).toHaveLength(sent),
        LATER,
      );
    }
    socket.write(frame.subarray(9));
    await vi.waitFor(
      () =>
        expect(
          received()
            .toString('latin1')
            .match(/"id":"late"/g),
        ).toHaveLength(sent + 1),
      LATER,
    );
    expect(closeCodes(received())).toEqual([]);
    expect(await readMetric(broker, 'unfinished_bytes')).toEqual({});
  });
});

describe('what is unfinished of what a WebSocket sends', () => {
  test.each([1, 2, 3, 4, 5, 6, 7, 8])('cut anyhow › is what came since the last message ended (seed %i)', (seed) => {
    const random = new Random(seed);
    const meter = new FrameMeter();
    const frames: Buffer[] = [];
    /** Where messages end, and whether one is under way behind a frame. */
    const ends = new Set<number>([0]);
    let length = 0;
    let isFragmented = false;
    for (let count = 0; count < 400; count += 1) {
      const isControl = random.chance(0.2);
      const fin = isControl || random.chance(0.6);
      const size = isControl ? random.int(126) : [0, random.int(200), random.int(70_000)][random.int(3)];
      const opcode = isControl ? 9 : isFragmented ? 0 : 1;
      const lengthBytes = random.chance(0.1) && !isControl ? { lengthBytes: 9 as const } : {};
      const frame = rawFrame(Buffer.alloc(size ?? 0), { fin, opcode, ...lengthBytes });
      frames.push(frame);
      length += frame.length;
      if (!isControl) isFragmented = !fin;
      if (!isFragmented) ends.add(length);
    }
    const bytes = Buffer.concat(frames);
    let last = 0;
    for (let at = 0; at < bytes.length; ) {
      const next = Math.min(bytes.length, at + 1 + random.int(random.chance(0.5) ? 20 : 65_536));
      meter.take(bytes.subarray(at, next));
      for (let place = at + 1; place <= next; place += 1) if (ends.has(place)) last = place;
      if (last === next) expect(meter.unfinished).toBe(0);
      else expect(meter.unfinished).toBeGreaterThanOrEqual(next - last);
      at = next;
    }
  });
});
