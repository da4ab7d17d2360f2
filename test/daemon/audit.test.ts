import { chmodSync, mkdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { verifyTrail } from '../../audit/verify.ts';
import { readAuditKey } from '../../broker.ts';
import { openAudit } from '../../daemon/audit.ts';
import { readConfig } from '../../daemon/config.ts';
import { ConfigError, StartError } from '../../daemon/errors.ts';
import { createLogger } from '../../daemon/log.ts';
import { Reload } from '../../daemon/reload.ts';
import { Teardown } from '../../daemon/teardown.ts';
import { whatsOf } from '../audit/support.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

/** The audit as the daemon opens it, and what it logs. */
async function open(flags: (home: string) => string[], home = temporaryDirectory()) {
  const lines: string[] = [];
  const log = await createLogger('info', false, { write: (line) => lines.push(line) });
  const teardown = new Teardown(() => {});
  const reload = new Reload(() => {});
  onTestFinished(() => teardown.stop());
  const { settings } = readConfig(['--home', home, ...flags(home)], {});
  const trail = await openAudit(settings, log, { teardown, reload });
  return { home, lines, teardown, reload, trail, file: join(home, 'audit.jsonl') };
}

const inHome = (home: string) => ['--audit', join(home, 'audit.jsonl')];

describe('--audit', () => {
  it('left out › leaves nothing behind, and nothing to reload', async () => {
    const { trail, reload } = await open(() => []);
    expect(trail).toBeUndefined();
    expect(reload.isEmpty).toBe(true);
  });

  it('makes the file and its key, and closes the file as the last of all', async () => {
    const { home, file, teardown, lines } = await open(inHome);
    expect(modeOf(join(home, 'audit.key'))).toBe(0o600);
    await teardown.stop();
    const { fault, notes } = await verifyTrail([file], { key: readAuditKey(join(home, 'audit.key')) });
    expect({ fault, notes }).toEqual({ fault: undefined, notes: [] });
    const logged = lines.map((line) => JSON.parse(line)).find(({ msg }) => msg === 'audit checkpoint');
    expect(logged.audit).toMatchObject({ n: 3, sig: expect.any(String), key: expect.any(String) });
  });

  it('opens the file anew when it is told to reload', async () => {
    const { file, reload, trail } = await open(inHome);
    await trail?.flush();
    renameSync(file, `${file}.1`);
    reload.run();
    await Promise.resolve();
    await trail?.flush();
    expect(whatsOf(file)).toEqual(['audit.open']);
  });

  it('takes a key from elsewhere', async () => {
    const { home } = await open((home) => [...inHome(home), '--audit-key-file', join(home, 'other.key')]);
    expect(modeOf(join(home, 'other.key'))).toBe(0o600);
  });

  it('into a directory that is not there › is the system’s own error', async () => {
    await expect(open((home) => ['--audit', join(home, 'no', 'file')])).rejects.toThrow(/^ENOENT.*\/no'$/);
  });

  it('with a key that others can read › does not start', async () => {
    const home = temporaryDirectory();
    await (await open(inHome, home)).teardown.stop();
    chmodSync(join(home, 'audit.key'), 0o644);
    await expect(open(inHome, home)).rejects.toThrow(StartError);
  });

  it('on a file that is something else › does not start, and leaves it as it is', async () => {
    const home = temporaryDirectory();
    writeFileSync(join(home, 'audit.jsonl'), 'a diary\n');
    await expect(open(inHome, home)).rejects.toThrow(StartError);
    mkdirSync(join(home, 'folder'));
    await expect(open(() => ['--audit', join(home, 'folder')], home)).rejects.toThrow('EISDIR');
  });

  it.each([['--audit-required'], ['--audit-key-file', 'key']])('is needed by %s', (...flags) => {
    expect(() => readConfig(flags, {})).toThrow(new ConfigError(`${flags[0]} goes with --audit FILE`));
  });
});

describe('what is reloaded', () => {
  it('is each step, whatever another one throws', async () => {
    const failed: unknown[] = [];
    const done: number[] = [];
    const reload = new Reload((error) => failed.push(error));
    reload.onReload(() => {
      throw new Error('one');
    });
    reload.onReload(() => Promise.reject(new Error('two')));
    reload.onReload(() => done.push(3));
    reload.run();
    await expect.poll(() => failed.length).toBe(2);
    expect(done).toEqual([3]);
  });
});
