import { writeSync } from 'node:fs';
import { openTurnJournal } from '../../../dist/turn-journal/open.js';

/*
 * Goes on with the turns of a journal, says numbered deltas in each as fast as it can, and tells by lines `turn seq` what was
 * acknowledged. It is killed.
 */

const [directory, level] = process.argv.slice(2);
const journal = await openTurnJournal({ directory, level });
journal.attach({ snapshot: () => undefined, stateChanged() {} });
const turns = journal.recovered.map(({ turn, seq }) => ({ turn, seq }));
await journal.replay(() => ({ begin() {}, dropped() {}, token() {}, frame() {}, end() {} }));
while (turns.length < 10) turns.push({ turn: journal.open({ index: turns.length }), seq: 0 });

function say() {
  for (const each of turns) {
    for (let n = 0; n < 5; n += 1) {
      each.seq += 1;
      journal.token(each.turn, each.seq, each.seq, `${each.turn}:${each.seq} ${'x'.repeat(60)}`);
    }
  }
  const told = turns.map(({ turn, seq }) => `${turn} ${seq}\n`).join('');
  // At once: what stands in a buffer of this process would go with it.
  journal.whenSettled(journal.position, () => writeSync(1, told));
  setImmediate(say);
}
say();
