import { expect, test } from 'vitest';
import { addPart, inPieces, PART_LENGTH, partOf, withoutEvents } from '../../../actors/cluster/moved-parts.ts';
import type { MovedTurn } from '../../../actors/turns/moved-turn.ts';

test('a turn in parts is the same when it is put together, and no part is longer than it may be', () => {
  const entries = Array.from({ length: 100 }, (_, at) =>
    at % 3 === 0 ? { text: `frame ${at}`.padEnd(30_000), delta: 'd' } : `token ${at}`.padEnd(20_000),
  );
  const dropped = ['short', `${'😀'.repeat(PART_LENGTH)}x`];
  const log = { seq: 120, aseq: 120, firstSeq: 21, entries, dropped, textLength: 1 };
  const turn: MovedTurn = { facts: { id: 't' }, log };
  const given = inPieces(turn);
  const taken = withoutEvents(given);
  expect(JSON.stringify(taken).length).toBeLessThan(1_000);
  let parts = 0;
  for (let at: number | null = 0; at !== null; parts += 1) {
    const part = partOf(given, at);
    expect(JSON.stringify(part).length).toBeLessThan(4 * PART_LENGTH);
    addPart(taken, JSON.parse(JSON.stringify(part)));
    at = part.next;
  }
  expect(parts).toBeGreaterThan(8);
  expect(taken.log.entries).toEqual(entries);
  expect(taken.log.dropped?.join('')).toBe(dropped.join(''));
});

test('one that has lost the text of what it has dropped has none of it afterwards either', () => {
  const log = { seq: 2, aseq: 2, firstSeq: 2, entries: ['b'], dropped: undefined, textLength: 1 };
  const given = inPieces({ facts: {}, log });
  const taken = withoutEvents(given);
  addPart(taken, partOf(given, 0));
  expect(taken.log).toMatchObject({ entries: ['b'], dropped: undefined });
  expect(partOf(given, 0).next).toBeNull();
});
