import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { MAX_MEMBERS, unread } from '../../protocol/frame-scan.ts';
import { MAX_DEPTH } from '../../protocol/json.ts';

/** Members and elements of a parsed value, long integers four times, and its levels: what the scan has to find without parsing. */
function measured(value: unknown): { members: number; levels: number } {
  const isLong = typeof value === 'number' && /^-?\d{16,}$/.test(JSON.stringify(value));
  if (typeof value !== 'object' || value === null) return { members: isLong ? 3 : 0, levels: 0 };
  const inside = Object.values(value).map(measured);
  return {
    members: inside.reduce((sum, { members }) => sum + 1 + members, 0),
    levels: 1 + Math.max(0, ...inside.map(({ levels }) => levels)),
  };
}

/** A frame that is long enough to be looked at, and holds so many members in all. */
function frameOf(members: number): string {
  // Six of its own: jsonrpc, id, method, params, filler, list.
  const list = `[${new Array(members - 6).fill('0').join(',')}]`;
  return `{"jsonrpc":"2.0","id":"x","method":"m","params":{"filler":"${'x'.repeat(200_000)}","list":${list}}}`;
}

/** Any JSON, with what a scan could stumble over in its texts and keys. */
const tricky = fc.constantFrom('"', '\\', '\\"', '[', ']{', ',', ':', '\n', 'é', '😀', '\\\\"', '{"id":7}', ' ');
const words = fc.array(fc.oneof(tricky, fc.string({ maxLength: 3 })), { maxLength: 4 }).map((parts) => parts.join(''));
const { json } = fc.letrec<{ json: unknown; leaf: unknown; list: unknown[]; object: object }>((tie) => ({
  leaf: fc.oneof(
    words,
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.integer({ min: 1e15 - 9, max: 1e15 + 9 }),
    fc.boolean(),
    fc.constant(null),
  ),
  list: fc.array(tie('json'), { maxLength: 5 }),
  object: fc.dictionary(words, tie('json'), { maxKeys: 5 }),
  json: fc.oneof({ depthSize: 'medium', withCrossShrink: true }, tie('leaf'), tie('list'), tie('object')),
}));

describe('the scan of a frame', () => {
  test('of as many members as allowed › lets it pass; of one more › does not', () => {
    expect(measured(JSON.parse(frameOf(MAX_MEMBERS))).members).toBe(MAX_MEMBERS);
    expect(unread(frameOf(MAX_MEMBERS))).toBeUndefined();
    expect(unread(frameOf(MAX_MEMBERS + 1))).toEqual({
      reason: `more than ${MAX_MEMBERS} members and elements in one message`,
      shape: 'object',
      id: 'x',
      hasMethod: true,
      isWhole: true,
    });
  });

  test('of as many levels as allowed › lets it pass; of one more › does not', () => {
    const frame = (levels: number) =>
      `{"f":"${'x'.repeat(200_000)}","params":${'['.repeat(levels)}${']'.repeat(levels)}}`;
    expect(unread(frame(MAX_DEPTH))).toBeUndefined();
    expect(unread(frame(MAX_DEPTH + 1))).toMatchObject({ reason: `nested deeper than ${MAX_DEPTH} levels` });
  });

  test('of long integers › counts each as four', () => {
    const frame = (count: number) => `{"list":[${new Array(count).fill('12345678901234567890').join(',')}]}`;
    expect(unread(frame(MAX_MEMBERS / 4 - 1))).toBeUndefined();
    expect(unread(frame(MAX_MEMBERS / 4))).toBeDefined();
  });

  test('of a short one › is not made', () => {
    expect(unread('['.repeat(100_000))).toBeUndefined();
  });

  test('of any JSON, written in either way › counts what parsing finds', () => {
    const counts = fc.property(json, fc.boolean(), (value, isSpaced) => {
      // Three members of the frame's own, and as many zeros as are missing to the limit.
      const zeros = MAX_MEMBERS - 3 - measured(value).members;
      const frame = (more: number) => {
        const text = JSON.stringify(value, null, isSpaced ? '\t' : 0);
        return `{"filler":"${'x'.repeat(200_000)}","value":${text},"zeros":[${new Array(zeros + more).fill('0').join(',')}]}`;
      };
      expect(unread(frame(0))).toBeUndefined();
      expect(unread(frame(1))).toBeDefined();
    });
    fc.assert(counts, { numRuns: 200 });
  });

  test.each<[what: string, head: string, found: object]>([
    ['the id first', '"id":7,"method":"m","params":ALL', { id: 7, hasMethod: true }],
    ['the id last, after what is too much', '"params":ALL,"method":"m","id":"é\\u0041"', { id: 'éA', hasMethod: true }],
    ['ids inside', '"params":{"id":1,"x":ALL,"method":"n"}', { id: undefined, hasMethod: false }],
    ['two ids', '"id":1,"method":"m","id":2,"params":ALL', { id: 2, hasMethod: true }],
    ['an id in a text', '"a":"\\"id\\":3,","method":"m","params":ALL', { id: undefined, hasMethod: true }],
    ['an escaped key', '"\\u0069d":4,"method":"m","params":ALL', { id: 4, hasMethod: true }],
    ['an id that is none', '"id":[1],"method":"m","params":ALL', { id: null, hasMethod: true }],
    ['an id that is too long', `"id":"${'x'.repeat(257)}","method":"m","params":ALL`, { id: null, hasMethod: true }],
    ['an answer', '"id":"sb-1","result":ALL', { id: 'sb-1', hasMethod: false }],
  ])('of %s › finds what its sender is to be told', (_what, head, found) => {
    const all = `[${new Array(MAX_MEMBERS + 1).fill('0').join(',')}]`;
    const text = `{"jsonrpc":"2.0",${head.replace('ALL', all)}}`;
    expect(() => JSON.parse(text)).not.toThrow();
    expect(unread(text)).toMatchObject({ shape: 'object', isWhole: true, ...found });
  });

  test('of what does not end, or goes on after its end › says so', () => {
    const much = `[${new Array(MAX_MEMBERS + 1).fill('0').join(',')}`;
    expect(unread(much)).toMatchObject({ shape: 'array', isWhole: false });
    expect(unread(`${much}]`)).toMatchObject({ shape: 'array', isWhole: true });
    expect(unread(`${much}] 7`)).toMatchObject({ isWhole: false });
    expect(unread(`{"a":${much}],"b":"`)).toMatchObject({ shape: 'object', isWhole: false });
  });
});
