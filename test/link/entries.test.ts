import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ENTRY_HEADER, type Entry, EntryKind, FLUSH_BYTES, type StreamToken } from '../../link/entries.ts';
import { EntryReader } from '../../link/entry-reader.ts';
import { EntryWriter } from '../../link/entry-writer.ts';

const ROOM = 30;
const MAX = 1024 * 1024;

type Said = Entry | (StreamToken & { kind: 'token' });

/** Writes entries, and gives the batches that they became. */
function batchesOf(said: readonly Said[]): Buffer[] {
  const batches: Buffer[] = [];
  const writer = new EntryWriter(ROOM, () => batches.push(writer.take()));
  for (const one of said) {
    if (one.kind === 'token') writer.token(one);
    else writer.entry(one);
  }
  if (!writer.isEmpty) batches.push(writer.take());
  return batches;
}

/** Reads batches as the other end does. */
function read(batches: readonly Buffer[], maxEntryBytes = MAX): { heard: Said[]; isWhole: boolean } {
  const heard: Said[] = [];
  const reader = new EntryReader(maxEntryBytes, {
    entry: (entry) => heard.push(entry),
    token: (token) => heard.push({ kind: 'token', ...token }),
  });
  const isWhole = batches.every((batch) => reader.read(batch, ROOM, () => true));
  return { heard, isWhole };
}

/** The same on the other end: streams have the other sign. */
const mirrored = (said: Said): Said => ({ ...said, stream: said.stream === 0 ? 0 : -said.stream });

const stream = fc.integer({ min: -(2 ** 31) + 1, max: 2 ** 31 - 1 });
// Halves of surrogate pairs too, and what no batch holds.
const body = fc.oneof(
  { weight: 8, arbitrary: fc.string({ unit: 'binary', maxLength: 200 }) },
  {
    weight: 2,
    arbitrary: fc
      .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 20 })
      .map((units) => String.fromCharCode(...units)),
  },
  {
    weight: 1,
    arbitrary: fc.tuple(fc.constantFrom('x', 'é', '語', '\ud800'), fc.nat(150_000)).map(([one, n]) => one.repeat(n)),
  },
);
const id = fc.integer({ min: 0, max: 2 ** 32 - 1 });
const said: fc.Arbitrary<Said> = fc.oneof(
  fc.record({ kind: fc.constantFrom('open', 'close', 'text', 'head'), stream, body }),
  fc.record({ kind: fc.constant('request'), stream, id, method: fc.string({ maxLength: 60 }), body }),
  fc.record({ kind: fc.constant('reply'), stream, id, isError: fc.boolean(), body }),
  fc
    .record({ stream, seq: fc.integer({ min: 1, max: 2 ** 48 - 1 }), merged: fc.nat(2 ** 32 - 1), delta: body })
    .map(({ stream, seq, merged, delta }) => ({
      kind: 'token' as const,
      stream,
      seq,
      seqFrom: Math.max(1, seq - merged),
      delta,
    })),
);

describe('entries', () => {
  it('arrive as they were written, each in its place, its stream seen from the other end', () => {
    fc.assert(
      fc.property(fc.array(said, { maxLength: 60 }), (all) => {
        const batches = batchesOf(all);
        expect(read(batches)).toEqual({ heard: all.map(mirrored), isWhole: true });
        for (const batch of batches) expect(batch.length).toBeLessThan(ROOM + 2 * FLUSH_BYTES + ENTRY_HEADER);
      }),
      { numRuns: 150 },
    );
  });

  it('that are none are refused, whatever bytes they are, and nothing is thrown', () => {
    fc.assert(
      fc.property(
        fc.array(said, { minLength: 1, maxLength: 8 }),
        fc.nat(),
        fc.nat(255),
        fc.nat(),
        (all, at, byte, cut) => {
          const [first] = batchesOf(all) as [Buffer];
          const changed = Buffer.from(first);
          if (changed.length > ROOM) changed[ROOM + (at % (changed.length - ROOM))] = byte;
          read([changed.subarray(0, ROOM + (cut % (changed.length - ROOM + 1)))]);
        },
      ),
      { numRuns: 500 },
    );
  });

  const raw = (kind: number, length: number, bytes: Buffer, stream = 1) => {
    const header = Buffer.alloc(ROOM + ENTRY_HEADER);
    header[ROOM] = kind;
    header.writeUInt32LE(length, ROOM + 1);
    header.writeInt32LE(stream, ROOM + 5);
    return Buffer.concat([header, bytes]);
  };

  it.each<[string, Buffer[]]>([
    ['a length beyond the batch', [raw(EntryKind.open, 0xffff_ffff, Buffer.alloc(4))]],
    ['half a header', [raw(EntryKind.open, 0, Buffer.alloc(0)).subarray(0, ROOM + 5)]],
    ['a kind that there is not', [raw(77, 2, Buffer.alloc(2))]],
    ['the one stream without an opposite', [raw(EntryKind.text, 0, Buffer.alloc(0), -(2 ** 31))]],
    ['a token without its numbers', [raw(EntryKind.token, 3, Buffer.alloc(3))]],
    ['a token before the first', [raw(EntryKind.token, 10, Buffer.alloc(10))]],
    ['a request whose method is longer than it', [raw(EntryKind.request, 5, Buffer.from([0, 0, 0, 0, 9]))]],
    ['a reply that is neither result nor error', [raw(EntryKind.reply, 5, Buffer.from([0, 0, 0, 0, 2]))]],
    ['a part that is not full, before the last', [raw(EntryKind.part, 4, Buffer.alloc(4))]],
    ['an empty last part', [raw(EntryKind.last, 0, Buffer.alloc(0))]],
    [
      'something between two parts',
      [raw(EntryKind.part, FLUSH_BYTES, Buffer.alloc(FLUSH_BYTES)), raw(EntryKind.text, 1, Buffer.from('x'))],
    ],
    ['parts that are no entry together', [raw(EntryKind.last, 20, Buffer.alloc(20))]],
    [
      'a part within parts',
      [raw(EntryKind.last, ENTRY_HEADER, raw(EntryKind.last, 0, Buffer.alloc(0)).subarray(ROOM))],
    ],
    ['more parts than an entry may have', Array(17).fill(raw(EntryKind.part, FLUSH_BYTES, Buffer.alloc(FLUSH_BYTES)))],
  ])('with %s › are refused', (_what, batches) => {
    expect(read(batches)).toEqual({ heard: [], isWhole: false });
  });

  it('stop being told as soon as whoever hears of them has had enough', () => {
    const heard: Entry[] = [];
    const reader = new EntryReader(MAX, { entry: (entry) => heard.push(entry), token: () => {} });
    const open: Entry = { kind: 'open', stream: 1, body: '{}' };
    const [batch] = batchesOf([open, open, open]) as [Buffer];
    expect(reader.read(batch, ROOM, () => heard.length < 2)).toBe(true);
    expect(heard).toHaveLength(2);
  });

  it('do not take the name of a method that no byte can measure', () => {
    const entry: Entry = { kind: 'request', stream: 1, id: 1, method: 'm'.repeat(256), body: '' };
    expect(() => batchesOf([entry])).toThrow(RangeError);
  });
});
