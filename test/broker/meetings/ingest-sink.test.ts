import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ingestSink } from '../../../actors/meetings/ingest-sink.ts';
import type { JsonObject } from '../../../protocol/json.ts';

/* What is said is taken out of a meeting's events, and nothing of them changes (`wire.md` section 11). */

const event: fc.Arbitrary<JsonObject> = fc.oneof(
  fc.record(
    {
      type: fc.constant('final'),
      text: fc.string(),
      speaker: fc.string(),
      start_ms: fc.integer(),
      more: fc.jsonValue(),
    },
    { requiredKeys: ['type'] },
  ),
  fc.record({ type: fc.constantFrom('partial', 'ended', 'error', 'other', 'final'), text: fc.jsonValue() }),
);
/** Everything that a memory may do with a text. */
const mood = fc.constantFrom('takes it', 'throws', 'rejects', 'is silent', 'changes it');

test('ingestSink › when any events come › then each text is taken at once and in order, and no event changes, whatever the memory does', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(event, mood)), async (all) => {
      const moods = all.map(([, each]) => each);
      const written = all.map(([each]) => JSON.stringify(each));
      const taken: string[] = [];
      let failures = 0;
      let mine = '';
      const into = ingestSink({
        ingest(segment) {
          taken.push(segment.text);
          if (mine === 'throws') throw new Error('no');
          if (mine === 'rejects') return Promise.reject(new Error('no'));
          if (mine === 'is silent') return new Promise(() => {});
          if (mine === 'changes it') segment.text = 'something else';
          return undefined;
        },
        failed: () => {
          failures += 1;
        },
      });
      for (const [n, [each]] of all.entries()) {
        mine = moods[n] ?? '';
        into(each);
      }
      await new Promise(setImmediate);
      expect(all.map(([each]) => JSON.stringify(each))).toEqual(written);
      const said = all.filter(([each]) => each.type === 'final' && typeof each.text === 'string');
      expect(taken).toEqual(said.map(([each]) => each.text));
      expect(failures).toBe(said.filter(([, each]) => each === 'throws' || each === 'rejects').length);
    }),
  );
});

test('ingestSink › when a final comes › then its text goes in, with its speaker and times and nothing else', () => {
  const taken: unknown[] = [];
  const into = ingestSink({ ingest: (segment) => taken.push(segment), failed: () => {} });
  into({ type: 'final', text: 'hi', speaker: 'Ann', start_ms: 1, end_ms: 2, confidence: 0.5, session_id: 's' });
  into({ type: 'final', text: 'ho', speaker: 7 });
  expect(taken).toEqual([{ text: 'hi', speaker: 'Ann', start_ms: 1, end_ms: 2, confidence: 0.5 }, { text: 'ho' }]);
});
