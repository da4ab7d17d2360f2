import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { openTurnJournal, type TurnJournalOptions } from '../../turn-journal/open.ts';
import { modeOf, temporaryDirectory } from '../daemon/temporary.ts';
import { LossyFiles } from './lossy-files.ts';
import { copyOf, ModelBroker } from './stage.ts';

test('a turn journal › when it is opened again › then every turn is as it was: facts, notes, text, terminal, numbers', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory });
  const a = broker.open({ id: 'turn-a', tokenHash: 'x', window: 60_000 });
  const b = broker.open({ id: 'turn-b' });
  const gone = broker.open({ id: 'turn-gone' });
  for (const delta of ['Sugar ', 'is', ' swéet', '🍬', '\ud83c', '\udf6d', '', '\u0000', 'x'.repeat(20_000)])
    broker.token(a, delta);
  broker.frame(a, '{"kind":"tool"}', undefined);
  broker.frame(b, '{"kind":"token","delta":"half \ud800"}', 'half \ud800');
  broker.skip(b);
  broker.token(b, 'after');
  broker.note(b, 'cancel', { reason: 'host_cancelled', grace_ends_at: 5 });
  broker.note(b, 'approval/é\ud800', ['x']);
  broker.note(a, 'host', { claim: 'one' });
  broker.note(a, 'host', undefined);
  broker.frame(b, '{"kind":"done"}', undefined, true, 17);
  broker.end(b, 'done', 1_234);
  broker.token(gone, 'never again');
  broker.forget(gone);
  await broker.settled();
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  const again = await ModelBroker.start({ directory: copy });
  expect(again.told).toEqual(broker.told);
  expect(again.turns.size).toBe(2);
  for (const name of readdirSync(copy)) expect(modeOf(join(copy, name))).toBe(0o600);
  await again.journal.close();
  // Whoever closes it a second time waits for the first.
  await Promise.all([broker.journal.close(), broker.journal.close()]);
});

test('a turn journal › when somebody waits for a position › then he is called in order: at level process at once, at disk once it is synced, and not at all when he has taken it back', async () => {
  const heard: string[] = [];
  const broker = await ModelBroker.start({ directory: temporaryDirectory() });
  const { journal } = broker;
  const turn = broker.open('a');
  const before = journal.settled;
  journal.whenSettled(journal.position, () => heard.push('first'));
  expect(heard).toEqual(['first']);
  expect(journal.settled).toBe(before + 1);
  // What is settled is so for whoever asks.
  journal.whenSettled(journal.position, () => heard.push('again'));
  broker.token(turn, 'x');
  expect(journal.position).toBe(journal.settled + 1);
  journal.whenSettled(journal.position - 1, () => heard.push('older'));
  expect(heard).toEqual(['first', 'again', 'older']);
  await journal.close();

  const files = new LossyFiles();
  const synced = await ModelBroker.start({ directory: temporaryDirectory(), level: 'disk' }, { files });
  const late: string[] = [];
  const other = synced.open('b');
  const wait = (name: string) => synced.journal.whenSettled(synced.journal.position, () => late.push(name));
  wait('first');
  wait('taken back')();
  synced.token(other, 'x');
  wait('second');
  expect(late).toEqual([]);
  await synced.settled();
  expect(late).toEqual(['first', 'second']);
  expect(synced.journal.settled).toBe(synced.journal.position);
  await synced.journal.close();
});

test('a turn journal › when one turn of the loop says much, or one event is very long › then it is written in blocks, and all of it comes back', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory });
  const turn = broker.open('a');
  for (let n = 0; n < 3_000; n += 1) broker.token(turn, `${n} ${'y'.repeat(300)}`);
  expect(broker.journal.stats.writes).toBeGreaterThan(2);
  broker.frame(turn, `{"picture":"${'z'.repeat(3_000_000)}"}`, undefined);
  broker.frame(turn, `"${'\ud800'.repeat(40_000)}"`, '\udc00'.repeat(50_000));
  await broker.settled();
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  const again = await ModelBroker.start({ directory: copy });
  expect(again.turns.get(turn)?.seq).toBe(3_002);
  expect(again.turns.get(turn)?.events.at(-1)).toEqual(broker.turns.get(turn)?.events.at(-1));
  expect(again.turns.get(turn)?.events.at(-2)).toEqual(broker.turns.get(turn)?.events.at(-2));
  expect(again.turns.get(turn)?.text === broker.turns.get(turn)?.text).toBe(true);
  await again.journal.close();
  await broker.journal.close();
});

test.each([
  [{ directory: '' }, 'openTurnJournal: directory is a path'],
  [{ directory: 'x', level: 'sometimes' }, 'openTurnJournal: level is process or disk'],
  [{ directory: 'x', maxBytes: 0 }, 'openTurnJournal: maxBytes is a number of bytes'],
  [{ directory: 'x', max_bytes: 1 }, 'openTurnJournal: there is no option max_bytes; did you mean maxBytes?'],
])('a turn journal › when it is opened with %j › then that is refused by name', async (options, message) => {
  await expect(openTurnJournal(options as TurnJournalOptions)).rejects.toThrow(message);
});
