import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as ws from 'ws';
import { tokenText } from '../../protocol/token.ts';
import { encodeFrames } from '../../transport/encode-frames.ts';
import { decodeFrames, turnOf } from './outgoing-socket.ts';

interface Ws {
  Sender: { frame(data: Buffer, options: object): Buffer[] };
  Receiver: new (options: object) => NodeJS.EventEmitter & { write(chunk: Buffer): boolean };
}
const { Sender, Receiver } = ws as unknown as Ws;

/** The bytes that `ws` would have sent, frame by frame. */
function byWs(texts: readonly string[]): Buffer {
  const options = { fin: true, opcode: 1, mask: false, readOnly: true, rsv1: false };
  return Buffer.concat(texts.flatMap((text) => Sender.frame(Buffer.from(text), options)));
}

/** What a client that goes by `ws` reads, in pieces of `size` bytes. */
function readByWs(bytes: Buffer, size = bytes.length): Promise<string[]> {
  return new Promise((resolve, reject) => {
    const receiver = new Receiver({ isServer: false });
    const texts: string[] = [];
    receiver.on('message', (data: Buffer) => texts.push(data.toString()));
    receiver.on('error', reject);
    for (let at = 0; at < bytes.length; at += size) receiver.write(bytes.subarray(at, at + size));
    setImmediate(() => resolve(texts));
  });
}

const encode = (texts: readonly string[]) => encodeFrames(texts, 0, texts.length);

/** Around every border: of the three lengths of a header, and of the guesses that spare measuring. */
const LENGTHS = [0, 1, 41, 42, 43, 62, 63, 124, 125, 126, 127, 21_844, 21_845, 21_846, 32_767, 65_534, 65_535, 65_536];
const CHARACTERS = {
  'one byte': 'x',
  'two bytes': 'é',
  'three bytes': '語',
  'four bytes': '😀',
  'a lone half': '\ud83d',
};

describe.each(Object.entries(CHARACTERS))('encodeFrames › when characters have %s', (_name, character) => {
  test.each(LENGTHS)('%i of them › then the bytes are those of ws', (length) => {
    const text = character.repeat(length);
    expect(encode([text]).equals(byWs([text]))).toBe(true);
    // With one byte more or less around them, so that each border is met exactly.
    for (const around of [`a${text}`, `${text}bc`]) expect(encode([around]).equals(byWs([around]))).toBe(true);
  });
});

describe('encodeFrames › when there are many frames', () => {
  const text = fc.oneof(
    { arbitrary: fc.string({ unit: 'binary', maxLength: 300 }), weight: 4 },
    { arbitrary: fc.string({ unit: 'binary-ascii', maxLength: 300 }), weight: 4 },
    // Lone surrogates too.
    fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 50 }).map((units) => String.fromCharCode(...units)),
    fc
      .tuple(fc.string({ unit: 'binary', minLength: 1 }), fc.constantFrom(130, 21_845, 70_000))
      .map(([s, n]) => s.repeat(n / s.length + 1)),
  );

  test('whatever is in them › then the bytes are those of ws, and both readers read the same', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(text, { maxLength: 6 }), fc.integer({ min: 1, max: 5_000 }), async (texts, size) => {
        const bytes = encode(texts);
        expect(bytes.equals(byWs(texts))).toBe(true);
        const wellFormed = texts.map((one) => Buffer.from(one).toString());
        expect(decodeFrames(bytes)).toEqual(wellFormed);
        expect(await readByWs(bytes, Math.max(size, bytes.length / 500))).toEqual(wellFormed);
      }),
      { numRuns: 300 },
    );
  });

  test('more than a megabyte of them › then nothing is lost at the seam, and they take no more memory than they must', () => {
    const texts = Array.from({ length: 40 }, (_, index) => `${index}é`.repeat(20_000));
    const bytes = encode(texts);
    expect(bytes.equals(byWs(texts))).toBe(true);
    expect(bytes.buffer.byteLength).toBeLessThan(bytes.length + 1_000);
  });

  test('some of a longer queue › then those and no others, tokens and texts alike', () => {
    const turn = turnOf('s');
    const tokens = [turn.next('one'), turn.next('zwei'), turn.next('三')];
    const queue = ['before', 'text', ...tokens, 'after'];
    expect(decodeFrames(encodeFrames(queue, 1, 5))).toEqual(['text', ...tokens.map(tokenText)]);
    expect(encodeFrames(queue, 3, 3)).toHaveLength(0);
  });

  test('one call after another › then the first one’s bytes stay what they were', () => {
    const first = encode(['the first']);
    const second = encode(['SECONDLY!']);
    expect(decodeFrames(first)).toEqual(['the first']);
    expect(decodeFrames(second)).toEqual(['SECONDLY!']);
  });
});
