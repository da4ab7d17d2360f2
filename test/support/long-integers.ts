import fc from 'fast-check';

/** An integer that JavaScript's numbers round, as its digits: 2^53 + 1 and onwards, at most 300 digits. */
export const longInteger: fc.Arbitrary<string> = fc
  .oneof(
    fc.bigInt({ min: 2n ** 53n + 1n, max: 2n ** 64n }),
    fc.bigInt({ min: -(2n ** 64n), max: -(2n ** 53n) - 1n }),
    fc.bigInt({ min: 10n ** 299n, max: 10n ** 300n - 1n }),
  )
  .map(String);

const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  // What somebody would send who guesses how such integers are carried.
  longInteger,
  longInteger.map((digits) => `:${digits}, ${digits}n "${digits}"`),
  fc.constantFrom('__proto__', 'toJSON', 'a string of more than thirteen characters', '\\"12345678901234567890'),
);
// Not like an array's index: those JavaScript puts in front.
const key = fc.oneof(
  fc.constant('__proto__'),
  fc.constant('toJSON'),
  text.map((name) => `k${name}`),
);

/** Any JSON, with long integers anywhere, as the text that JavaScript would write if it had them. */
export const jsonText: fc.Arbitrary<string> = fc.letrec<{ json: string }>((tie) => ({
  json: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    longInteger,
    fc
      .oneof(fc.constantFrom(null, true, false, 0, 1e15, 1e16, 2 ** 53, 1e300), fc.integer(), text)
      .map((value) => JSON.stringify(value)),
    fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => JSON.stringify(value)),
    fc.array(tie('json'), { maxLength: 5 }).map((items) => `[${items.join(',')}]`),
    fc
      .uniqueArray(fc.tuple(key, tie('json')), { maxLength: 5, selector: ([name]) => name })
      .map((members) => `{${members.map(([name, value]) => `${JSON.stringify(name)}:${value}`).join(',')}}`),
  ),
})).json;
