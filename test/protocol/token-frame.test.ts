import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { CheckedEvent } from '../../protocol/events.ts';
import { decodeFrame } from '../../protocol/frame.ts';
import { readChatEvent } from '../../protocol/read-event.ts';
import { isPlainToken, tokenHead, tokenText } from '../../protocol/token.ts';

const units = fc.array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 60 });
/** Any text that a JavaScript string can be, lone surrogates and control characters included. */
const delta = fc.oneof(
  fc.string({ unit: 'binary' }),
  units.map((codes) => String.fromCharCode(...codes)),
  fc.constantFrom('', '"', '\\', '\u2028', '\u0000', '</script>', '"},"kind":"done', '\ud83d', '\ude00', '__proto__'),
);
const id = fc.stringMatching(/^[A-Za-z0-9._:-]{1,128}$/);
const seq = fc.integer({ min: 1, max: Number.MAX_SAFE_INTEGER });

describe('tokenText › when a token is written by hand', () => {
  const token = fc.record({ session_id: id, turn_id: id, agent_id: id, delta, a: seq, b: seq });

  test('any delta, any seq, merged or alone › then it is what JSON.stringify writes of the same event', () => {
    fc.assert(
      fc.property(token, ({ session_id, turn_id, agent_id, delta, a, b }) => {
        const [seqFrom, last] = a < b ? [a, b] : [b, a];
        const text = tokenText({ head: tokenHead({ session_id, turn_id, agent_id }), seq: last, seqFrom, delta });
        const params = {
          session_id,
          turn_id,
          agent_id,
          kind: 'token',
          ...(seqFrom === last ? {} : { seq_from: seqFrom }),
          seq: last,
          delta,
        };
        expect(text).toBe(JSON.stringify({ jsonrpc: '2.0', method: 'agents.chat.event', params }));
        const frame = decodeFrame(text);
        expect(frame).toEqual({ kind: 'notification', method: 'agents.chat.event', params });
        expect(JSON.stringify(JSON.parse(text))).toBe(text);
      }),
      { numRuns: 3_000 },
    );
  });

  test('on the wire › then lone surrogates travel as escapes, and come out as they went in', () => {
    const text = tokenText({ head: '{"params":{', seq: 1, seqFrom: 1, delta: 'a\ud83d' });
    expect(Buffer.from(text).toString()).toBe(text);
    expect(JSON.parse(text).params.delta).toBe('a\ud83d');
  });
});

describe('isPlainToken › when a checked token has come off the wire', () => {
  const PLAIN = ['session_id', 'turn_id', 'kind', 'delta'];
  const key = fc.oneof(
    fc.string(),
    fc.constantFrom('seq', 'seq_from', 'agent_id', 'synthesized', '__proto__', 'constructor', 'toString', 'Delta', ''),
  );
  const value = fc.oneof(fc.jsonValue({ maxDepth: 1 }), fc.constant(null));

  test('whatever else it holds › then it is plain exactly where its keys are within the four', () => {
    const seen = { plain: 0, other: 0 };
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 2 }), fc.boolean(), delta, (extra, hasTurn, text) => {
        const token = { session_id: 's', ...(hasTurn ? { turn_id: 't' } : {}), kind: 'token', delta: text };
        const members = [...Object.entries(token), ...Object.entries(extra).filter(([name]) => !PLAIN.includes(name))];
        // Written by hand, so that `__proto__` is an own key.
        const written = members.map(([name, what]) => `${JSON.stringify(name)}:${JSON.stringify(what)}`);
        const params = JSON.parse(`{${written.join()}}`) as CheckedEvent;
        expect(readChatEvent(params)).toBe(params);
        const isPlain = Object.keys(params).every((name) => PLAIN.includes(name));
        expect(isPlainToken(params)).toBe(isPlain);
        seen[isPlain ? 'plain' : 'other'] += 1;
      }),
      { numRuns: 3_000 },
    );
    expect(seen.plain).toBeGreaterThan(300);
    expect(seen.other).toBeGreaterThan(300);
  });

  test.each([
    ['an own __proto__', '{"session_id":"s","kind":"token","delta":"d","__proto__":{"delta":"other"}}', false],
    ['a __proto__ that is null', '{"session_id":"s","kind":"token","delta":"d","__proto__":null}', false],
    ['a key that is escaped', '{"session_id":"s","\\u006bind":"token","delta":"d"}', true],
    ['a fifth key that is escaped', '{"session_id":"s","kind":"token","delta":"d","\\u0073eq":9}', false],
    ['a key inside a string', '{"session_id":"s","kind":"token","delta":"\\",\\"seq\\":9,\\"x\\":\\""}', true],
    ['the same key twice, a token last', '{"session_id":"s","kind":"done","kind":"token","delta":"d"}', true],
    ['the same key twice, a token first', '{"session_id":"s","kind":"token","delta":"d","kind":"todos"}', false],
    ['a delta that comes twice', '{"session_id":"s","kind":"token","delta":1,"delta":"d"}', true],
  ])('with %s › then it is judged by what it reads', (_name, text, plain) => {
    const params = JSON.parse(text) as CheckedEvent;
    expect(readChatEvent(params)).toBe(params);
    expect(isPlainToken(params)).toBe(plain);
  });
});
