import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { decodeFrame } from '../../protocol/frame.ts';
import { unread } from '../../protocol/frame-scan.ts';
import { mayHoldLong } from '../../protocol/json-scan.ts';
import { parseJson } from '../../protocol/parse-json.ts';
import { writeJson } from '../../protocol/write-json.ts';
import { jsonText, longInteger } from '../support/long-integers.ts';

/** The same with each long integer as JavaScript rounds it: what `JSON.parse` makes of it. */
const rounded = (value: unknown): unknown => JSON.parse(writeJson(value));

describe('parseJson › when integers have 16 digits and more', () => {
  test('those that a number holds stay numbers, the others are bigints: a value has one form only', () => {
    for (const [text, value] of [
      ['9007199254740991', 9007199254740991],
      ['9007199254740992', 9007199254740992],
      ['9007199254740993', 9007199254740993n],
      ['-9007199254740993', -9007199254740993n],
      ['1000000000000000', 1e15],
      ['18446744073709551615', 18446744073709551615n],
      ['1000000000000000000000', 10n ** 21n],
      // As JavaScript rounds it.
      ['12345678901234567.5', 12345678901234568],
      ['12345678901234567e0', 12345678901234568],
      ['-0', -0],
      [`1${'0'.repeat(309)}`, Number.POSITIVE_INFINITY],
      [' \n12345678901234567890\t', 12345678901234567890n],
    ] as const) {
      expect(parseJson(text)).toBe(value);
      expect(parseJson(`{"a":[${text},"x"]}`)).toEqual({ a: [value, 'x'] });
    }
  });

  test('any JSON comes out as it went in, whatever its strings look like', () => {
    fc.assert(
      fc.property(jsonText, (text) => {
        const value = parseJson(text);
        expect(writeJson(value)).toBe(text);
        // But for the digits it is what `JSON.parse` reads.
        expect(rounded(value)).toEqual(JSON.parse(text));
      }),
      { numRuns: 2_000 },
    );
  });

  test('white space, escapes, duplicate keys: it is what JSON.parse reads', () => {
    const text = ' { "a" : 1 , "\\u0061" : [ 12345678901234567890 , { } , [ ] ] , "b\\\\" : "\\"\\ud800" } ';
    expect(parseJson(text)).toEqual({ a: [12345678901234567890n, {}, []], 'b\\': '"\ud800' });
    const proto = parseJson('{"__proto__":{"a":12345678901234567890}}') as object;
    expect(Object.getPrototypeOf(proto)).toBe(Object.prototype);
    expect(Object.keys(proto)).toEqual(['__proto__']);
  });

  test('of duplicate keys the last counts, whichever of them are long', () => {
    const [long, other, near] = ['9007199254740993', '12345678901234567890', '9007199254740992.0'];
    for (const [text, value] of [
      [`{"a":${long},"a":1}`, { a: 1 }],
      [`{"a":1,"a":${long}}`, { a: 9007199254740993n }],
      [`{"a":${long},"a":${other}}`, { a: 12345678901234567890n }],
      // All of these a number rounds to the same.
      [`{"a":${long},"a":9007199254740992}`, { a: 9007199254740992 }],
      [`{"a":${long},"a":${near}}`, { a: 9007199254740992 }],
      [`{"a":${long},"a":9.007199254740992e15}`, { a: 9007199254740992 }],
      [`{"a":${near},"\\u0061":${long}}`, { a: 9007199254740993n }],
      // Of what is gone nothing is found, in what it inherits neither.
      [`{"a":{"b":[${long}]},"a":{"b":{"0":1}}}`, { a: { b: { 0: 1 } } }],
      [`{"a":{"b":[${long}]},"a":{"b":[9007199254740992]}}`, { a: { b: [9007199254740992] } }],
      [`{"a":{"__proto__":{"b":${long}}},"a":{}}`, { a: {} }],
      [`{"a":{"constructor":{"length":${long}}},"a":{}}`, { a: {} }],
    ] as const) {
      expect(parseJson(text), text).toEqual(value);
    }
    expect(Object.keys(Object.prototype)).toEqual([]);
  });

  test('what is no JSON throws, as there', () => {
    for (const text of [
      '[12345678901234567890',
      '012345678901234567',
      '12345678901234567n',
      '-',
      '{"a":12345678901234567890,}',
    ]) {
      expect(() => parseJson(text)).toThrow(SyntaxError);
    }
  });

  test('a hundred thousand levels are read without a word: they are refused where they would be passed on', () => {
    const deep = `${'['.repeat(100_000)}12345678901234567890${']'.repeat(100_000)}`;
    expect(Array.isArray(parseJson(deep))).toBe(true);
    const allowed = `${'['.repeat(201)}12345678901234567890${']'.repeat(201)}`;
    expect(writeJson(parseJson(allowed))).toBe(allowed);
  });
});

describe('mayHoldLong › when it looks at a frame', () => {
  test('no integer of 16 digits escapes it, wherever it stands', () => {
    fc.assert(
      fc.property(fc.string(), longInteger, fc.string(), (before, digits, after) => {
        expect(mayHoldLong(`[${JSON.stringify(before)},${digits},${JSON.stringify(after)}]`)).toBe(true);
      }),
    );
    const short =
      '{"jsonrpc":"2.0","id":123456789012345,"method":"m","params":{"id":"0192f3a4-7b1c-7d2e-8f30-1234567890ab"}}';
    expect(mayHoldLong(short)).toBe(false);
    expect(mayHoldLong(`"${'1'.repeat(1_000)}a${'2'.repeat(40)}"`)).toBe(false);
  });
});

describe('writeJson › when a value holds a bigint', () => {
  const patched = BigInt.prototype as { toJSON?: unknown };
  afterEach(() => {
    delete patched.toJSON;
  });

  test('all else is written as JSON.stringify writes it', () => {
    const odd = {
      date: new Date(0),
      nothing: undefined,
      run() {},
      [Symbol('s')]: 1,
      boxed: [new Number(1), new String('s'), new Boolean(false)],
      list: [undefined, () => {}, Number.NaN, Number.POSITIVE_INFINITY, -0],
      own: { toJSON: (key: string) => ({ key }) },
      empty: [{}, []],
    };
    for (const indent of [0, 2]) {
      const whole = writeJson({ odd, n: 1n }, indent);
      expect(whole).toBe(JSON.stringify({ odd, n: 1 }, undefined, indent));
    }
    fc.assert(
      fc.property(fc.object(), (value) => {
        expect(writeJson([value, 5n])).toBe(JSON.stringify([value, 5]));
      }),
    );
  });

  test('a cycle throws and ends, with many ways around it too', () => {
    const value: Record<string, unknown> = { n: 1n };
    for (const name of 'abcdefgh') value[name] = value;
    expect(() => writeJson(value)).toThrow(TypeError);
  });

  test('a program that has taught bigints to be strings gets integers nevertheless', () => {
    patched.toJSON = function toJSON(this: bigint) {
      return String(this);
    };
    expect(writeJson({ n: [12345678901234567890n] })).toBe('{"n":[12345678901234567890]}');
  });
});

describe('decodeFrame › when an id is a long integer', () => {
  test('two that JavaScript takes for one are two; one of more than 256 digits is none', () => {
    const idOf = (id: string) => decodeFrame(`{"jsonrpc":"2.0","id":${id},"method":"m"}`);
    expect(idOf('9007199254740993')).toMatchObject({ kind: 'request', id: 9007199254740993n });
    expect(idOf('9007199254740992')).toMatchObject({ kind: 'request', id: 9007199254740992 });
    expect(idOf('9'.repeat(257))).toMatchObject({ kind: 'bad', id: null });
  });

  test('it is known of a frame that is refused unread, too', () => {
    const much = `{"jsonrpc":"2.0","id":18446744073709551615,"method":"m","params":[${'1,'.repeat(150_000)}1]}`;
    expect(unread(much)?.id).toBe(18446744073709551615n);
  });
});
