import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { MAIN, Program, run } from './support/program.ts';

/* What keeps a daemon from starting is one line that names it, and nothing is left behind. */

/** A run that has to end by itself. */
async function refused(home: string, flags: string[] = [], env: NodeJS.ProcessEnv = {}, limits?: string) {
  const argv = [MAIN, '--port', '0', ...(flags.includes('--socket') ? [] : ['--no-socket']), ...flags];
  const program = new Program(argv, { SWITCHBOARD_HOME: home, ...env }, limits);
  const { code } = await program.exit;
  const lines = program.err.split('\n').filter((line) => line !== '');
  expect(lines, program.out).toHaveLength(1);
  expect(lines[0]).toMatch(/^switchboard: /);
  return { code, line: lines[0] ?? '', leftovers: leftIn(join(home, 'run')) };
}

function leftIn(run: string): string[] {
  if (!existsSync(run) || !statSync(run).isDirectory()) return [];
  return readdirSync(run).filter((name) => /lock|tmp/.test(name) && statSync(join(run, name)).isFile());
}

const KINDS = {
  'a directory': (path: string) => void mkdirSync(path),
  'a pipe': (path: string) => void execFileSync('mkfifo', [path]),
};

/** What the daemon opens or makes in its home, and what of it a pipe in its place is no hindrance to. */
const FILES = [
  { name: 'agents.json', kinds: ['a directory', 'a pipe'] },
  { name: 'run/daemon.lock', kinds: ['a directory', 'a pipe'] },
  { name: 'memory/000001.seg', kinds: ['a directory', 'a pipe'] },
  { name: 'run/broker.json', kinds: ['a directory'] },
  { name: 'run/auth-token', kinds: ['a directory'] },
  { name: 'run/host-token', kinds: ['a directory'] },
  { name: 'run/console.html', kinds: ['a directory'] },
  { name: 'run/auth-token.tmp', kinds: ['a directory'] },
] as const;

describe('a daemon in whose home something is what it should not be', () => {
  it.each(FILES.flatMap(({ name, kinds }) => kinds.map((kind) => [name, kind] as const)))(
    '%s is %s › it says so, and ends with 1',
    async (name, kind) => {
      const home = temporaryDirectory();
      const path = join(home, name);
      mkdirSync(dirname(path), { recursive: true });
      KINDS[kind](path);
      const { code, line, leftovers } = await refused(home);
      expect(line).toContain(path);
      expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
    },
  );

  it.each(['', 'run', 'memory', 'journal', 'meetings'])(
    '/%s is a file, or a link that leads nowhere › it says so',
    async (name) => {
      for (const make of [
        (path: string) => writeFileSync(path, ''),
        (path: string) => symlinkSync('/nowhere/x', path),
      ]) {
        const home = name === '' ? join(temporaryDirectory(), 'home') : temporaryDirectory();
        make(join(home, name));
        const { code, line, leftovers } = await refused(home);
        expect(line).toContain(join(home, name));
        expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
      }
    },
  );
});

describe('a daemon in whose home others may write', () => {
  it.each([0o777, 0o775, 0o722])('mode %o › it trusts nothing in there, and says what to do', async (mode) => {
    const home = temporaryDirectory();
    chmodSync(home, mode);
    const { code, line } = await refused(home);
    expect(line).toContain(`${home} can be written by others (mode 0${mode.toString(8)})`);
    expect({ code, made: readdirSync(home) }).toEqual({ code: 1, made: [] });
  });

  it('the same of agents.json: whoever is in it signs in', async () => {
    const home = temporaryDirectory();
    const file = join(home, 'agents.json');
    writeFileSync(file, '{"agents": []}');
    chmodSync(file, 0o666);
    const { code, line, leftovers } = await refused(home);
    expect(line).toContain(`${file} can be written by others (mode 0666)`);
    expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
  });

  it('a home that others may only read is taken', async () => {
    const home = temporaryDirectory();
    chmodSync(home, 0o755);
    writeFileSync(join(home, 'agents.json'), '{"agents": []}', { mode: 0o644 });
    expect(await (await startDaemon({ home })).stop()).toMatchObject({ code: 0 });
  });

  it.runIf(process.getuid?.() === 0)('somebody else’s home, and somebody else’s agents.json, are refused', async () => {
    const [home, other] = [temporaryDirectory(), temporaryDirectory()];
    execFileSync('chown', ['12345', home]);
    expect((await refused(home)).line).toContain(`${home} belongs to somebody else (user 12345)`);
    writeFileSync(join(other, 'agents.json'), '{"agents": []}');
    execFileSync('chown', ['12345', join(other, 'agents.json')]);
    expect((await refused(other)).line).toContain('agents.json belongs to somebody else (user 12345)');
  });
});

describe('a daemon beside whose socket there is a lock', () => {
  it.each(Object.entries(KINDS))('that is %s › it says so, and does not wait', async (_, make) => {
    const socket = join(temporaryDirectory(), 's');
    make(`${socket}.lock`);
    const { code, line, leftovers } = await refused(temporaryDirectory(), ['--socket', socket]);
    expect(line).toContain(`${socket}.lock`);
    expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
  });

  it('of a process that lives and is nobody’s daemon › it says which file that is', async () => {
    const socket = join(temporaryDirectory(), 's');
    writeFileSync(`${socket}.lock`, JSON.stringify({ pid: process.pid, start: null }));
    const { code, line } = await refused(temporaryDirectory(), ['--socket', socket]);
    expect(line).toContain(`remove ${socket}.lock`);
    expect(code).toBe(1);
  });

  it.runIf(process.getuid?.() === 0)('of a process of somebody else › it is taken over', async () => {
    const socket = join(temporaryDirectory(), 's');
    const sleeper = new Program(['-e', 'process.setuid(12345); console.log("up"); setInterval(() => {}, 1e6)']);
    await sleeper.shows('up');
    writeFileSync(`${socket}.lock`, JSON.stringify({ pid: sleeper.child.pid, start: null }));
    expect(await (await startDaemon({ flags: ['--socket', socket] })).stop()).toMatchObject({ code: 0 });
  });
});

describe('a daemon without room', () => {
  it('on the disk › it names the file, and leaves no lock', async () => {
    for (const blocks of [0, 1]) {
      const home = temporaryDirectory();
      if (blocks === 1) {
        const agents = { agents: [{ id: 'a', name: 'x'.repeat(2_000), token_hash: '0'.repeat(64) }] };
        writeFileSync(join(home, 'agents.json'), JSON.stringify(agents));
      }
      const { code, line, leftovers } = await refused(home, [], {}, `ulimit -f ${blocks}`).catch((error) => {
        // Half a kilobyte may be enough.
        if (blocks === 1) return { code: 1, line: home, leftovers: [] };
        throw error;
      });
      expect(line).toContain(home);
      expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
    }
  });

  it('for open files › it says so in one line, wherever that happens', async () => {
    let isStarted = false;
    const seen = new Set<number | null>();
    for (let files = 14; files < 60 && !isStarted; files += 1) {
      const home = temporaryDirectory();
      const program = new Program(
        [MAIN, '--port', '0', '--no-socket'],
        { SWITCHBOARD_HOME: home },
        `ulimit -n ${files}`,
      );
      const started = program.shows('"try: ').then(
        () => true,
        () => false,
      );
      isStarted = await started;
      if (isStarted) break;
      const { code, signal } = await program.exit;
      // Node itself cannot begin with so few.
      if (signal !== null || /node::|uv_|Assertion/.test(program.err) || isNodesOwn(program.err)) continue;
      seen.add(code);
      expect(program.err.trim().split('\n'), `${files}: ${program.err}`).toHaveLength(1);
      expect(program.err, `${files}`).toMatch(/^switchboard: .*(EMFILE|too many open files)/);
      expect(leftIn(join(home, 'run'))).toEqual([]);
    }
    expect(isStarted).toBe(true);
    expect([...seen]).toEqual([1]);
  });
});

/** Whether Node failed before it ran a line of ours: it names the main file that it cannot read, or its stack is its own. */
function isNodesOwn(err: string): boolean {
  const stack = err.match(/^ {4}at .*$/gm) ?? [];
  return err.includes(`open '${MAIN}'`) || (stack.length > 0 && stack.every((line) => line.includes('node:internal/')));
}

describe('a daemon that is not told where its home is', () => {
  it.each([
    [{ HOME: '' }, [], 'HOME names no directory'],
    [{ HOME: 'relative' }, [], 'HOME names no directory'],
    [{}, ['--home', 'relative'], '--home takes an absolute path, not "relative"'],
  ] as const)('%j %j › one line', async (env, flags, words) => {
    const { code, out, err } = await run([MAIN, '--port', '0', '--no-socket', ...flags], env);
    expect({ code, out, lines: err.trim().split('\n').length }).toEqual({ code: 2, out: '', lines: 1 });
    expect(err).toContain(words);
  });
});

describe('a daemon whose home cannot be', () => {
  it.each([
    ['/proc/x', 'the state directory /proc/x cannot be made: nothing can be made in the one above it (ENOENT)'],
    ['/dev/null/x', 'the state directory /dev/null/x cannot be made: a part of its path is a file (ENOTDIR)'],
  ])('%s › says why', async (home, words) => {
    const { code, line } = await refused(home);
    expect({ code, line }).toEqual({ code: 1, line: `switchboard: ${words}; choose another with --home` });
  });

  it('a relative one, and none with an empty HOME › it says what it takes, with 2', async () => {
    const relative = await refused('', ['--home', 'here']);
    expect(relative).toMatchObject({ code: 2, line: 'switchboard: --home takes an absolute path, not "here"' });
    const none = await refused('', [], { HOME: '' });
    expect(none).toMatchObject({ code: 2, line: expect.stringContaining('HOME names no directory') });
  });
});
