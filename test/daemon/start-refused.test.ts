import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it, onTestFinished } from 'vitest';
import { readConfig } from '../../daemon/config.ts';
import { isSystemError, StartError } from '../../daemon/errors.ts';
import { createLogger } from '../../daemon/log.ts';
import { Reload } from '../../daemon/reload.ts';
import { startDaemon } from '../../daemon/start.ts';
import { Teardown } from '../../daemon/teardown.ts';
import { temporaryDirectory } from './temporary.ts';

/*
 * What keeps a daemon from starting is one error that names it, and nothing is left behind. That the process then ends, with
 * that line and a code, is in test/e2e/start-refused.test.ts, and so is what would stop this process: pipes in place of files.
 */

/** A daemon in this process. */
async function start(home: string, flags: string[] = []) {
  const log = await createLogger('silent', false, { write() {} });
  const failures: unknown[] = [];
  const teardown = new Teardown((error) => failures.push(error));
  onTestFinished(() => teardown.stop());
  const socket = flags.includes('--socket') ? [] : ['--no-socket'];
  const config = readConfig(['--home', home, '--port', '0', ...socket, ...flags], {});
  const started = startDaemon(config, {}, log, teardown, new Reload(() => {}));
  return { started, teardown, failures };
}

/** A start that has to fail by something that the daemon tells in one line and ends with 1 for. */
async function refused(home: string, flags: string[] = []): Promise<string> {
  const { started, teardown, failures } = await start(home, flags);
  const error = await started.then(
    () => undefined,
    (reason: unknown) => reason,
  );
  await teardown.stop();
  expect(failures).toEqual([]);
  // What is not of these kinds is told as a fault of the daemon's own.
  expect(error instanceof StartError || isSystemError(error), `${error}`).toBe(true);
  if (error instanceof StartError) expect(error.exitCode).toBe(1);
  const run = join(home, 'run');
  if (existsSync(run) && statSync(run).isDirectory())
    expect(readdirSync(run).filter((name) => /lock|tmp/.test(name) && statSync(join(run, name)).isFile())).toEqual([]);
  return (error as Error).message;
}

/** What the daemon opens or makes in its home. */
const FILES = [
  ...['agents.json', 'run/daemon.lock', 'memory/000001.seg', 'run/broker.json'],
  ...['run/auth-token', 'run/host-token', 'run/console.html', 'run/auth-token.tmp'],
];

describe('a daemon in whose home something is what it should not be', () => {
  it.each(FILES)('%s is a directory › it says so', async (name) => {
    const home = temporaryDirectory();
    const path = join(home, name);
    mkdirSync(path, { recursive: true });
    expect(await refused(home)).toContain(path);
  });

  it.each(['', 'run', 'memory', 'journal', 'meetings'])(
    '/%s is a file, or a link that leads nowhere › it says so',
    async (name) => {
      for (const make of [
        (path: string) => writeFileSync(path, ''),
        (path: string) => symlinkSync('/nowhere/x', path),
      ]) {
        const home = name === '' ? join(temporaryDirectory(), 'home') : temporaryDirectory();
        mkdirSync(dirname(join(home, name)), { recursive: true });
        make(join(home, name));
        expect(await refused(home)).toContain(join(home, name));
      }
    },
  );
});

describe('a daemon in whose home others may write', () => {
  it.each([0o777, 0o775, 0o722])('mode %o › it trusts nothing in there, and says what to do', async (mode) => {
    const home = temporaryDirectory();
    chmodSync(home, mode);
    expect(await refused(home)).toContain(`${home} can be written by others (mode 0${mode.toString(8)})`);
    expect(readdirSync(home)).toEqual([]);
  });

  it('a home that others may only read is taken', async () => {
    const home = temporaryDirectory();
    chmodSync(home, 0o755);
    writeFileSync(join(home, 'agents.json'), '{"agents": []}', { mode: 0o644 });
    const { started, teardown, failures } = await start(home);
    await started;
    await teardown.stop();
    expect(failures).toEqual([]);
  });

  it.runIf(process.getuid?.() === 0)('somebody else’s home, and somebody else’s agents.json, are refused', async () => {
    const [home, other] = [temporaryDirectory(), temporaryDirectory()];
    execFileSync('chown', ['12345', home]);
    expect(await refused(home)).toContain(`${home} belongs to somebody else (user 12345)`);
    writeFileSync(join(other, 'agents.json'), '{"agents": []}');
    execFileSync('chown', ['12345', join(other, 'agents.json')]);
    expect(await refused(other)).toContain('agents.json belongs to somebody else (user 12345)');
  });
});

describe('a daemon beside whose socket there is a directory in place of its lock', () => {
  it('says so', async () => {
    const socket = join(temporaryDirectory(), 's');
    mkdirSync(`${socket}.lock`);
    expect(await refused(temporaryDirectory(), ['--socket', socket])).toContain(`${socket}.lock`);
  });
});

describe('a daemon whose home cannot be', () => {
  it.each([
    ['/proc/x', 'the state directory /proc/x cannot be made: nothing can be made in the one above it (ENOENT)'],
    ['/dev/null/x', 'the state directory /dev/null/x cannot be made: a part of its path is a file (ENOTDIR)'],
  ])('%s › says why', async (home, words) => {
    expect(await refused(home)).toBe(`${words}; choose another with --home`);
  });
});
