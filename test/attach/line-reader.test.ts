import { PassThrough } from 'node:stream';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { LineReader } from '../../attach/process/line-reader.ts';
import { Lines, MAX_LINE_BYTES } from '../../attach/process/lines.ts';
import { LongLine } from '../../attach/process/long-line.ts';

const WHOLE = { whole: 4, beyond: 'cut' } as const;
const nextTurn = () => new Promise<void>((resolve) => setImmediate(resolve));

/** What is heard of chunks, one after the other. */
function heardOf(chunks: readonly (string | Buffer)[], bounds: ConstructorParameters<typeof Lines>[1]) {
  const heard: [string, number][] = [];
  const lines = new Lines((line, bytes) => heard.push([line.toString(), bytes]), bounds);
  for (const chunk of chunks.map((text) => Buffer.from(text)))
    for (let at: number | undefined = 0; at !== undefined && at < chunk.length; ) at = lines.take(chunk, at);
  lines.end();
  return heard;
}

/** The pieces of a text, each of so many bytes. */
function pieces(text: string, size: number): Buffer[] {
  const bytes = Buffer.from(text);
  return Array.from({ length: Math.ceil(bytes.length / size) }, (_, at) => bytes.subarray(at * size, (at + 1) * size));
}

describe('lines', () => {
  it('are the same, however they arrive', () => {
    const text = 'one\n\ntwo three\nfour';
    for (const size of [1, 2, 5, 100])
      expect(heardOf(pieces(text, size), { whole: 100, beyond: 'cut' }).map(([line]) => line)).toEqual([
        'one',
        '',
        'two three',
        'four',
      ]);
  });

  it('that are to be cut › are cut, however they arrive, and the next one is whole', () => {
    for (const size of [1, 3, 100])
      expect(heardOf(pieces('abcdef\nab\nabcde', size), WHOLE)).toEqual([
        ['abcd', 6],
        ['ab', 2],
        ['abcd', 5],
      ]);
  });

  it('that are longer than any may be › are not taken', () => {
    const lines = new Lines(() => {}, { whole: 1024, beyond: 'shorten' });
    const chunk = Buffer.alloc(1024 * 1024, ' ');
    for (let taken = 0; taken < MAX_LINE_BYTES; taken += chunk.length) expect(lines.take(chunk, 0)).toBe(chunk.length);
    expect(lines.take(chunk, 0)).toBeUndefined();
  });
});

describe('a long line', () => {
  const shorten = (text: string, size: number) =>
    heardOf(pieces(`${text}\n`, size), { whole: 16 * 1024, beyond: 'shorten' });

  it('of JSON, whatever it holds and however it arrives, is what it was with its long texts empty', () => {
    const long = fc.constantFrom('x', 'é\\', '"\\"', '\u0000\n😀').map((unit) => unit.repeat(40_000));
    const value = fc.dictionary(fc.string(), fc.oneof(long, fc.string(), fc.jsonValue({ maxDepth: 2 })), {
      maxKeys: 5,
    });
    fc.assert(
      fc.property(value, long, fc.integer({ min: 1, max: 70_000 }), (members, text, size) => {
        const whole = { id: 7, members, text, method: 'm' };
        const [[line] = ['']] = shorten(JSON.stringify(whole), size < 100 ? size + 1_000 : size);
        const emptied = JSON.parse(JSON.stringify(whole), (_, held) =>
          typeof held === 'string' && JSON.stringify(held).length > 18_000 ? '' : held,
        );
        expect(JSON.parse(line)).toEqual(emptied);
      }),
      { numRuns: 60 },
    );
  });

  it('that is no message › is known by its beginning', () => {
    const [[line, bytes] = ['', 0]] = shorten('g'.repeat(1024 * 1024), 64 * 1024);
    expect([line, bytes]).toEqual(['g'.repeat(1024), 1024 * 1024]);
  });

  it('without long texts › is more than may be kept', () => {
    const line = new LongLine(1_000);
    expect(line.push(Buffer.from(`{"a":[${'0,'.repeat(400)}`))).toBe(true);
    expect(line.push(Buffer.from('0,'.repeat(400)))).toBe(false);
  });
});

describe('what a program writes', () => {
  /** Works for a millisecond. */
  const work = () => {
    for (const until = performance.now() + 1; performance.now() < until; );
  };

  it('in a flood is read a part in each turn of the loop, in order, and the rest of a chunk is not lost', async () => {
    const stream = new PassThrough();
    const heard: string[] = [];
    new LineReader(stream, { whole: 100, beyond: 'cut' }, (line) => {
      work();
      heard.push(line.toString());
    });
    const wanted = Array.from({ length: 60 }, (_, at) => `line ${at}`);
    stream.write(`${wanted.join('\n')}\n`);
    const each: number[] = [];
    while (heard.length < wanted.length) {
      const before = heard.length;
      await nextTurn();
      each.push(heard.length - before);
    }
    expect(heard).toEqual(wanted);
    // Of 4 ms, or twice that where a share ends in the middle of a turn.
    expect(Math.max(...each)).toBeLessThanOrEqual(10);
  });

  it('as one long line is read a part in each turn as well', async () => {
    const stream = new PassThrough();
    const heard: number[] = [];
    new LineReader(stream, { whole: 32 * 1024 * 1024, beyond: 'shorten' }, (_, bytes) => void heard.push(bytes));
    const part = Buffer.from('"a",'.repeat(16_000));
    const parts = 300;
    stream.write('{');
    for (let at = 0; at < parts; at += 1) stream.write(part);
    stream.write('\n');
    let turns = 0;
    for (; heard.length === 0; turns += 1) await nextTurn();
    expect(heard).toEqual([1 + parts * part.length]);
    // That much takes more than a few shares of four milliseconds on any machine.
    expect(turns).toBeGreaterThan(3);
  });

  it('by many at once is read in turns', async () => {
    const heard: number[] = [];
    for (const who of [0, 1, 2]) {
      const stream = new PassThrough();
      new LineReader(stream, { whole: 100, beyond: 'cut' }, () => {
        work();
        heard.push(who);
      });
      stream.write('x\n'.repeat(30));
    }
    while (heard.length < 90) await nextTurn();
    // Nobody was read to its end before the others had begun.
    for (const who of [0, 1, 2]) expect(heard.indexOf(who)).toBeLessThan(40);
  });

  it('waits while somebody has enough, and is heard to its end where its program is gone', async () => {
    const stream = new PassThrough();
    const heard: string[] = [];
    const reader = new LineReader(stream, { whole: 100, beyond: 'cut' }, (line) => void heard.push(line.toString()));
    reader.pause();
    stream.write('one\ntwo');
    for (let turns = 0; turns < 5; turns += 1) await nextTurn();
    expect(heard).toEqual([]);
    reader.release();
    reader.pause();
    while (heard.length < 1) await nextTurn();
    reader.end();
    expect(heard).toEqual(['one', 'two']);
  });
});
