import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import type { JournalFiles } from '../../turn-journal/files.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { heapInUse } from '../support/gc.ts';
import { LossyFiles } from './lossy-files.ts';
import { copyOf, ModelBroker } from './stage.ts';

const MIB = 1024 * 1024;

/** A disk with room for so many bytes, and a way to have all of it again: a file system of its own, where we may mount one. */
function smallDisk(bytes: number): { directory: string; files?: JournalFiles; makeRoom(): void } {
  const mount = mkdtempSync(join(tmpdir(), 'sb-'));
  try {
    execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${4 * bytes}`, 'tmpfs', mount], { stdio: 'pipe' });
  } catch {
    rmdirSync(mount);
    const files = new LossyFiles();
    files.left = bytes;
    return { directory: temporaryDirectory(), files, makeRoom: () => (files.left = Number.POSITIVE_INFINITY) };
  }
  onTestFinished(() => {
    execFileSync('umount', ['-l', mount]);
    rmdirSync(mount);
  });
  const ballast = join(mount, 'ballast');
  writeFileSync(ballast, Buffer.alloc(3 * bytes, 1));
  return { directory: join(mount, 'journal'), makeRoom: () => rmSync(ballast) };
}

const tick = () => new Promise(setImmediate);

test('a turn journal › when the disk is full › then nothing is acknowledged and all goes on; when there is room again › then all that happened meanwhile is kept', async () => {
  const { directory, files, makeRoom } = smallDisk(MIB);
  const broker = await ModelBroker.start({ directory }, { retryMs: 20, ...(files && { files }) });
  const { journal, states } = broker;
  const [before, during] = [broker.open('before'), broker.open('ended meanwhile')];
  await broker.settled();
  let acknowledged = 0;
  let said = 0;
  while (journal.state === 'ok') {
    said += 1;
    const number = said;
    broker.token(before, `${number} ${'x'.repeat(4_000)}`);
    journal.whenSettled(journal.position, () => (acknowledged = number));
    await tick();
    expect(said).toBeLessThan(1_000);
  }
  await tick();
  expect(states).toEqual([['degraded', expect.stringMatching(/cannot be written: ENOSPC/)]]);
  expect(acknowledged).toBeLessThan(said);
  // It goes on, and a crash now finds all that was acknowledged.
  const late: string[] = [];
  broker.token(during, 'late');
  broker.note(before, 'claim', 'x');
  broker.frame(during, '{"kind":"done"}', undefined, true);
  broker.end(during, 'done', 7);
  const opened = broker.open('opened meanwhile');
  broker.token(opened, 'first');
  journal.whenSettled(journal.position, () => late.push('settled'));
  const { failures } = journal.stats;
  await expect.poll(() => journal.stats.failures).toBeGreaterThan(failures + 2);
  expect(journal.state).toBe('degraded');
  expect(late).toEqual([]);
  const crashed = temporaryDirectory();
  copyOf(directory, crashed);
  const found = await ModelBroker.start({ directory: crashed });
  expect(found.turns.get(before)?.seq).toBeGreaterThanOrEqual(acknowledged);
  expect(found.turns.has(opened)).toBe(false);
  await found.journal.close();

  makeRoom();
  await expect.poll(() => journal.state).toBe('ok');
  expect(states.at(-1)).toEqual(['ok', undefined]);
  expect(late).toEqual(['settled']);
  expect(acknowledged).toBe(said);
  broker.token(opened, 'second');
  await broker.settled();
  const kept = temporaryDirectory();
  copyOf(directory, kept);
  const again = await ModelBroker.start({ directory: kept });
  expect(again.told).toEqual(broker.told);
  await again.journal.close();
  await broker.journal.close();
});

test('a turn journal › when it is opened on a full disk › then it is degraded, and ok as soon as there is room', async () => {
  const directory = temporaryDirectory();
  const first = await ModelBroker.start({ directory });
  const turn = first.open('a');
  first.token(turn, 'kept');
  await first.journal.close();
  const files = new LossyFiles();
  files.left = 0;
  const broker = await ModelBroker.start({ directory }, { files, retryMs: 5 });
  expect(broker.journal.state).toBe('degraded');
  expect(broker.turns.get(turn)?.text).toBe('kept');
  await expect.poll(() => broker.states[0]?.[0]).toBe('degraded');
  broker.token(turn, ' and more');
  const settled = broker.settled();
  files.left = Number.POSITIVE_INFINITY;
  await settled;
  expect(broker.journal.state).toBe('ok');
  const kept = temporaryDirectory();
  copyOf(directory, kept);
  const again = await ModelBroker.start({ directory: kept });
  expect(again.turns.get(turn)?.text).toBe('kept and more');
  await again.journal.close();
  await broker.journal.close();
});

test('a turn journal › while nothing can be written › then whoever waits no longer leaves nothing behind', async () => {
  const files = new LossyFiles();
  files.left = 0;
  const { journal } = await ModelBroker.start({ directory: temporaryDirectory() }, { files, retryMs: 60_000 });
  const askInVain = (times: number) => {
    for (let n = 0; n < times; n += 1) journal.whenSettled(journal.position + 1, () => {})();
  };
  askInVain(1_000);
  const before = await heapInUse();
  askInVain(300_000);
  expect(((await heapInUse()) - before) / MIB).toBeLessThan(4);
  await journal.close();
});

test('a turn journal › when a sync fails › then that file is never synced or written again, and nothing is acknowledged before all that is live is on disk in another', async () => {
  const directory = temporaryDirectory();
  const files = new LossyFiles();
  const broker = await ModelBroker.start({ directory, level: 'disk' }, { files, retryMs: 5 });
  const turn = broker.open('a');
  broker.token(turn, 'one ');
  await broker.settled();
  files.failingSyncs = 1;
  broker.token(turn, 'two ');
  const settled = broker.settled();
  await expect.poll(() => files.failed).toHaveLength(1);
  const [failed = ''] = files.failed;
  const touched = files.touched.get(failed);
  await settled;
  expect(broker.states.map(([state]) => state)).toEqual(['degraded', 'ok']);
  expect(files.touched.get(failed)).toBe(touched);
  broker.token(turn, 'three');
  await broker.settled();
  // What the file that failed has, or has not, does not matter any more.
  for (let seed = 0; seed < 20; seed += 1) {
    const left = temporaryDirectory();
    let state = seed * 7_919;
    files.cutPower(left, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state / 2 ** 32;
    });
    const again = await ModelBroker.start({ directory: left, level: 'disk' });
    expect(again.turns.get(turn)?.text).toBe('one two three');
    await again.journal.close();
  }
  await broker.journal.close();
});
