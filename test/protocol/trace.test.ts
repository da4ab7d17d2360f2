import { describe, expect, it } from 'vitest';
import { readTrace, traceId } from '../../protocol/trace.ts';
import { parseTraceparent, writeTraceparent } from '../../protocol/traceparent.ts';

const ID = '0af7651916cd43dd8448eb211c80319c';
const PARENT = `00-${ID}-b7ad6b7169203331-01`;
const read = (meta: unknown) => readTrace({ _meta: meta });

describe('a traceparent', () => {
  it('says its trace, its parent and whether it is sampled', () => {
    const parsed = parseTraceparent(PARENT);
    expect(parsed).toEqual({ traceId: ID, spanId: 'b7ad6b7169203331', isSampled: true });
    expect(parsed && writeTraceparent(parsed)).toBe(PARENT);
    expect(parseTraceparent(`00-${ID}-b7ad6b7169203331-00`)?.isSampled).toBe(false);
    expect(parseTraceparent(`00-${ID}-b7ad6b7169203331-ff`)?.isSampled).toBe(true);
    expect(traceId(read({ traceparent: PARENT }))).toBe(ID);
  });

  it.each([`01-${ID}-b7ad6b7169203331-01`, `cc-${ID}-b7ad6b7169203331-01-what-will-be`])(
    'of a version to come is read, and goes on as it is: %s',
    (traceparent) => expect(read({ traceparent })).toEqual({ traceparent }),
  );

  it.each([
    '',
    'x',
    `00-${ID}-b7ad6b7169203331`,
    `00-${ID}-b7ad6b7169203331-1`,
    `00-${ID}-b7ad6b7169203331-01-`,
    `00-${ID}-b7ad6b7169203331-01-more`,
    `cc-${ID}-b7ad6b7169203331-01more`,
    `ff-${ID}-b7ad6b7169203331-01`,
    `00-${'0'.repeat(32)}-b7ad6b7169203331-01`,
    `00-${ID}-${'0'.repeat(16)}-01`,
    `00-${ID.toUpperCase()}-b7ad6b7169203331-01`,
    ` ${PARENT}`,
    `${PARENT}\n`,
    `cc-${ID}-b7ad6b7169203331-01-${'a'.repeat(256)}`,
    `cc-${ID}-b7ad6b7169203331-01-\u0000`,
    `cc-${ID}-b7ad6b7169203331-01-${'é'.repeat(190)}`,
    1,
    null,
    [PARENT],
  ])('that is none counts as not there: %j', (traceparent) => {
    expect(read({ traceparent, tracestate: 'a=1' })).toBeUndefined();
  });
});

describe('a tracestate', () => {
  it.each(['a=1', 'a=1,b@c=2', 'rojo=00f067aa0ba902b7 , congo=t61rcWkgMzE', 'a=1,,b=2', '0x/y*z-_=~'])(
    'goes on: %s',
    (tracestate) => {
      expect(read({ traceparent: PARENT, tracestate })).toEqual({ traceparent: PARENT, tracestate });
    },
  );

  it.each(['A=1', 'a', 'a=', 'a=é', 'a=1=2', 'a=\u0000', `a=${'b'.repeat(600)}`, 'a=1,'.repeat(33), {}, 5])(
    'that is none is left out: %j',
    (tracestate) => expect(read({ traceparent: PARENT, tracestate })).toEqual({ traceparent: PARENT }),
  );
});

describe('a baggage', () => {
  it.each(['user=alice', 'a=1;p;q=2 , b = %20x', 'a=', `k=${'v'.repeat(4_000)}`])(
    'goes on, with a trace or without: %s',
    (baggage) => {
      expect(read({ baggage })).toEqual({ baggage });
      expect(read({ baggage, traceparent: PARENT })).toEqual({ baggage, traceparent: PARENT });
    },
  );

  it.each([
    'a',
    '=1',
    'a=b c',
    'a=é',
    'a="b"',
    'a=1;',
    'a=1\n',
    '\u00a0a=1',
    'a;p=1',
    ' ',
    `a=${'b'.repeat(4_096)}`,
    'a=1,'.repeat(181),
    7,
  ])('that is none is left out: %j', (baggage) =>
    expect(read({ baggage, traceparent: PARENT })).toEqual({ traceparent: PARENT }),
  );

  it.each([
    `a=${' '.repeat(4_000)}x y`,
    `a=${' '.repeat(4_000)}"`,
    `a=1${' ;p'.repeat(1_300)}"`,
    `a=${' ;a='.repeat(1_000)}"`,
    `${'a'.repeat(4_090)}"`,
  ])('of four kilobytes that is nearly one is left out, too', (baggage) => expect(read({ baggage })).toBeUndefined());

  it.each([`a=${' ;a='.repeat(1_000)}`, 'a==b=c', ' a\t=\t;p = q= ; r'])(
    'has blanks wherever they may be: %j',
    (baggage) => expect(read({ baggage })).toEqual({ baggage }),
  );
});

it.each([
  undefined,
  null,
  1,
  [],
  [{ traceparent: PARENT }],
  {},
  { _meta: null },
  { _meta: [] },
  { _meta: 'x' },
  { _meta: {} },
])('parameters without any name no trace: %j', (params) => expect(readTrace(params)).toBeUndefined());
