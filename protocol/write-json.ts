/*
 * What `parseJson` has read, as text again. A bigint is written as its digits; everything else as `JSON.stringify` writes
 * it. In between a string stands for it, which begins with random bits of this program: they never leave it, so nobody could
 * send one that is taken for a bigint.
 */

/** What stands before the digits, and what finds both; made when the first bigint is written. */
let marks: { mark: string; marked: RegExp; kept: RegExp } | undefined;

function marking() {
  if (marks) return marks;
  const mark = `bigint-${crypto.getRandomValues(new BigUint64Array(2)).join('-')}:`;
  marks = { mark, marked: new RegExp(`"${mark}(-?\\d+)"`, 'g'), kept: new RegExp(`"${mark}#(\\d+)"`, 'g') };
  return marks;
}

/**
 * `JSON.stringify`, but for bigints, which are written as integers. A value without one costs nothing more.
 *
 * @param indent spaces of one level, as there.
 * @throws what `JSON.stringify` throws, for a cycle, say.
 */
export function writeJson(value: unknown, indent = 0): string {
  // Some programs teach bigints to become strings. A peer that sent an integer is to get one.
  if (!('toJSON' in BigInt.prototype)) {
    try {
      return JSON.stringify(value, undefined, indent);
    } catch {
      // There is one in it, or it cannot be written at all, which the other way finds, too.
    }
  }
  const { mark, marked, kept } = marking();
  const arrays: string[] = [];
  /** A replacer (ECMA-262, SerializeJSONProperty): `value` is what a `toJSON` has made of what stands at that key. */
  function replacer(this: Record<string, unknown>, key: string, value: unknown): unknown {
    const before = this[key];
    if (typeof before === 'bigint' || before instanceof BigInt) return mark + before;
    if (typeof value === 'bigint' || value instanceof BigInt) return mark + value;
    const array = indent === 0 ? numbersAsJson(value) : undefined;
    return array === undefined ? value : `${mark}#${arrays.push(array) - 1}`;
  }
  // Undefined for what is no JSON value, as there.
  const text = JSON.stringify(value, replacer, indent)?.replace(marked, '$1');
  return arrays.length === 0 ? text : text.replace(kept, (_, at: string) => arrays[Number(at)] as string);
}

/** A shorter array is not worth a second look. */
const LONG_ARRAY = 32;

/** An array of nothing but numbers, bigints among them, as JSON: in a frame that is made to be slow there are 100,000. */
function numbersAsJson(value: unknown): string | undefined {
  if (!Array.isArray(value) || value.length < LONG_ARRAY) return undefined;
  let hasLong = false;
  for (const element of value) {
    if (typeof element === 'bigint') hasLong = true;
    // What is no finite number, null is written for.
    else if (typeof element !== 'number' || !Number.isFinite(element)) return undefined;
  }
  return hasLong ? `[${value.join(',')}]` : undefined;
}
