import { cpSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { v7 as uuid } from 'uuid';
import { expect, test } from 'vitest';
import type { Fact, FactStore } from '../../memory/fact-store.ts';
import { journalFactStore } from '../../memory/journal-fact-store.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { settle } from '../support/linked.ts';

/* Facts in files that are made anew while facts come and go. */

const SEGMENT = 16 * 1024;
const open = (directory: string) => journalFactStore(directory, { segmentBytes: SEGMENT });
const fact = (body: string): Fact => ({ id: uuid(), subject: 's', body, kind: 'fact', created_at: 1 });
const sizeOf = (directory: string) =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

function all(store: FactStore, owner: string): Fact[] {
  const read = store.reader(owner);
  const facts: Fact[] = [];
  for (let some = read(7, 10_000); some.length > 0; some = read(7, 10_000)) facts.push(...some);
  return facts;
}

/** What is there after a crash now. */
async function afterCrash(directory: string, owners: readonly string[]): Promise<Fact[][]> {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  const store = open(copy);
  const found = owners.map((owner) => all(store, owner));
  await store.close();
  return found;
}

test('a store of facts › when facts come and go for long › then its files stay within twice what is kept and two segments, and a crash at any moment leaves exactly what is kept', async () => {
  const directory = temporaryDirectory();
  const store = open(directory);
  const owners = ['ann', 'bob', 'zoé'];
  const kept = new Map<string, Fact[]>(owners.map((owner) => [owner, []]));
  let seed = 7;
  const random = (below: number) => {
    seed = (seed * 48_271) % 2_147_483_647;
    return seed % below;
  };
  for (let round = 0; round < 400; round += 1) {
    const owner = owners[random(3)] as string;
    const facts = kept.get(owner) as Fact[];
    const added = Array.from({ length: random(6) }, () => fact('x'.repeat(random(900))));
    const removed = Array.from({ length: Math.min(facts.length, random(7)) }, () =>
      facts.splice(random(facts.length), 1),
    ).flat();
    facts.push(...added);
    const writes = [...added.map((one) => store.put(owner, one)), ...removed.map(({ id }) => store.delete(owner, id))];
    if (random(40) === 0) {
      kept.set(owner, []);
      writes.push(store.drop(owner, Promise.allSettled([...writes])));
    }
    await Promise.all(writes);
    if (round % 5 === 0) {
      expect(await afterCrash(directory, owners)).toEqual(owners.map((one) => kept.get(one)));
    }
    for (const one of owners) expect(all(store, one)).toEqual(kept.get(one));
    while (sizeOf(directory) > 2 * store.bytes() + 2 * SEGMENT + 6_000) await settle();
  }
  expect(Number(readdirSync(directory).sort()[0]?.slice(0, 6))).toBeGreaterThan(3);
  await store.close();
  const again = open(directory);
  for (const one of owners) {
    expect(all(again, one)).toEqual(kept.get(one));
    expect(again.count(one)).toBe(kept.get(one)?.length);
  }
  await again.close();
});

test('a store of facts › when one is deleted while its file is made anew › then it does not come back', async () => {
  for (let wait = 0; wait < 8; wait += 1) {
    const directory = temporaryDirectory();
    const store = open(directory);
    const facts = Array.from({ length: 120 }, (_, n) => fact(`${n} ${'x'.repeat(300)}`));
    for (const one of facts) await store.put('ann', one);
    // Making anew begins with the last of these.
    const gone = facts.filter((_, n) => n % 10 < 6);
    await Promise.all(gone.map(({ id }) => store.delete('ann', id)));
    for (let n = 0; n < wait; n += 1) await new Promise(setImmediate);
    const late = facts.filter((_, n) => n % 10 >= 6 && n % 2 === 0);
    await Promise.all(late.map(({ id }) => store.delete('ann', id)));
    const left = facts.filter((one) => !gone.includes(one) && !late.includes(one));
    expect(all(store, 'ann')).toEqual(left);
    expect(await afterCrash(directory, ['ann'])).toEqual([left]);
    await store.close();
    expect(await afterCrash(directory, ['ann'])).toEqual([left]);
  }
});

test('a store of facts › when an id is none of a fact’s › then there is none', async () => {
  const store = open(temporaryDirectory());
  const one = fact('a');
  await store.put('ann', one);
  for (const id of ['', 'x', one.id.toUpperCase(), `${one.id} `, one.id.replaceAll('-', '')]) {
    expect(store.get('ann', id)).toBeUndefined();
    await store.delete('ann', id);
  }
  expect(store.get('bob', one.id)).toBeUndefined();
  expect(store.get('ann', one.id)).toEqual(one);
  await store.close();
});
