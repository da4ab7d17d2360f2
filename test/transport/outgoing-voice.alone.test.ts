import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { encodeFrames } from '../../transport/encode-frames.ts';
import { Outgoing } from '../../transport/outgoing.ts';
import { heapInUse } from '../support/gc.ts';
import { PLUGGED, SMALL, StalledSocket, stalledQueue, tick, turnOf } from './outgoing-socket.ts';

/* Binary frames and partials in the outgoing queue (`wire.md` sections 9 and 11). */

/** Frames as RFC 6455 has them, binary ones too. */
function framesOf(bytes: Buffer): (string | Uint8Array)[] {
  const frames: (string | Uint8Array)[] = [];
  for (let at = 0; at < bytes.length; ) {
    const opcode = bytes[at];
    let length = bytes.readUInt8(at + 1);
    at += 2;
    if (length === 126) {
      length = bytes.readUInt16BE(at);
      at += 2;
    } else if (length === 127) {
      length = Number(bytes.readBigUInt64BE(at));
      at += 8;
    }
    const data = bytes.subarray(at, at + length);
    expect([0x81, 0x82]).toContain(opcode);
    expect(data).toHaveLength(length);
    frames.push(opcode === 0x81 ? data.toString() : new Uint8Array(data));
    at += length;
  }
  return frames;
}

const partial = (n: number) => `{"partial":${n},"text":"${'x'.repeat(980)}"}`;
/** What arrived behind the plug, in short. */
async function read({ socket, outgoing }: Awaited<ReturnType<typeof stalledQueue>>): Promise<(string | Uint8Array)[]> {
  socket.resumeReading();
  while (outgoing.waitingBytes > 0) await tick();
  return framesOf(socket.taken).slice(1);
}

describe('encodeFrames › when text and bytes are mixed', () => {
  test('then each is a frame of its kind, in order, however long', () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc.constantFrom(125, 126, 65_535, 65_536, 400_000).map((n) => new Uint8Array(n).fill(7)),
    );
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string({ unit: 'grapheme', maxLength: 200 }), bytes), { maxLength: 6 }),
        (entries) => {
          const read = framesOf(encodeFrames(entries, 0, entries.length));
          // By their bytes: to compare objects of 400,000 fields would take minutes.
          const plain = (frame: string | Uint8Array) => [typeof frame, Buffer.from(frame as string).toString('latin1')];
          expect(read.map(plain)).toEqual(entries.map(plain));
        },
      ),
    );
  });

  test('then what was dropped is no frame', () => {
    const entries = ['a', { text: undefined }, { text: 'b' }, new Uint8Array([1])];
    expect(framesOf(encodeFrames(entries, 0, 4))).toEqual(['a', 'b', new Uint8Array([1])]);
  });
});

describe('Outgoing › when bytes wait', () => {
  test('then they are counted as what they are, and leave in order with the text', async () => {
    const queue = await stalledQueue();
    const before = queue.outgoing.waitingBytes;
    queue.outgoing.push('"one"');
    queue.outgoing.pushBinary(new Uint8Array(500).fill(2));
    queue.outgoing.pushToken(turnOf('s').next('three'));
    queue.outgoing.pushBinary(new Uint8Array());
    expect(queue.outgoing.waitingBytes - before).toBeGreaterThanOrEqual(505);
    expect(await read(queue)).toEqual([
      '"one"',
      new Uint8Array(500).fill(2),
      expect.stringContaining('"three"'),
      new Uint8Array(),
    ]);
  });

  test('over the hard limit › then the connection is given up like with text', async () => {
    const queue = await stalledQueue();
    queue.outgoing.pushBinary(new Uint8Array(500_000));
    await tick();
    expect(queue.overruns).toHaveLength(1);
  });
});

describe('Outgoing › when somebody counts its bytes', () => {
  test('then what waits here is counted, and what the socket was handed is not', async () => {
    const queue = await stalledQueue();
    const [one, two] = [{ bytes: 0 }, { bytes: 0 }];
    queue.outgoing.pushBinary(new Uint8Array(500), one);
    queue.outgoing.pushBinary(new Uint8Array(70), two);
    queue.outgoing.pushBinary(new Uint8Array(30), one);
    expect([one.bytes, two.bytes]).toEqual([530, 70]);
    expect((await read(queue)).map(({ length }) => length)).toEqual([500, 70, 30]);
    expect([one.bytes, two.bytes]).toEqual([0, 0]);
  });

  test('of text › then the same, in bytes, and who counts hears that it is less', async () => {
    const queue = await stalledQueue();
    const heard: number[] = [];
    const counted = {
      bytes: 0,
      written() {
        heard.push(this.bytes);
      },
    };
    const text = '"é"';
    queue.outgoing.push(text, counted);
    queue.outgoing.push('"other"');
    queue.outgoing.pushBinary(new Uint8Array(50), counted);
    expect(counted.bytes).toBe(Buffer.byteLength(text) + 50);
    expect((await read(queue)).map(({ length }) => length)).toEqual([text.length, 7, 50]);
    expect(heard).toEqual([50, 0]);
  });
});

describe('Outgoing › when more partials wait than may', () => {
  test('for a reader that never reads › then nothing of those that were dropped stays', async () => {
    const queue = await stalledQueue({ softLimitBytes: PLUGGED + 1_000 });
    queue.outgoing.push('"first"');
    queue.outgoing.push(`"${'f'.repeat(1_500)}"`);
    const pushed = async (count: number) => {
      for (let n = 0; n < count; n += 1) queue.outgoing.pushPartial('{"a":1}');
      await tick();
    };
    await pushed(10_000);
    const before = await heapInUse();
    for (let n = 0; n < 50; n += 1) await pushed(10_000);
    queue.outgoing.push('"last"');
    // Half a million of them would take twenty times as much.
    expect((await heapInUse()) - before).toBeLessThan(1024 * 1024);
    expect(queue.outgoing.droppedCount).toBe(510_000);
    expect(await read(queue)).toEqual(['"first"', expect.stringContaining('fff'), '"last"']);
    expect(queue.outgoing.waitingBytes).toBe(0);
  });

  test('then the oldest go, and everything else stays', async () => {
    const queue = await stalledQueue({ softLimitBytes: PLUGGED + 5_500 });
    for (let n = 0; n < 20; n += 1) {
      queue.outgoing.pushPartial(partial(n));
      if (n % 5 === 0) queue.outgoing.push(`"final ${n}"`);
    }
    const frames = (await read(queue)).map((frame) => JSON.parse(String(frame)));
    expect(frames.filter((frame) => typeof frame === 'string')).toEqual(['final 0', 'final 5', 'final 10', 'final 15']);
    const kept = frames.flatMap((frame) => frame.partial ?? []);
    expect(kept).toEqual([15, 16, 17, 18, 19]);
    expect(queue.outgoing.droppedCount).toBe(15);
  });

  test('for a final that comes later › then they make room for it', async () => {
    const queue = await stalledQueue({ softLimitBytes: PLUGGED + 5_500 });
    for (let n = 0; n < 5; n += 1) queue.outgoing.pushPartial(partial(n));
    expect(queue.outgoing.droppedCount).toBe(0);
    queue.outgoing.push(`"${'f'.repeat(5_000)}"`);
    expect(await read(queue)).toHaveLength(1);
    expect(queue.outgoing.droppedCount).toBe(5);
    expect(queue.overruns).toEqual([]);
  });

  test('whatever else waits › then no final is lost, order is kept, and the count comes out even', async () => {
    const entry = fc.oneof(
      fc.nat(2_000).map((size) => ({ kind: 'partial', size }) as const),
      fc.nat(2_000).map((size) => ({ kind: 'final', size }) as const),
      fc.nat(2_000).map((size) => ({ kind: 'audio', size }) as const),
    );
    await fc.assert(
      fc.asyncProperty(fc.array(entry, { maxLength: 40 }), async (entries) => {
        const queue = await stalledQueue({ softLimitBytes: PLUGGED + 8_000 });
        for (const [n, { kind, size }] of entries.entries()) {
          const text = JSON.stringify({ n, kind, text: 'é'.repeat(size) });
          if (kind === 'partial') queue.outgoing.pushPartial(text);
          else if (kind === 'final') queue.outgoing.push(text);
          else queue.outgoing.pushBinary(Buffer.from(text));
        }
        const arrived = (await read(queue)).map((frame) => JSON.parse(Buffer.from(frame as string).toString()));
        const numbers = arrived.map(({ n }) => n);
        expect(numbers).toEqual([...numbers].sort((a, b) => a - b));
        const sent = (what: string) => entries.filter(({ kind }) => kind === what).length;
        const got = (what: string) => arrived.filter(({ kind }) => kind === what).length;
        expect([got('final'), got('audio')]).toEqual([sent('final'), sent('audio')]);
        expect(got('partial') + queue.outgoing.droppedCount).toBe(sent('partial'));
        expect(queue.outgoing.waitingBytes).toBe(0);
      }),
      { numRuns: 60 },
    );
  });
});

describe('Outgoing › when one partial is larger than the soft limit', () => {
  const huge = (n: number) => `{"partial":${n},"text":"${'x'.repeat(2_000)}"}`;

  test('and its reader takes everything › then it comes', async () => {
    const socket = new StalledSocket();
    const outgoing = new Outgoing(socket, { ...SMALL, softLimitBytes: 1_000 }, () => {});
    socket.resumeReading();
    outgoing.pushPartial(huge(1));
    while (outgoing.waitingBytes > 0) await tick();
    expect(socket.frames).toMatchObject([{ partial: 1 }]);
    expect(outgoing.droppedCount).toBe(0);
  });

  test('and a newer one comes before it is written › then the older one goes', async () => {
    const socket = new StalledSocket();
    const outgoing = new Outgoing(socket, { ...SMALL, softLimitBytes: 1_000 }, () => {});
    for (const n of [1, 2, 3]) outgoing.pushPartial(huge(n));
    socket.resumeReading();
    while (outgoing.waitingBytes > 0) await tick();
    expect(socket.frames).toMatchObject([{ partial: 3 }]);
    expect(outgoing.droppedCount).toBe(2);
  });
});
