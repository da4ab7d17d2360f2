import { expect, test } from 'vitest';
import type { RecoveredLog } from '../../protocol/turn-journal.ts';
import { systemFiles } from '../../turn-journal/files.ts';
import { openTurnJournal } from '../../turn-journal/open.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';

/** A short form of what `npm run bench -- --only journal` does with a gibibyte. */
const TURNS = 1_000;
const EVENTS = 120_000;

const deltaOf = (turn: number, seq: number) => `${turn}:${seq} ${'x'.repeat(80)}`;

async function written(directory: string): Promise<void> {
  const journal = await openTurnJournal({ directory });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  await journal.replay(() => undefined);
  const turns = Array.from({ length: TURNS }, (_, index) => ({ turn: journal.open({ index }), seq: 0 }));
  for (let n = 0; n < EVENTS; n += 1) {
    const each = turns[(n * 7) % TURNS] as { turn: number; seq: number };
    each.seq += 1;
    journal.token(each.turn, each.seq, each.seq, deltaOf(each.turn, each.seq));
    if (n % 2_000 === 0) await new Promise(setImmediate);
  }
  // Half of them are over.
  for (const [index, { turn }] of turns.entries()) if (index % 2 === 0) journal.forget(turn);
  await journal.close();
}

test('a turn journal › when it is long › then which turns there are is known at once, and what was said is told in small slices', async () => {
  const directory = temporaryDirectory();
  await written(directory);
  const journal = await openTurnJournal({ directory });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  expect(journal.recovered).toHaveLength(TURNS / 2);
  expect(journal.recovered.every(({ seq, aseq }) => seq === EVENTS / TURNS && aseq === seq)).toBe(true);

  let told = 0;
  let inThisTurn = 0;
  let most = 0;
  let isOver = false;
  const count = () => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (!isOver) setImmediate(count);
  };
  setImmediate(count);
  const wrong: string[] = [];
  await journal.replay(({ turn }): RecoveredLog => {
    let next = 1;
    return {
      begin() {},
      dropped() {},
      frame() {},
      token(seq, delta) {
        told += 1;
        inThisTurn += 1;
        if (seq !== next || delta !== deltaOf(turn, seq)) wrong.push(delta);
        next += 1;
      },
      end() {},
    };
  });
  isOver = true;
  expect(wrong).toEqual([]);
  expect(told).toBe(EVENTS / 2);
  // What fits in a chunk of 256 KiB.
  expect(most).toBeLessThan(2_600);
  await journal.close();
});

test('a turn journal › when logs take their time to be made › then whatever else there is has its turn in between', async () => {
  const directory = temporaryDirectory();
  await written(directory);
  const journal = await openTurnJournal({ directory });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  let inThisTurn = 0;
  let most = 0;
  let isOver = false;
  const count = () => {
    most = Math.max(most, inThisTurn);
    inThisTurn = 0;
    if (!isOver) setImmediate(count);
  };
  count();
  await journal.replay((): undefined => {
    inThisTurn += 1;
    for (const until = performance.now() + 1; performance.now() < until; );
  });
  isOver = true;
  // A millisecond each, five in a slice, and never more in one that takes longer than it should.
  expect(most).toBeGreaterThan(0);
  expect(most).toBeLessThan(7);
  expect(journal.stats.turns).toBe(0);
  await journal.close();
});

test('a turn journal › when turns go on, or are forgotten, while it is still told what was said in them › then both stand', async () => {
  const directory = temporaryDirectory();
  await written(directory);
  const journal = await openTurnJournal({ directory });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  const [goesOn, leaves, refused] = journal.recovered.map(({ turn }) => turn) as [number, number, number];
  const told = new Map<number, number>();
  const ended: number[] = [];
  let isFirst = true;
  await journal.replay(({ turn }) => {
    if (turn === refused) return undefined;
    return {
      begin() {},
      dropped() {},
      frame() {},
      token() {
        told.set(turn, (told.get(turn) ?? 0) + 1);
        if (!isFirst) return;
        isFirst = false;
        const next = EVENTS / TURNS + 1;
        journal.token(goesOn, next, next, 'meanwhile');
        journal.forget(leaves);
      },
      end: () => void ended.push(turn),
    };
  });
  expect(told.get(goesOn)).toBe(EVENTS / TURNS);
  expect(told.get(leaves) ?? 0).toBeLessThan(EVENTS / TURNS);
  expect(told.has(refused)).toBe(false);
  expect(ended).toHaveLength(TURNS / 2 - 2);
  await journal.close();
  const again = await openTurnJournal({ directory });
  const found = new Map(again.recovered.map(({ turn, seq }) => [turn, seq]));
  expect(found.get(goesOn)).toBe(EVENTS / TURNS + 1);
  expect(found.has(leaves)).toBe(false);
  expect(found.has(refused)).toBe(false);
  await again.close();
});

test('a turn journal › when it cannot be read while it is told › then that is said, and no file goes', async () => {
  const directory = temporaryDirectory();
  await written(directory);
  let isBroken = false;
  const read: typeof systemFiles.read = async (file, bytes, at) => {
    if (isBroken) throw Object.assign(new Error('EIO: i/o error, read'), { code: 'EIO' });
    return systemFiles.read(file, bytes, at);
  };
  const journal = await openTurnJournal({ directory }, { files: { ...systemFiles, read } });
  journal.attach({ snapshot: () => undefined, stateChanged() {} });
  isBroken = true;
  const into = () => ({ begin() {}, dropped() {}, token() {}, frame() {}, end() {} });
  await expect(journal.replay(into)).rejects.toThrow('EIO');
  await journal.close();
  const again = await openTurnJournal({ directory });
  expect(again.recovered).toHaveLength(TURNS / 2);
  await again.close();
});
