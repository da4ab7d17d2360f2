import { cpSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, expect, test, vi } from 'vitest';
import { Journal } from '../../journal/journal.ts';
import { Segment } from '../../journal/segment.ts';
import { modeOf, temporaryDirectory } from '../daemon/temporary.ts';

/* Records that are there for good, or not at all. */

afterEach(() => vi.restoreAllMocks());

/** What a directory has, as it would be found after a crash now. */
async function found(directory: string): Promise<string[]> {
  const copy = temporaryDirectory();
  cpSync(directory, copy, { recursive: true });
  const { journal, told } = open(copy);
  await journal.close();
  return told;
}

function open(directory: string, segmentBytes?: number) {
  const told: string[] = [];
  const journal = new Journal(
    directory,
    (record) => void told.push(record.toString()),
    segmentBytes === undefined ? {} : { segmentBytes },
  );
  const add = (text: string) => journal.append(Buffer.from(text), () => {});
  return { journal, told, add };
}

const some = (name: string, count: number) => Array.from({ length: count }, (_, n) => `${name} ${n}`);

test('a journal › when records are added › then they are on disk when that resolves, in order, in private files, and can be read', async () => {
  const directory = temporaryDirectory();
  const { journal } = open(directory, 200);
  const places = new Map<string, number>();
  for (const text of some('record', 40)) {
    const added = journal.append(Buffer.from(text), (place) => void places.set(text, place));
    if (text.endsWith('3')) await added;
  }
  await journal.append(Buffer.from('last'), () => {});
  expect(await found(directory)).toEqual([...some('record', 40), 'last']);
  for (const [text, place] of places) expect(journal.read(place, text.length).toString()).toBe(text);
  const files = readdirSync(directory);
  expect(files.length).toBeGreaterThan(2);
  for (const file of files) expect(modeOf(join(directory, file))).toBe(0o600);
  await journal.close();
});

test('a journal › when something is added at once › then all that was added before is on disk with it, in order, however far it is', async () => {
  for (let steps = 0; steps < 12; steps += 1) {
    const directory = temporaryDirectory();
    const { journal, add } = open(directory);
    await add('first');
    const adding = some('early', 3).map(add);
    for (let n = 0; n < steps; n += 1) await (n % 3 === 2 ? new Promise(setImmediate) : Promise.resolve());
    adding.push(...some('late', 3).map(add));
    journal.appendNow(Buffer.from('now'));
    const all = ['first', ...some('early', 3), ...some('late', 3), 'now'];
    expect(await found(directory)).toEqual(all);
    await Promise.all(adding);
    await add('after');
    expect(await found(directory)).toEqual([...all, 'after']);
    await journal.close();
  }
});

test.each([true, false])(
  'a journal › when the disk is full, and what was written %s be taken back › then it is not there, and the next is tried as if it had never been',
  async (canCut) => {
    const directory = temporaryDirectory();
    const { journal, add } = open(directory);
    await add('before');
    // Half of it is written, as on a disk that is full.
    const write = Segment.prototype.write;
    const full = vi.spyOn(Segment.prototype, 'write').mockImplementation(async function (this: Segment, bytes) {
      await write.call(this, bytes.subarray(0, bytes.length / 2));
      throw new Error('ENOSPC');
    });
    if (!canCut)
      vi.spyOn(Segment.prototype, 'cut').mockImplementation(() => {
        throw new Error('EIO');
      });
    for (let n = 0; n < 3; n += 1) {
      const adding = [add('lost'), add('lost')];
      await Promise.resolve();
      for (const one of await Promise.allSettled(adding)) expect(one).toMatchObject({ status: 'rejected' });
      expect(await found(directory)).toEqual(['before']);
    }
    full.mockRestore();
    vi.restoreAllMocks();
    journal.appendNow(Buffer.from('now'));
    await add('after');
    expect(await found(directory)).toEqual(['before', 'now', 'after']);
    await journal.close();
  },
);

test('a journal › when a sync fails › then what was added is refused, and nothing more is added to that file', async () => {
  const directory = temporaryDirectory();
  const { journal, add } = open(directory);
  await add('before');
  vi.spyOn(Segment.prototype, 'sync').mockRejectedValueOnce(new Error('EIO'));
  await expect(add('lost')).rejects.toThrow('EIO');
  await add('after');
  expect(await found(directory)).toEqual(['before', 'after']);
  expect(readdirSync(directory)).toEqual(['000001.seg', '000002.seg']);
  await journal.close();
});

test('a journal › when it cannot write what may not wait › then that throws, and what was added before is written in its time', async () => {
  const directory = temporaryDirectory();
  const { journal, add } = open(directory);
  const early = add('early');
  vi.spyOn(Segment.prototype, 'writeNow').mockImplementationOnce(() => {
    throw Object.assign(new Error('EIO'), { syscall: 'write' });
  });
  expect(() => journal.appendNow(Buffer.from('now'))).toThrow('EIO');
  await early;
  expect(await found(directory)).toEqual(['early']);
  await journal.close();
});

test('a journal › when text looks like what is between records › then it is text', async () => {
  const directory = temporaryDirectory();
  const { journal, add } = open(directory);
  await add('before');
  await journal.append(readFileSync(join(directory, '000001.seg')), () => {});
  await add('after');
  await journal.close();
  const file = join(directory, '000001.seg');
  const bytes = readFileSync(file);
  // A crash has cut the last record: what lies before it, and looks like a block, is no sign of damage.
  writeFileSync(file, bytes.subarray(0, bytes.length - 1));
  expect((await found(directory)).length).toBe(2);
});
