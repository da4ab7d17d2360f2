import {
  appendFileSync,
  mkdirSync,
  readFileSync,
  renameSync,
  symlinkSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { createAuditKey, parseAuditKey } from '../../audit/key.ts';
import { openAuditTrail } from '../../audit/trail.ts';
import { verifyTrail } from '../../audit/verify.ts';
import type { AuditEntry } from '../../protocol/audit.ts';
import { modeOf } from '../daemon/temporary.ts';
import { auditPlace, recordsOf, whatsOf } from './support.ts';

const entry: AuditEntry = { tenant: 'default', who: 'ann', what: 'turn.open', on: 't1', outcome: 'ok' };

/** Timers go when they are told to; the disk takes its own time. */
function stillTimers() {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval'] });
  onTestFinished(() => void vi.useRealTimers());
}

describe('a record', () => {
  it('says when, who, from where, what, on what, and how it went, in that order', async () => {
    const { open, path } = auditPlace();
    const trail = await open();
    trail.note({ ...entry, conn: 'c1', ip: '::1', trace: 'a'.repeat(32), data: { agent: 'bob', gone: undefined } });
    await trail.close();
    expect(modeOf(path)).toBe(0o600);
    const record = recordsOf(path)[1];
    expect(Object.keys(record)).toEqual([
      'n',
      'at',
      'tenant',
      'who',
      'conn',
      'ip',
      'what',
      'on',
      'outcome',
      'trace',
      'data',
      'prev',
      'mac',
    ]);
    expect(record).toMatchObject({ n: 2, ...entry, conn: 'c1', data: { agent: 'bob' } });
    expect(Math.abs(Date.parse(record.at) - Date.now())).toBeLessThan(60_000);
  });

  it('has an end, whatever it is told', async () => {
    const { open, path, key } = auditPlace();
    const trail = await open();
    const long = '\ud800"'.repeat(10_000);
    trail.note({
      tenant: long.slice(0, 64),
      who: long,
      conn: long,
      ip: long,
      what: long,
      on: long,
      outcome: long,
      trace: long,
    });
    trail.note({ ...entry, data: Object.fromEntries(Array.from({ length: 100 }, (_, n) => [`k${n}`, long])) });
    await trail.close();
    expect((await verifyTrail([path], { key })).fault).toBeUndefined();
    expect(recordsOf(path)[2].data).toEqual({ cut: true });
  });
});

describe('an audit file', () => {
  it('is gone on with by the next run', async () => {
    const { open, path, key } = auditPlace();
    for (let run = 0; run < 3; run += 1) {
      const trail = await open();
      trail.note(entry);
      await trail.close();
    }
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined, records: 12, notes: [] });
  });

  it('that ends in half a line › loses that half, and the next record says so', async () => {
    const { open, path, key } = auditPlace();
    await (await open()).close();
    appendFileSync(path, '{"n":4,"at":"20');
    expect(await verifyTrail([path], { key })).toMatchObject({
      fault: undefined,
      notes: [expect.stringContaining('torn (15 bytes)'), expect.anything()],
    });
    await (await open()).close();
    expect(recordsOf(path)[3]).toMatchObject({ n: 4, what: 'audit.open', data: { torn_bytes: 15 } });
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined, notes: [] });
  });

  it.each([
    ['another key’s', (path: string) => writeFileSync(path, readFileSync(path)), true],
    [
      'changed in its last line',
      (path: string) => truncateSync(path, readFileSync(path).length - 2) ?? appendFileSync(path, '\n'),
      false,
    ],
    ['something else', (path: string) => writeFileSync(path, 'hello\n'), false],
    ['one line without an end', (path: string) => writeFileSync(path, 'x'.repeat(100_000)), false],
    ['a few words without an end', (path: string) => writeFileSync(path, 'hello'), false],
  ])('that is %s › is not gone on with', async (_what, change, isOther) => {
    const { open, path } = auditPlace();
    await (await open()).close();
    change(path);
    const before = readFileSync(path);
    const key = isOther ? { key: parseAuditKey(createAuditKey(), 'other') } : {};
    await expect(open(key)).rejects.toThrow(/ends? in a line/);
    expect(readFileSync(path)).toEqual(before);
  });

  it('is no link, and no directory', async () => {
    const { directory, key } = auditPlace();
    symlinkSync(join(directory, 'elsewhere'), join(directory, 'link'));
    await expect(openAuditTrail({ path: join(directory, 'link'), key })).rejects.toThrow('ELOOP');
    await expect(openAuditTrail({ path: directory, key })).rejects.toThrow('EISDIR');
    await expect(openAuditTrail({ path: join(directory, 'no', 'file'), key })).rejects.toThrow('ENOENT');
  });

  it('that somebody has deleted › is made anew, and its chain goes on', async () => {
    stillTimers();
    const { open, path, key } = auditPlace();
    const trail = await open();
    await trail.flush();
    unlinkSync(path);
    trail.note(entry);
    await trail.flush();
    vi.advanceTimersByTime(1_000);
    await trail.flush();
    trail.note(entry);
    await trail.close();
    expect(whatsOf(path).slice(0, 2)).toEqual(['audit.open', 'turn.open']);
    expect((await verifyTrail([path], { key })).notes).toEqual([
      'begins at record 3: those before it are in files that were not given',
    ]);
  });
});

describe('a checkpoint', () => {
  it('is made each minute in which anything was written, and told once it is on disk', async () => {
    stillTimers();
    const { open, path, logged } = auditPlace();
    const trail = await open();
    await trail.flush();
    vi.advanceTimersByTime(60_000);
    await trail.flush();
    expect(whatsOf(path)).toEqual(['audit.open', 'audit.checkpoint']);
    expect(logged).toMatchObject([{ n: 2, mac: recordsOf(path)[1].mac }]);
    vi.advanceTimersByTime(180_000);
    await trail.flush();
    expect(logged).toHaveLength(1);
    await trail.close();
  });
});

describe('a file that cannot be opened anew', () => {
  it('is tried again each second; what is noted meanwhile goes into the one that was there', async () => {
    stillTimers();
    const { directory, key } = auditPlace();
    const heard: string[] = [];
    mkdirSync(join(directory, 'logs'));
    const path = join(directory, 'logs', 'audit');
    const trail = await openAuditTrail({
      path,
      key,
      on: {
        failed: (error, isFirst) => heard.push(`${(error as NodeJS.ErrnoException).code} ${isFirst}`),
        recovered: (lost) => heard.push(`recovered ${lost}`),
      },
    });
    await trail.flush();
    renameSync(join(directory, 'logs'), join(directory, 'moved'));
    trail.reopen();
    trail.note(entry);
    await trail.flush();
    expect(whatsOf(join(directory, 'moved', 'audit'))).toEqual(['audit.open', 'turn.open']);
    expect(trail.state).toMatchObject({ isWritable: false, failures: 1, waitingBytes: 0 });
    vi.advanceTimersByTime(1_000);
    await trail.flush();
    mkdirSync(join(directory, 'logs'));
    vi.advanceTimersByTime(1_000);
    await trail.flush();
    expect(heard).toEqual(['ENOENT true', 'ENOENT false', 'recovered 0']);
    expect(trail.state).toMatchObject({ isWritable: true, failures: 2 });
    await trail.close();
    const files = [join(directory, 'moved', 'audit'), path];
    expect(await verifyTrail(files, { key })).toMatchObject({ fault: undefined, records: 5, notes: [] });
  });
});

describe('a file that is found at the path when it is opened anew', () => {
  it.each([
    ['somebody else’s', 'hello\nworld', /has not made/],
    ['somebody else’s first line', 'hello', /does not end in a line/],
  ])('is %s › keeps all that is in it, and the trail goes on in the file that it had', async (_what, text, why) => {
    stillTimers();
    const { directory, open, path, key } = auditPlace();
    const failures: unknown[] = [];
    const trail = await open({ on: { failed: (error) => failures.push(error) } });
    await trail.flush();
    const moved = join(directory, 'moved');
    renameSync(path, moved);
    writeFileSync(path, text);
    trail.reopen();
    trail.note(entry);
    await trail.flush();
    expect(readFileSync(path, 'utf8')).toBe(text);
    expect(failures).toEqual([expect.objectContaining({ message: expect.stringMatching(why) })]);
    expect(trail.state.isWritable).toBe(false);
    expect(whatsOf(moved)).toEqual(['audit.open', 'turn.open']);
    unlinkSync(path);
    vi.advanceTimersByTime(1_000);
    await trail.flush();
    expect(trail.state.isWritable).toBe(true);
    await trail.close();
    expect(await verifyTrail([moved, path], { key })).toMatchObject({ fault: undefined, records: 5 });
  });

  it('is an older one of the same trail › is not added to: its records would be out of order', async () => {
    stillTimers();
    const { directory, open, path } = auditPlace();
    const failures: unknown[] = [];
    const trail = await open({ on: { failed: (error) => failures.push(error) } });
    await trail.flush();
    const old = readFileSync(path);
    trail.note(entry);
    await trail.flush();
    renameSync(path, join(directory, 'moved'));
    writeFileSync(path, old);
    trail.reopen();
    await trail.flush();
    expect(failures).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/ends in record 1, .*record 2/) }),
    ]);
    expect(readFileSync(path)).toEqual(old);
    await trail.close();
  });

  it('is the one that it had › is gone on with', async () => {
    const { open, path, key } = auditPlace();
    const trail = await open();
    trail.note(entry);
    await trail.flush();
    trail.reopen();
    await trail.close();
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined, records: 5 });
  });
});

describe('what waits', () => {
  it('was too much › is made good as soon as it is written, though nothing more is noted', async () => {
    const { open, path } = auditPlace();
    const trail = await open({ maxWaitingBytes: 2_000 });
    await trail.flush();
    for (let n = 0; n < 100; n += 1) trail.note(entry);
    const { lost } = trail.state;
    await trail.flush();
    expect(trail.state).toMatchObject({ isWritable: true, waitingBytes: 0, failures: 0 });
    expect(recordsOf(path).at(-1)).toMatchObject({ what: 'audit.gap', data: { lost } });
    await trail.close();
  });

  it('is too much when the trail is closed › is told of before the last record', async () => {
    const { open, path, key } = auditPlace();
    const trail = await open({ maxWaitingBytes: 2_000 });
    await trail.flush();
    for (let n = 0; n < 100; n += 1) trail.note(entry);
    const { lost } = trail.state;
    await trail.close();
    expect(recordsOf(path).at(-3)).toMatchObject({ what: 'audit.gap', data: { lost } });
    expect(whatsOf(path).slice(-2)).toEqual(['audit.close', 'audit.checkpoint']);
    expect(await verifyTrail([path], { key })).toMatchObject({ fault: undefined, notes: [] });
  });

  it('has an end: beyond that entries are gone, and a record says how many', async () => {
    const { open, path, key } = auditPlace();
    const trail = await open({ maxWaitingBytes: 2_000 });
    await trail.flush();
    for (let n = 0; n < 100; n += 1) trail.note({ ...entry, on: `t${n}` });
    const { lost, waitingBytes, isWritable } = trail.state;
    expect(waitingBytes).toBeLessThan(2_200);
    expect(isWritable).toBe(false);
    await trail.flush();
    trail.note({ ...entry, on: 'after' });
    expect(trail.state.isWritable).toBe(true);
    await trail.close();
    const records = recordsOf(path);
    const gap = records.findIndex(({ what }) => what === 'audit.gap');
    expect(records[gap]).toMatchObject({ who: 'broker', outcome: 'failed', data: { lost } });
    expect(records[gap - 1].on).toBe(`t${99 - lost}`);
    expect(records[gap + 1].on).toBe('after');
    expect((await verifyTrail([path], { key })).fault).toBeUndefined();
  });

  it('is told of as lost where the trail is closed, and nothing can be written', async () => {
    const { open, path } = auditPlace();
    let abandoned = 0;
    const trail = await open({
      on: {
        abandoned: (entries) => {
          abandoned = entries;
        },
      },
    });
    await trail.flush();
    const broken = vi.spyOn(Buffer, 'from').mockImplementation(() => {
      throw new Error('no room');
    });
    trail.note(entry);
    await trail.close();
    broken.mockRestore();
    expect(abandoned).toBe(2);
    expect(whatsOf(path)).toEqual(['audit.open']);
  });

  it('is noted no more once it is closed', async () => {
    const { open, path } = auditPlace();
    const trail = await open();
    await Promise.all([trail.close(), trail.close()]);
    trail.note(entry);
    trail.checkpoint();
    expect(whatsOf(path)).toEqual(['audit.open', 'audit.close', 'audit.checkpoint']);
  });
});
