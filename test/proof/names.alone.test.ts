import { getHeapSnapshot } from 'node:v8';
import { expect, test } from 'vitest';
import { collectGarbage, heapInUse } from '../support/gc.ts';
import { ofProof } from './support/extent.ts';
import { FEW, NamingCrowd } from './support/names/crowd.ts';
import { PLACES } from './support/names/places.ts';

/** How many names are said in each place. In `npm run proof` they are a million, all together. */
const NAMES = ofProof(Math.ceil(1_000_000 / PLACES.length), 30);
/** So many sessions' last agents are known, `MAX_LAST` of `actors/turns/sessions.ts`. */
const SERVED = 5_000;
const MIB = 1024 * 1024;

test(`when ${NAMES} names were said in each place where a client may choose one › then few of them are known`, {
  timeout: 1_800_000,
}, async () => {
  const crowd = await NamingCrowd.start();
  const before = await heapInUse();
  for (const [at, place] of PLACES.entries()) await crowd.say(NAMES, (i) => place.say(crowd, `qz${at}q${i}z`, i));
  const grown = (await heapInUse()) - before;
  const known = await knownNames();
  const many = [...known].map(([at, names]) => [PLACES[at]?.words, names.size] as const).filter(([, n]) => n > FEW);
  // Which agent had a session's last turn is remembered of more.
  expect(many.filter(([words]) => !/^(a session of|agents\.chat \/session_id)/.test(String(words)))).toEqual([]);
  expect(many.reduce((sum, [, count]) => sum + count, 0)).toBeLessThanOrEqual(SERVED);
  expect(grown).toBeLessThan(32 * MIB);
  // They were there to hear it all, and some of it was taken.
  expect(crowd.closed).toBe(0);
  expect(crowd.heard.results).toBeGreaterThan(NAMES);
});

/** By place, the names that stand in a string of the heap, or are a part of one. */
async function knownNames(): Promise<Map<number, Set<string>>> {
  await collectGarbage();
  const known = new Map<number, Set<string>>();
  let rest = '';
  for await (const chunk of getHeapSnapshot()) {
    const text = rest + chunk.toString('latin1');
    for (const [, at, name = ''] of text.matchAll(/qz(\d+)q(\d+)z/g)) {
      known.set(Number(at), (known.get(Number(at)) ?? new Set()).add(name));
    }
    rest = text.slice(-32);
  }
  return known;
}
