import fc from 'fast-check';
import { expect, test } from 'vitest';
import { readAbsent } from '../../protocol/absent.ts';
import { chatEventKinds, isToken } from '../../protocol/events.ts';
import type { JsonObject } from '../../protocol/json.ts';
import { readAnyEvent, readChatEvent } from '../../protocol/read-event.ts';

const json = fc.jsonValue({ maxDepth: 2 });
/** Text around the border between a session id and none. */
const idLike = fc.oneof(
  fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/),
  fc.constantFrom('', ' ', 'a b', 'a\n', '\na', 'é', '__proto__', 'constructor', 'a'.repeat(128), 'a'.repeat(129)),
  fc.string(),
);
/** The right value most of the time, so that one thing alone is wrong often enough. */
const mostly = (right: fc.Arbitrary<unknown>) =>
  fc.oneof({ arbitrary: right, weight: 6 }, { arbitrary: json, weight: 1 });

const nearToken = fc
  .tuple(
    fc.record(
      {
        session_id: mostly(idLike),
        turn_id: mostly(fc.option(fc.oneof(fc.constant(''), fc.string()))),
        kind: mostly(fc.constantFrom('token', 'token', 'token', 'Token', 'done')),
        delta: mostly(fc.string({ unit: 'binary' })),
      },
      { requiredKeys: [] },
    ),
    fc.dictionary(fc.oneof(fc.string(), fc.constantFrom('seq', 'constructor', 'toString', '__proto__')), json, {
      maxKeys: 3,
    }),
    fc.boolean(),
  )
  .map(([fields, extra, first]) => (first ? { ...extra, ...fields } : { ...fields, ...extra }));
const wild = fc.oneof(fc.dictionary(fc.string(), json), fc.object({ maxDepth: 2, withNullPrototype: true }));
/** What came off the wire: own keys only, `__proto__` an ordinary one. */
const offTheWire = fc.oneof(nearToken, fc.dictionary(fc.string(), json)).chain((value) =>
  fc.option(json, { nil: undefined }).map((proto) => {
    const text = JSON.stringify(value);
    const members = text.slice(1, -1);
    const own = `"__proto__":${JSON.stringify(proto ?? { kind: 'token', delta: 'x', session_id: 's' })}`;
    return JSON.parse(`{${members === '' ? own : `${own},${members}`}}`) as JsonObject;
  }),
);

const agrees = (value: unknown) => {
  expect(isToken(value as JsonObject)).toBe(
    chatEventKinds.token.safeParse(readAbsent(chatEventKinds.token, value)).success,
  );
};

test('isToken › when objects are nearly tokens › then it accepts exactly what the schema accepts', () => {
  let accepted = 0;
  fc.assert(
    fc.property(nearToken, (value) => {
      agrees(value);
      if (isToken(value as JsonObject)) accepted += 1;
    }),
    { numRuns: 5_000 },
  );
  // Both sides of the border were visited.
  expect(accepted).toBeGreaterThan(250);
  expect(accepted).toBeLessThan(4_750);
});

test('isToken › when objects are anything at all › then it accepts exactly what the schema accepts', () => {
  fc.assert(fc.property(wild, agrees), { numRuns: 1_000 });
});

test('isToken › when objects came off the wire, __proto__ and all › then it accepts exactly what the schema accepts', () => {
  fc.assert(fc.property(offTheWire, agrees), { numRuns: 2_000 });
});

test('readChatEvent › when objects are nearly tokens › then its short way gives what its long way gives', () => {
  let tokens = 0;
  fc.assert(
    fc.property(fc.oneof(nearToken, offTheWire), (value) => {
      // Each its own: an event that is mended is changed.
      const [one, other] = [structuredClone(value), structuredClone(value)];
      expect(readChatEvent(one)).toEqual(readAnyEvent(other));
      expect(one).toEqual(other);
      if (isToken(value as JsonObject)) tokens += 1;
    }),
    { numRuns: 3_000 },
  );
  expect(tokens).toBeGreaterThan(150);
});

test('readChatEvent › when a token has more fields than it needs › then it passes and is left as it was, an empty turn_id apart', () => {
  fc.assert(
    fc.property(offTheWire, (value) => {
      const before = JSON.stringify(value);
      // A tool's event may get its tool's name, and an empty turn_id is none.
      if (value.turn_id === '' || !isToken(value) || readChatEvent(value) !== value) return;
      expect(JSON.stringify(value)).toBe(before);
    }),
    { numRuns: 500 },
  );
});
