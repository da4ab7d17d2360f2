import fc from 'fast-check';
import { expect, test } from 'vitest';
import { settle } from '../../support/linked.ts';
import { MemoryRecordStore } from '../../support/memory-record-store.ts';
import { startRecorded, textOf } from './recording-scene.ts';

/* A secret that an agent says is in no record, however it comes. */

const BODY = 'Zq7Xw2Kd9Rm4Tb8Nv3Lc6Hf1Js5Gy0Pu';
/** Each with the part that nobody may find. */
const SECRETS = [
  { said: `the key is ghp_${BODY} there`, hidden: BODY },
  { said: `Authorization: Bearer ${BODY} there`, hidden: BODY },
  { said: `its api_key = "${BODY}", there`, hidden: BODY },
  { said: `postgres://me:${BODY}@db there`, hidden: BODY },
  { said: `eyJ${BODY.repeat(30)}.${BODY.repeat(10)}.${BODY} there`, hidden: BODY },
  { said: `${'talk '.repeat(1_700)}ghp_${BODY} there`, hidden: BODY },
];
/** Fewer characters of it in a row tell nothing. */
const TELLING = 12;

const pieces = (text: string) =>
  Array.from({ length: text.length - TELLING + 1 }, (_, at) => text.slice(at, at + TELLING));

test('a secret comes in pieces, with pauses, readers, tool calls and other events between them › then no part of it is kept', async () => {
  const between = fc.constantFrom('nothing', 'nothing', 'nothing', 'pause', 'look', 'event', 'call', 'store');
  const cuts = fc.array(fc.record({ after: fc.integer({ min: 1, max: 14 }), between }), {
    minLength: 1,
    maxLength: 12,
  });
  await fc.assert(
    fc.asyncProperty(fc.constantFrom(...SECRETS), cuts, async ({ said, hidden }, plan) => {
      const store = new MemoryRecordStore();
      const { ask, open, say, end, execute, agent, linked } = await startRecorded({ record: { store } });
      const turnId = await open('s');
      // The cuts lie around where the secret begins.
      let rest = said;
      const before = said.indexOf(hidden) - 12;
      for (const { after, between } of [{ after: Math.max(1, before), between: 'nothing' }, ...plan]) {
        if (rest === '') break;
        await say('s', rest.slice(0, after));
        rest = rest.slice(after);
        if (between === 'pause') await linked.advance(1_500);
        else if (between === 'store') await linked.advance(600);
        else if (between === 'look') await ask.turn(turnId);
        else if (between === 'call') await execute({ session_id: 's' });
        else if (between === 'event') agent.emit('s', { kind: 'inference_started' });
        await settle();
      }
      if (rest !== '') await say('s', rest);
      await end('s');
      const log = await ask.turn(turnId);
      const text = textOf(log.records);
      for (const piece of pieces(hidden)) expect(text).not.toContain(piece);
      expect(text.endsWith(' there')).toBe(true);
      await linked.advance(600);
      const stored = (store.turns.get(turnId) ?? []).join('');
      for (const piece of pieces(hidden)) expect(stored).not.toContain(piece);
    }),
    { numRuns: 60 },
  );
});

test('one token holds it, where a token is cut into pieces › then no part of it is kept', async () => {
  const { ask, open, say, end } = await startRecorded();
  for (const at of [8_180, 8_186, 8_192, 16_370]) {
    const session = `s${at}`;
    const turnId = await open(session);
    await say(session, `${'x '.repeat(at / 2)}ghp_${BODY} ${'y '.repeat(5_000)}`);
    await end(session);
    const text = textOf((await ask.turn(turnId)).records);
    expect(pieces(BODY).filter((piece) => text.includes(piece))).toEqual([]);
    expect(text.endsWith('y y ')).toBe(true);
  }
});

test('a request carries baggage › then its trace is in the record, and the baggage is not', async () => {
  const { ask, open, end } = await startRecorded();
  const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';
  const turnId = await open('s', { _meta: { traceparent, baggage: 'user=alice' } });
  await end('s');
  const kept = JSON.stringify(await ask.turn(turnId));
  expect(kept).toContain(traceparent);
  expect(kept).not.toContain('user=alice');
});
