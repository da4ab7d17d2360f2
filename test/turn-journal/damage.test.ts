import { copyFileSync, mkdirSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { SEGMENT_HEADER } from '../../journal/blocks.ts';
import { systemFiles } from '../../turn-journal/files.ts';
import { headerAt } from '../../turn-journal/format.ts';
import { TurnJournalDamaged } from '../../turn-journal/read-journal.ts';
import { reportJournal } from '../../turn-journal/report.ts';
import { temporaryDirectory } from '../daemon/temporary.ts';
import { copyOf, ModelBroker } from './stage.ts';

/** A file of a journal, where in it each block begins, and what was known when each was written. */
interface Written {
  directory: string;
  name: string;
  bytes: Buffer;
  blocks: { at: number; size: number; told: string }[];
}

/** How long the block is that begins there. */
const sizeAt = (bytes: Buffer, at: number): number => headerAt(bytes, at, bytes.readUInt32LE(8))?.size ?? Number.NaN;

/** A broker's journal of two turns, so many blocks long, all of it on disk but the last block. */
async function written(count: number): Promise<Written> {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory, level: 'disk' });
  const told: string[] = [];
  let turn = 0;
  for (let block = 0; block < count; block += 1) {
    if (block % 4 === 0) turn = broker.open({ id: block });
    broker.token(turn, `delta ${block} é`);
    told.push(JSON.stringify(broker.told));
    await broker.settled();
  }
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  await broker.journal.close();
  const [name = ''] = readdirSync(copy);
  const bytes = readFileSync(join(copy, name));
  const blocks: Written['blocks'] = [];
  for (let at = SEGMENT_HEADER; at < bytes.length; ) {
    const size = sizeAt(bytes, at);
    blocks.push({ at, size, told: told[blocks.length] as string });
    at += size;
  }
  expect(blocks).toHaveLength(count);
  return { directory: copy, name, bytes, blocks };
}

/** Nobody cuts the power in here: hundreds of journals are opened, and a sync takes longer than all else. */
const UNSYNCED = { ...systemFiles, sync: async () => {}, syncDirectory: async () => {} };

/** What is found in such a file; it is left as it was. */
async function found(written: Written, bytes: Buffer): Promise<string> {
  const directory = temporaryDirectory();
  writeFileSync(join(directory, written.name), bytes);
  const broker = await ModelBroker.start({ directory }, { files: UNSYNCED });
  const told = JSON.stringify(broker.told);
  await broker.journal.close();
  return told;
}

const changed = (bytes: Buffer, at: number): Buffer => {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] as number) ^ 0x10;
  return copy;
};

test('a turn journal › when a crash has cut it short at any byte of its last blocks › then what is whole is there, and nothing else', async () => {
  const journal = await written(6);
  const { bytes, blocks } = journal;
  for (let length = blocks[3]?.at as number; length <= bytes.length; length += 1) {
    const whole = blocks.filter(({ at, size }) => at + size <= length);
    expect(await found(journal, bytes.subarray(0, length)), `cut at ${length}`).toBe(whole.at(-1)?.told);
  }
});

test('a turn journal › when a byte of its last block is not as it was written › then that block is not there, as if a crash had cut it', async () => {
  const journal = await written(5);
  const { bytes, blocks } = journal;
  const last = blocks.at(-1) as { at: number };
  for (let at = last.at; at < bytes.length; at += 1)
    expect(await found(journal, changed(bytes, at)), `byte ${at}`).toBe(blocks.at(-2)?.told);
});

test('a turn journal › when a byte in the middle is damaged › then it is refused, with the file and where its block begins', async () => {
  const journal = await written(6);
  const { bytes, blocks, name } = journal;
  const { at, size } = blocks[2] as { at: number; size: number };
  for (let byte = at; byte < at + size; byte += 3) {
    const directory = temporaryDirectory();
    const file = join(directory, name);
    writeFileSync(file, changed(bytes, byte));
    const refused = await ModelBroker.start({ directory }).catch((error: unknown) => error);
    expect(refused, `byte ${byte}`).toBeInstanceOf(TurnJournalDamaged);
    expect(refused).toMatchObject({ file, offset: at, message: expect.stringContaining(`${file} is damaged`) });
    // Nothing was changed: it can be looked at, and put right.
    expect(readFileSync(file).equals(changed(bytes, byte))).toBe(true);
    expect((await reportJournal(directory)).damaged).toEqual([{ file, offset: at }]);
  }
});

test('a turn journal › when what is damaged is passed over › then other turns are whole, that one ends where the damage begins, and the next start finds all in order', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory, level: 'disk' });
  const [a, b] = [broker.open('a'), broker.open('b')];
  const say = async (turn: number, delta: string) => {
    broker.token(turn, delta);
    await broker.settled();
  };
  for (const delta of ['1', '2', '3', '4']) {
    await say(a, delta);
    await say(b, delta);
  }
  const [name = ''] = readdirSync(directory);
  const file = join(directory, name);
  const bytes = readFileSync(file);
  // The block of a's third event.
  let at = SEGMENT_HEADER;
  for (let block = 0; block < 4; block += 1) at += sizeAt(bytes, at);
  const copy = temporaryDirectory();
  writeFileSync(join(copy, name), changed(bytes, at + 30));
  await broker.journal.close();

  const repaired = await ModelBroker.start({ directory: copy, repair: true });
  expect(repaired.journal.damaged).toEqual([{ file: join(copy, name), offset: at }]);
  expect(repaired.turns.get(a)?.text).toBe('12');
  expect(repaired.turns.get(b)?.text).toBe('1234');
  repaired.token(a, 'on');
  await repaired.settled();
  // All that is live is copied on; then the file is put aside.
  await expect.poll(() => readdirSync(copy).filter((each) => each.endsWith('.damaged'))).toEqual([`${name}.damaged`]);
  const told = JSON.stringify(repaired.told);
  await repaired.journal.close();
  const again = await ModelBroker.start({ directory: copy });
  expect(JSON.stringify(again.told)).toBe(told);
  expect(again.turns.get(a)?.text).toBe('12on');
  await again.journal.close();
});

test('a turn journal › when a segment in the middle is gone, cut, or not one › then it is refused by the name of what cannot be read', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory, level: 'disk' }, { segmentBytes: 4_096 });
  const turn = broker.open('a');
  for (let n = 0; n < 60; n += 1) {
    broker.token(turn, 'x'.repeat(300));
    await broker.settled();
  }
  const all = temporaryDirectory();
  copyOf(directory, all);
  await broker.journal.close();
  const names = (await reportJournal(all)).files.map(({ path }) => path.slice(all.length + 1));
  expect(names.length).toBeGreaterThan(3);
  const [first = '', second = '', third = ''] = names;
  const refused = async (spoil: (path: (name: string) => string) => void) => {
    const copy = temporaryDirectory();
    mkdirSync(copy, { recursive: true });
    for (const name of readdirSync(all)) copyFileSync(join(all, name), join(copy, name));
    spoil((name) => join(copy, name));
    const error = await ModelBroker.start({ directory: copy }).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(TurnJournalDamaged);
    const { file, offset } = error as TurnJournalDamaged;
    return [file.slice(copy.length + 1), offset];
  };
  // What is missing follows the first.
  expect((await refused((path) => rmSync(path(second))))[0]).toBe(first);
  expect(await refused((path) => truncateSync(path(second), 20))).toEqual([second, SEGMENT_HEADER]);
  expect(await refused((path) => writeFileSync(path(third), 'no segment'))).toEqual([third, 0]);
  const bytes = readFileSync(join(all, first));
  const end = SEGMENT_HEADER + sizeAt(bytes, SEGMENT_HEADER);
  expect(await refused((path) => truncateSync(path(first), end + 5))).toEqual([first, end]);
  expect(await refused((path) => writeFileSync(path(first), changed(bytes, SEGMENT_HEADER + 30)))).toEqual([
    first,
    SEGMENT_HEADER,
  ]);
});

test('a turn journal › when files lie there that were never finished › then they go, and what is nobody’s stays', async () => {
  const { directory, name, blocks } = await written(3);
  const unfinished = name.replace(/-\d+\.seg$/, '-000077.new');
  const unused = name.replace(/-\d+\.seg$/, '-000078.free');
  for (const each of [unfinished, unused, 'note.txt']) writeFileSync(join(directory, each), 'x'.repeat(100));
  const broker = await ModelBroker.start({ directory });
  expect(JSON.stringify(broker.told)).toBe(blocks.at(-1)?.told);
  const left = readdirSync(directory);
  expect(left).toContain('note.txt');
  expect(left).not.toContain(unfinished);
  expect(left).not.toContain(unused);
  await broker.journal.close();
});

test('a turn journal › whose last block is torn, and holds text that was made to look like thousands of long blocks › then each byte is read a few times at most', async () => {
  const directory = temporaryDirectory();
  const broker = await ModelBroker.start({ directory });
  const turn = broker.open('a');
  broker.token(turn, 'whole');
  await broker.settled();
  const [name = ''] = readdirSync(directory);
  const { length } = readFileSync(join(directory, name));
  // Half of a surrogate pair has the rest kept as UTF-16: whoever sends it chooses the bytes.
  const header = Buffer.alloc(24);
  header.writeUInt32LE(0x9cb70aff);
  header.writeUInt32LE(100_000, 4);
  header.writeUIntLE(2 ** 40, 12, 6);
  broker.token(turn, `\ud83d${header.toString('utf16le').repeat(9_000)}`);
  await broker.settled();
  const copy = temporaryDirectory();
  copyOf(directory, copy);
  await broker.journal.close();
  const size = readFileSync(join(copy, name)).length;
  expect(size).toBeGreaterThan(length + 200_000);
  truncateSync(join(copy, name), size - 1);
  let read = 0;
  const files = {
    ...systemFiles,
    async read(file: number, bytes: Buffer, at: number): Promise<number> {
      const got = await systemFiles.read(file, bytes, at);
      read += got;
      return got;
    },
  };
  const again = await ModelBroker.start({ directory: copy }, { files });
  expect(again.turns.get(turn)?.text).toBe('whole');
  expect(read).toBeLessThan(10 * size);
  await again.journal.close();
});
