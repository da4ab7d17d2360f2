import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { piecesOf, TextBlock } from '../../console/reading/text-block.ts';

/** A text in pieces, all of them shown. */
function shown(pieces: readonly string[]): TextBlock {
  const block = new TextBlock();
  for (const piece of pieces) {
    block.append(piece);
    block.flush();
  }
  return block;
}

describe('TextBlock', () => {
  it('shows what was appended at the next flush, and not before', () => {
    const block = new TextBlock();
    block.append('hello ');
    block.append('world');
    expect(block.tail.value).toBe('');
    expect(block.flush()).toBe(11);
    expect(block.tail.value).toBe('hello world');
    expect(block.flush()).toBe(0);
  });

  it('is the text as it came, however it was cut', () => {
    const piece = fc.oneof(
      fc.string(),
      fc.integer({ min: 1, max: 20_000 }).map((n) => 'x'.repeat(n)),
      fc.integer({ min: 1, max: 9_000 }).map((n) => '😀'.repeat(n)),
      fc.constant('\n'),
      fc.integer({ min: 1, max: 3_000 }).map((n) => 'word '.repeat(n)),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 12 }), (pieces) => {
        const block = shown(pieces);
        const text = pieces.join('');
        expect(block.toString()).toBe(text);
        expect(block.size).toBe(text.length);
      }),
      { numRuns: 60 },
    );
  });

  it('keeps what still grows short, and cuts where a line ends', () => {
    const block = shown(Array.from({ length: 3_000 }, (_, n) => `line ${n}\n`));
    expect(block.tail.value.length).toBeLessThanOrEqual(16_384);
    expect(block.chunks.value.length).toBeGreaterThan(3);
    for (const { text, end } of block.chunks.value) {
      expect(text.length).toBeLessThan(5_000);
      expect(end).toBe('\n');
      expect(text.endsWith('\n')).toBe(false);
    }
  });

  it('leaves closed chunks alone while the text grows', () => {
    const block = shown(['a'.repeat(5_000), '\nmore']);
    const [first] = block.chunks.value;
    block.append('b'.repeat(40_000));
    block.flush();
    expect(block.chunks.value[0]).toBe(first);
  });

  it('cuts no character in two', () => {
    const block = shown(['a', '😀'.repeat(30_000)]);
    expect(block.chunks.value.map(({ text }) => text).join('') + block.tail.value).toBe(`a${'😀'.repeat(30_000)}`);
    const ends = block.chunks.value.map(({ text }) => text.charCodeAt(text.length - 1));
    // A high surrogate at the end would have lost its other half.
    for (const unit of ends) expect(unit >= 0xd800 && unit <= 0xdbff).toBe(false);
  });

  it('forgets its beginning, by whole chunks', () => {
    const block = shown(Array.from({ length: 3_000 }, (_, n) => `line ${n}\n`));
    const before = block.toString();
    const gone = block.forget(6_000);
    expect(gone).toBeGreaterThanOrEqual(6_000);
    expect(block.toString()).toBe(before.slice(gone));
    expect(block.size).toBe(before.length - gone);
  });
});

describe('piecesOf', () => {
  it('is the text, in pieces that are short, whatever it is made of', () => {
    const text = fc.array(
      fc.oneof(
        fc.string(),
        fc.integer({ min: 1, max: 3_000 }).map((n) => 'T'.repeat(n)),
        fc.integer({ min: 1, max: 2_000 }).map((n) => '😀'.repeat(n)),
        fc.integer({ min: 1, max: 500 }).map((n) => 'word '.repeat(n)),
      ),
    );
    fc.assert(
      fc.property(text, (parts) => {
        const whole = parts.join('');
        const pieces = piecesOf(whole);
        expect(pieces.join('')).toBe(whole);
        for (const piece of pieces) expect(piece.length).toBeLessThanOrEqual(512);
      }),
    );
  });

  it('keeps words and characters whole where it can', () => {
    const words = piecesOf('word '.repeat(1_000));
    for (const piece of words) expect(piece).toMatch(/^(word )*$/);
    for (const piece of piecesOf(`a${'😀'.repeat(1_000)}`))
      expect(piece).not.toMatch(/[\ud800-\udbff]$|^[\udc00-\udfff]/);
  });

  it('leaves the pieces before alone while the text grows', () => {
    const before = piecesOf('T'.repeat(1_500));
    expect(piecesOf('T'.repeat(2_000)).slice(0, before.length - 1)).toEqual(before.slice(0, -1));
  });
});
