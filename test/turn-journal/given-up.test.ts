import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { SEGMENT_HEADER } from '../../journal/blocks.ts';
import type { DurableLevel } from '../../protocol/turn-journal.ts';
import { systemFiles } from '../../turn-journal/files.ts';
import { TurnJournalDamaged } from '../../turn-journal/read-journal.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { LossyFiles } from './lossy-files.ts';
import { copyOf, ModelBroker } from './stage.ts';

/*
 * A sync of a file fails. Some of what was written to it may never be on disk, though the system reads it as if it were; the file is
 * given up. What a power cut leaves then must still be found, and none of it taken for damage.
 */

const SEGMENT_BYTES = 2 * 1024;
/** What is read after the last power cut need not outlive another. */
const UNSYNCED = { ...systemFiles, sync: async () => {}, syncDirectory: async () => {} };

/** A broker whose one turn stands in two files, and what that was like each time that something was said. */
class Scene {
  readonly files = new LossyFiles();
  readonly directory = temporaryDirectory();
  readonly states: string[] = [];
  broker!: ModelBroker;
  turn = 0;
  acked = 0;

  static async start(level: DurableLevel): Promise<Scene> {
    const scene = new Scene();
    scene.broker = await scene.#open(scene.directory, level, scene.files);
    scene.turn = scene.broker.open('a');
    // The second is written to once the first is full.
    while (segments(scene.directory).length < 2) await scene.goesOn();
    for (let left = 12; left > 0; left -= 1) await scene.goesOn();
    return scene;
  }

  async goesOn(): Promise<void> {
    this.say();
    await this.broker.settled();
    await nextTurn();
  }

  say(): void {
    this.broker.token(this.turn, `${this.states.length} ${'x'.repeat(100)}`);
    this.states.push(this.#told(this.broker));
    const { length } = this.states;
    this.broker.journal.whenSettled(this.broker.journal.position, () => {
      this.acked = Math.max(this.acked, length - 1);
    });
  }

  /** A sync of what was written fails. One that is made ahead may fail first, which does no harm. */
  async failsToSync(): Promise<void> {
    const { files, broker } = this;
    while (broker.journal.stats.failures === 0) {
      const { length } = files.failed;
      files.failingSyncs = 1;
      this.say();
      await nextTurn();
      this.say();
      await expect.poll(() => files.failed.length).toBeGreaterThan(length);
      await nextTurn();
    }
  }

  /** Which of the states is found in such a directory; it was opened, that is. */
  async found(directory: string): Promise<number> {
    const broker = await this.#open(directory, 'process', UNSYNCED);
    await broker.journal.close();
    return this.states.indexOf(this.#told(broker));
  }

  #open(directory: string, level: DurableLevel, files: LossyFiles | typeof UNSYNCED): Promise<ModelBroker> {
    return ModelBroker.start({ directory, level }, { segmentBytes: SEGMENT_BYTES, retryMs: 5, files });
  }

  #told = (broker: ModelBroker): string => JSON.stringify(broker.turns.get(this.turn)?.told);
}

const segments = (directory: string) => readdirSync(directory).filter((name) => name.endsWith('.seg'));

/** A number from 0 to 1 each time, the same ones for the same seed. */
function chances(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

test.each(['process', 'disk'] as const)(
  'a turn journal of level %s › when a sync fails, and at whatever moment after that the power, too › then it is found, and at disk all that was acknowledged',
  async (level) => {
    const scene = await Scene.start(level);
    const { files, broker } = scene;
    const cuts: { directory: string; acked: number }[] = [];
    const root = temporaryDirectory();
    files.moment = () => {
      for (let luck = 0; luck < 4; luck += 1) {
        const directory = join(root, String(cuts.length));
        files.cutPower(directory, chances(cuts.length * 7_919));
        cuts.push({ directory, acked: scene.acked });
      }
    };
    await scene.failsToSync();
    await broker.settled();
    // It goes on, in one file after the other, and those that were given up are gone.
    for (let left = 12; left > 0; left -= 1) await scene.goesOn();
    await expect.poll(() => segments(scene.directory).some((name) => /-00000[12]\./.test(name))).toBe(false);
    files.moment = undefined;
    await broker.journal.close();

    expect(cuts.length).toBeGreaterThan(40);
    for (const [n, { directory, acked }] of cuts.entries()) {
      const left = segments(directory).join(' ');
      const found = await scene.found(directory);
      if (level === 'disk') expect(found, `${n}: ${left}`).toBeGreaterThanOrEqual(acked);
    }
  },
);

test('a turn journal of level disk › when a sync fails, the process is killed, and later the power fails › then all that the next one found is there', async () => {
  const scene = await Scene.start('disk');
  const { files, broker } = scene;
  const root = temporaryDirectory();
  let [failed, acked, directory, after] = [0, 0, '', files];
  files.moment = () => {
    if (files.failed.length === failed || broker.journal.stats.failures > 0) return;
    failed = files.failed.length;
    acked = scene.acked;
    directory = join(root, String(failed));
    copyOf(scene.directory, directory);
    after = files.afterKill(directory);
  };
  await scene.failsToSync();
  files.moment = undefined;
  await broker.journal.close();

  // The system has all that was written, and reads it as if it were on disk.
  const next = await ModelBroker.start({ directory, level: 'disk' }, { files: after });
  const told = scene.states.indexOf(JSON.stringify(next.turns.get(scene.turn)?.told));
  expect(told).toBeGreaterThan(acked);
  for (let luck = 0; luck < 10; luck += 1) {
    const left = join(root, `left ${luck}`);
    after.cutPower(left, chances(luck * 7_919));
    expect(await scene.found(left), `${luck}`).toBe(told);
  }
  await next.journal.close();
});

test('a turn journal › when a file has gone, and its directory cannot be synced › then it is mended all the same, and the next file goes, too', async () => {
  const scene = await Scene.start('disk');
  const { files, broker, directory } = scene;
  const tries: string[] = [];
  files.remove = async (path) => {
    if (path.includes('-000001.')) tries.push(path);
    if (tries.length === 1) files.failingNames = Number.POSITIVE_INFINITY;
    else if (tries.length === 2) files.failingNames = 0;
    await LossyFiles.prototype.remove.call(files, path);
  };
  await scene.failsToSync();
  while (tries.length < 2) await scene.goesOn();
  await expect.poll(() => segments(directory).some((name) => /-00000[12]\./.test(name))).toBe(false);
  await broker.journal.close();
  expect(await scene.found(directory)).toBe(scene.states.length - 1);
});

test('a turn journal › when files were given up › then nothing in them is damage, and damage in those that count is refused as ever', async () => {
  const scene = await Scene.start('disk');
  await scene.failsToSync();
  await scene.broker.settled();
  // They say that what is before them is on disk.
  for (let left = 4; left > 0; left -= 1) await scene.goesOn();
  const copy = temporaryDirectory();
  await expect.poll(() => segments(scene.directory).some((name) => /-00000[12]\./.test(name))).toBe(false);
  copyOf(scene.directory, copy);
  await scene.broker.journal.close();
  const first = segments(copy).find((name) => name.endsWith('.first.seg')) ?? '';
  const givenUp = first.replace(/-\d+\.first/, '-000001');
  const bytes = readFileSync(join(copy, first));

  writeFileSync(join(copy, givenUp), bytes.subarray(0, bytes.length / 2));
  expect(await scene.found(copy)).toBe(scene.states.length - 1);
  expect(segments(copy)).not.toContain(givenUp);
  const spoilt = Buffer.from(bytes);
  spoilt[SEGMENT_HEADER + 30] = (bytes[SEGMENT_HEADER + 30] as number) ^ 0x10;
  writeFileSync(join(copy, first), spoilt);
  writeFileSync(join(copy, givenUp), 'no segment');
  const refused = await scene.found(copy).catch((error: unknown) => error);
  expect(refused).toBeInstanceOf(TurnJournalDamaged);
  expect(refused).toMatchObject({ file: join(copy, first), offset: SEGMENT_HEADER });
});

test('a power cut › when two syncs of a directory overlapped, and the first ended last › then what has gone by the second stays gone', async () => {
  const ends: (() => void)[] = [];
  const files = new LossyFiles(() => new Promise((resolve) => ends.push(resolve)));
  const [directory, root] = [temporaryDirectory(), temporaryDirectory()];
  await files.close(await files.create(join(directory, 'given-up.seg')));
  const first = files.syncDirectory(directory);
  await files.remove(join(directory, 'given-up.seg'));
  const second = files.syncDirectory(directory);
  for (const [end, sync] of [[ends[1], second] as const, [ends[0], first] as const]) {
    end?.();
    await sync;
  }
  for (let luck = 0; luck < 10; luck += 1) {
    files.cutPower(join(root, String(luck)), chances(luck * 7_919));
    expect(readdirSync(join(root, String(luck)))).toEqual([]);
  }
});
