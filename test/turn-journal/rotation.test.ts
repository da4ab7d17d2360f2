import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type JournalFiles, systemFiles } from '../../turn-journal/files.ts';
import { reportJournal } from '../../turn-journal/report.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { copyOf, ModelBroker } from './stage.ts';

const KIB = 1024;

const bytesOf = (directory: string) =>
  readdirSync(directory).reduce((sum, name) => sum + statSync(join(directory, name)).size, 0);

/** Files of which one knows how often they were asked for what, and when nothing is under way. */
function watched(real: JournalFiles) {
  const counts = new Map<string, number>();
  let underway = 0;
  const files = new Proxy(real, {
    get(target, name: keyof JournalFiles) {
      const method = target[name] as (...args: unknown[]) => unknown;
      return (...args: unknown[]) => {
        counts.set(name, (counts.get(name) ?? 0) + 1);
        const done = method.apply(target, args);
        if (!(done instanceof Promise)) return done;
        underway += 1;
        return done.finally(() => {
          underway -= 1;
        });
      };
    },
  });
  const idle = async () => {
    do await new Promise(setImmediate);
    while (underway > 0);
  };
  return { files, idle, calls: (name: keyof JournalFiles) => counts.get(name) ?? 0 };
}

/** Says so many bytes in short turns that end, and are forgotten. */
async function chatter(broker: ModelBroker, bytes: number, each?: () => void | Promise<void>): Promise<void> {
  for (let said = 0; said < bytes; ) {
    const turn = broker.open({ id: said });
    for (let n = 0; n < 8; n += 1) broker.token(turn, 'y'.repeat(500));
    said += 8 * 500;
    broker.end(turn, 'done', said);
    broker.forget(turn);
    await new Promise(setImmediate);
    await each?.();
    // No faster than a disk: segments of this size are full in no time.
    if (said % (32 * 1_000) === 0) await broker.settled();
  }
}

test('a turn journal › when turns come and go for long › then it is no longer than it may be, and what lives on is copied on', async () => {
  const directory = temporaryDirectory();
  const [segmentBytes, maxBytes] = [64 * KIB, 256 * KIB];
  const broker = await ModelBroker.start({ directory, level: 'disk', maxBytes }, { segmentBytes });
  const lasting = broker.open('lasting');
  broker.token(lasting, 'first ');
  broker.note(lasting, 'claim', 'x');
  const ended = broker.open('ended');
  broker.frame(ended, 'terminal', undefined, true);
  broker.end(ended, 'done', 5);
  let most = 0;
  await chatter(broker, 1_600_000, () => {
    broker.token(lasting, 'z');
    most = Math.max(most, broker.journal.stats.bytes);
  });
  await broker.settled();
  const live = JSON.stringify(broker.told).length;
  // One that is made ahead, one that is copied into, and one to spare.
  expect(most).toBeLessThan(maxBytes + 3 * segmentBytes + 2 * live);
  expect(broker.journal.stats.snapshots).toBeGreaterThan(4);
  expect(broker.journal.stats.turns).toBe(2);
  await expect.poll(() => bytesOf(directory)).toBeLessThan(maxBytes + 3 * segmentBytes + 2 * live);
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  const again = await ModelBroker.start({ directory: copy, maxBytes }, { segmentBytes });
  expect(again.told).toEqual(broker.told);
  await again.journal.close();
  await broker.journal.close();
});

test('a turn journal › when nobody needs a segment any more › then its file is used again, and what stood in it cannot be read', async () => {
  const directory = temporaryDirectory();
  const segmentBytes = 64 * KIB;
  const { files, idle, calls } = watched(systemFiles);
  const broker = await ModelBroker.start({ directory }, { segmentBytes, files });
  // The disk is done before more is said: else one is made before another is free.
  await chatter(broker, 3_000 * KIB, idle);
  await broker.settled();
  expect(broker.journal.stats.written).toBeGreaterThan(40 * segmentBytes);
  const made = calls('create');
  expect(made).toBeLessThan(5);
  await broker.journal.close();
  const { turns, damaged, torn } = await reportJournal(directory);
  expect({ turns, damaged, torn }).toEqual({ turns: [], damaged: [], torn: undefined });
});

test('a turn journal › when files are used again while somebody reads it › then nothing of it is called damaged', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory, level: 'disk' }, { segmentBytes: 64 * KIB });
  const lasting = broker.open('lasting');
  await chatter(broker, 200 * KIB);
  let isFirst = true;
  const read: typeof systemFiles.read = async (file, bytes, at) => {
    // All are open, and none is read but for how it begins.
    if (isFirst && bytes.length > KIB) {
      isFirst = false;
      broker.forget(lasting);
      await chatter(broker, 1_000 * KIB);
      broker.open('later');
      await broker.settled();
    }
    return systemFiles.read(file, bytes, at);
  };
  const { damaged, turns } = await reportJournal(directory, { ...systemFiles, read });
  expect(damaged).toEqual([]);
  expect(turns.map(({ facts }) => facts)).toEqual(['later']);
  await broker.journal.close();
});

test('a turn journal › when a long log is copied on › then no turn of the event loop writes more than a slice of it, and what is said meanwhile follows it', async () => {
  const directory = temporaryDirectory();
  let longest = 0;
  const writeNow = (file: number, bytes: Buffer, at: number) => {
    longest = Math.max(longest, bytes.length);
    return systemFiles.writeNow(file, bytes, at);
  };
  const files = { ...systemFiles, writeNow };
  const segmentBytes = 1_024 * KIB;
  const broker = await ModelBroker.start({ directory, maxBytes: 2 * segmentBytes }, { segmentBytes, files });
  const { journal } = broker;
  const long = broker.open('long');
  const say = async (count: number) => {
    for (let n = 0; n < count; n += 1) {
      for (let k = 0; k < 16; k += 1) broker.token(long, `${n} ${'w'.repeat(90)}`);
      await new Promise(setImmediate);
    }
  };
  await say(3_000);
  // What was dropped of it, in one part, with half a character where a part of it ends.
  broker.turns.get(long)?.drop(30_000);
  await say(1_500);
  expect(journal.stats.snapshots).toBeGreaterThan(0);
  expect(longest).toBeLessThan(400 * KIB);
  await broker.settled();
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  const again = await ModelBroker.start({ directory: copy });
  expect(again.turns.get(long)?.told).toEqual(broker.turns.get(long)?.told);
  await again.journal.close();
  await journal.close();
});

test('a turn journal › when what a log has dropped was too long to keep › then its text is lost after a restart, too, and what comes after it is there', async () => {
  const directory = temporaryDirectory();
  const segmentBytes = 16 * KIB;
  const broker = await ModelBroker.start({ directory, maxBytes: segmentBytes }, { segmentBytes });
  const turn = broker.open('a');
  broker.token(turn, 'lost');
  const model = broker.turns.get(turn);
  model?.drop(1);
  if (model) model.dropped = undefined;
  for (let n = 0; n < 3; n += 1) broker.token(turn, `kept ${n}`);
  const { snapshots } = broker.journal.stats;
  await chatter(broker, 200 * KIB);
  await expect.poll(() => broker.journal.stats.snapshots).toBeGreaterThan(snapshots);
  await broker.settled();
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  const again = await ModelBroker.start({ directory: copy });
  const found = again.turns.get(turn);
  expect(found?.told).toEqual(model?.told);
  expect(found).toMatchObject({ text: undefined, firstSeq: 2, seq: 4, textLength: 22 });
  await again.journal.close();
  await broker.journal.close();
});

test('a turn journal › when what lives on is copied on › then no file goes before the copy is on disk', async () => {
  const directory = temporaryDirectory();
  let held: (() => void)[] | undefined;
  const sync: typeof systemFiles.sync = async (file) => {
    if (held) await new Promise<void>((resolve) => held?.push(resolve));
    await systemFiles.sync(file);
  };
  const segmentBytes = 16 * KIB;
  const files = { ...systemFiles, sync };
  const broker = await ModelBroker.start({ directory, maxBytes: 256 * KIB }, { segmentBytes, files });
  const lasting = broker.open('lasting');
  broker.token(lasting, 'first');
  await broker.settled();
  const first = (await reportJournal(directory)).turns[0]?.since.path as string;
  // Enough for another segment, made while syncs are as ever.
  await expect
    .poll(async () => {
      await chatter(broker, 4_000);
      return broker.journal.stats.segments;
    })
    .toBeGreaterThan(2);
  const { snapshots } = broker.journal.stats;
  held = [];
  expect(existsSync(first)).toBe(true);
  await chatter(broker, 300_000);
  await expect.poll(() => broker.journal.stats.snapshots).toBeGreaterThan(snapshots);
  for (let turn = 0; turn < 50; turn += 1) await new Promise((resolve) => setTimeout(resolve, 1));
  expect(existsSync(first)).toBe(true);
  const resolves = held;
  held = undefined;
  for (const resolve of resolves) resolve();
  await expect.poll(() => existsSync(first)).toBe(false);
  await broker.journal.close();
});

test('a turn journal › when it is closed while nobody needs most of its files › then it leaves the directory alone from then on', async () => {
  const directory = temporaryDirectory();
  const first = await ModelBroker.start({ directory }, { segmentBytes: 16 * KIB });
  const lasting = first.open('lasting');
  for (let n = 0; n < 20; n += 1) {
    first.token(lasting, 'y'.repeat(8 * KIB));
    await first.settled();
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
  await first.journal.close();
  expect(readdirSync(directory).length).toBeGreaterThan(2);
  let [isClosing, isClosed] = [false, false];
  const late: string[] = [];
  const pause = () => new Promise((resolve) => setTimeout(resolve, 5));
  const files = {
    ...systemFiles,
    async remove(path: string) {
      if (isClosed) late.push(path);
      await pause();
      await systemFiles.remove(path);
    },
    async close(file: number) {
      // The last of its turns is forgotten in the middle: with it, all files of before are needed by nobody.
      if (isClosing) broker.forget(lasting);
      if (isClosing) await pause();
      await systemFiles.close(file);
    },
  };
  const broker = await ModelBroker.start({ directory }, { files });
  isClosing = true;
  await broker.journal.close();
  isClosed = true;
  await new Promise((resolve) => setTimeout(resolve, 100));
  expect(late).toEqual([]);
});
