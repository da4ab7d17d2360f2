import { readFileSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { createAuditKey, parseAuditKey } from '../../audit/key.ts';
import { readCheckpoints, verifyTrail } from '../../audit/verify.ts';
import { auditPlace, recordsOf } from './support.ts';

/** An audit of one run, a few records long, with what a log was told of it. */
async function written(records = 6) {
  const place = auditPlace();
  const trail = await place.open();
  for (let n = 0; n < records; n += 1) {
    trail.note({ tenant: 'default', who: `ann ☕ ${n}`, what: 'turn.open', on: `t${n}`, outcome: 'ok', data: { n } });
    if (n === 2) {
      await trail.flush();
      trail.checkpoint();
      await trail.flush();
    }
  }
  await trail.close();
  const bytes = readFileSync(place.path);
  const verify = (changed: Buffer = bytes) => {
    writeFileSync(place.path, changed);
    return verifyTrail([place.path], { key: place.key, checkpoints: place.logged });
  };
  return { ...place, bytes, verify, lines: bytes.toString('latin1').split('\n').slice(0, -1) };
}

const joined = (lines: readonly string[]) => Buffer.from(lines.map((line) => `${line}\n`).join(''), 'latin1');

describe('an audit as it was written', () => {
  it('is whole, and its end a stop', async () => {
    const { verify, logged } = await written();
    expect(logged).toHaveLength(2);
    expect(await verify()).toEqual({
      fault: undefined,
      records: 10,
      first: 1,
      last: 10,
      checkpoints: 2,
      met: 2,
      notes: [],
    });
  });
});

describe('an audit that somebody has changed', () => {
  it('in any byte › is found out', async () => {
    const { bytes, verify } = await written();
    await fc.assert(
      fc.asyncProperty(fc.nat(bytes.length - 1), fc.integer({ min: 1, max: 255 }), async (at, flip) => {
        const changed = Buffer.from(bytes);
        changed[at] = (changed[at] as number) ^ flip;
        const { fault } = await verify(changed);
        // Line ends that come or go move the others: nothing before the change is blamed.
        const line = bytes.subarray(0, at).filter((byte) => byte === 0x0a).length + 1;
        expect(fault).toBeDefined();
        if (fault?.line !== undefined) expect(fault.line).toBeGreaterThanOrEqual(line);
      }),
      { numRuns: 300 },
    );
  });

  it('by a line that is gone › is found out, and told which', async () => {
    const { lines, verify } = await written();
    for (const at of lines.keys()) {
      const { fault } = await verify(joined(lines.toSpliced(at, 1)));
      if (at === 0) expect(fault?.why).toBe('the file does not begin with its first record');
      else if (at < lines.length - 1) expect(fault).toMatchObject({ line: at + 1, why: `record ${at + 1} is missing` });
      else expect(fault?.why).toMatch(/its end was cut off$/);
    }
  });

  it('by two lines in each other’s place › is found out', async () => {
    const { lines, verify } = await written();
    for (const one of lines.keys()) {
      for (let other = one + 1; other < lines.length; other += 1) {
        const swapped = [...lines];
        [swapped[one], swapped[other]] = [lines[other] as string, lines[one] as string];
        const { fault } = await verify(joined(swapped));
        expect(fault, `${one} and ${other}`).toBeDefined();
        if (one > 0) expect(fault).toMatchObject({ line: one + 1, why: 'the records are in another order' });
      }
    }
  });

  it('by a line that is there twice › is found out, wherever the second one stands', async () => {
    const { lines, verify } = await written();
    for (const [at, line] of lines.entries()) {
      for (let to = at + 1; to <= lines.length; to += 1) {
        const { fault } = await verify(joined(lines.toSpliced(to, 0, line)));
        expect(fault).toMatchObject({ line: to + 1, why: `record ${at + 1} again, after record ${to}` });
      }
    }
  });

  it('by an end that was cut off, at any byte › is found out by what the log has', { timeout: 60_000 }, async () => {
    const { bytes, verify } = await written();
    for (let length = 0; length < bytes.length; length += 1) {
      const { fault } = await verify(bytes.subarray(0, length));
      expect(fault?.why, String(length)).toMatch(/^it ends at record \d+, and the log has a checkpoint of record 10/);
    }
  });

  it('by an end that was cut off › without a log is told as what it may be', async () => {
    const { path, key, lines } = await written();
    writeFileSync(path, joined(lines.slice(0, -1)));
    const { fault, notes } = await verifyTrail([path], { key });
    expect(fault).toBeUndefined();
    expect(notes).toEqual([expect.stringMatching(/^it does not end with a stop/)]);
  });

  it('by an end that was cut off, and gone on with › is found out by what the log has', async () => {
    const place = await written();
    const cut = joined(place.lines.slice(0, 4));
    writeFileSync(place.path, cut);
    const before = [...place.logged];
    const trail = await place.open();
    for (let n = 0; n < 20; n += 1) trail.note({ what: 'turn.open', outcome: 'ok' });
    await trail.close();
    const { fault } = await verifyTrail([place.path], { key: place.key, checkpoints: before });
    expect(fault?.why).toMatch(/^record \d+ is another one than the log's checkpoint says$/);
  });

  it('with another key › is not this audit’s', async () => {
    const { path, lines } = await written();
    writeFileSync(path, joined(lines));
    const other = parseAuditKey(createAuditKey(), 'other');
    expect(await verifyTrail([path], { key: other })).toMatchObject({ records: 0, fault: { line: 1 } });
  });

  it('by what is no line of an audit › is found out, however long it is', async () => {
    const { lines, verify } = await written();
    for (const junk of ['', '{}', 'null', 'x'.repeat(100_000), `{"n":3,"mac":"${'A'.repeat(43)}"}`]) {
      const { fault, records } = await verify(joined(lines.toSpliced(3, 0, junk)));
      expect(fault).toMatchObject({ line: 4, why: 'the line was changed, or this key has not made it' });
      expect(records).toBe(3);
    }
  });
});

describe('an audit over several files', () => {
  async function rotated() {
    const place = auditPlace();
    const trail = await place.open();
    const files: string[] = [];
    for (let file = 0; file < 3; file += 1) {
      trail.note({ what: 'turn.open', on: `t${file}`, outcome: 'ok' });
      await trail.flush();
      if (file === 2) break;
      const away = join(place.directory, `audit.${file}`);
      renameSync(place.path, away);
      files.push(away);
      trail.reopen();
      await trail.flush();
    }
    await trail.close();
    return { ...place, files: [...files, place.path] };
  }

  it('is one chain: each file begins with the code of the last record in the one before', async () => {
    const { files, key } = await rotated();
    const records = files.map(recordsOf);
    expect(records[1]?.[0]).toMatchObject({ what: 'audit.open', prev: records[0]?.at(-1).mac });
    expect(records[2]?.[0]).toMatchObject({ what: 'audit.open', prev: records[1]?.at(-1).mac });
    expect(await verifyTrail(files, { key })).toMatchObject({ fault: undefined, notes: [], first: 1, records: 8 });
  });

  it('with one of them gone, or in another’s place › is found out', async () => {
    const { files, key } = await rotated();
    const [first = '', second = '', third = ''] = files;
    expect((await verifyTrail([first, third], { key })).fault).toMatchObject({ file: third, line: 1 });
    expect((await verifyTrail([second, first], { key })).notes).toContain(
      'record 1 again after record 4: a chain of its own begins',
    );
    expect((await verifyTrail([third, second], { key })).fault).toMatchObject({ file: second, line: 1 });
  });

  it('without the first ones › says from where on it was checked', async () => {
    const { files, key, logged } = await rotated();
    const verdict = await verifyTrail(files.slice(1), { key, checkpoints: logged });
    expect(verdict.fault).toBeUndefined();
    expect(verdict.notes).toEqual(['begins at record 3: those before it are in files that were not given']);
  });
});

describe('a log', () => {
  it('gives its checkpoints, among whatever else it says', async () => {
    const { directory, logged } = await written();
    const log = join(directory, 'log');
    const lines = [
      'listening',
      '{"audit":1}',
      '{"audit":{"n":1}}',
      ...logged.map((audit) => JSON.stringify({ level: 30, audit })),
    ];
    writeFileSync(log, lines.join('\n'));
    expect(await readCheckpoints(log)).toEqual(
      logged.map((checkpoint) => expect.objectContaining({ n: checkpoint.n })),
    );
  });

  it('that somebody has written a checkpoint into › is not believed', async () => {
    const { path, key, lines, logged } = await written();
    writeFileSync(path, joined(lines));
    const forged = { ...logged[0], n: 99 } as (typeof logged)[number];
    const { fault, notes } = await verifyTrail([path], { key, checkpoints: [forged] });
    expect(fault).toBeUndefined();
    expect(notes).toEqual([
      expect.stringMatching(/^not looked at: checkpoints in the log that this key has not signed, 1$/),
    ]);
  });
});
