import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { temporaryDirectory } from './support/cleanup.ts';
import { startDaemon } from './support/daemon.ts';
import { MAIN, Program, run } from './support/program.ts';

/*
 * What keeps a daemon from starting is one line that names it, and nothing is left behind: one of each kind here, all of them in
 * test/daemon/start-refused.test.ts, in a process that has loaded the daemon already.
 */

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

/** A pipe whose other end nobody opens holds up whoever opens it. */
const FILES = [
  ['agents.json', 'a pipe'],
  ['run/daemon.lock', 'a pipe'],
  ['memory/000001.seg', 'a pipe'],
  ['run/broker.json', 'a directory'],
] as const;

describe('a daemon in whose home something is what it should not be', () => {
  it.each(FILES)('%s is %s › it says so, and ends with 1', async (name, kind) => {
    const home = temporaryDirectory();
    const path = join(home, name);
    mkdirSync(dirname(path), { recursive: true });
    KINDS[kind](path);
    const { code, line, leftovers } = await refused(home);
    expect(line).toContain(path);
    expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
  });
});

describe('a daemon in whose home others may write', () => {
  it('in agents.json › it trusts nobody in there: whoever is in it signs in', async () => {
    const home = temporaryDirectory();
    const file = join(home, 'agents.json');
    writeFileSync(file, '{"agents": []}');
    chmodSync(file, 0o666);
    const { code, line, leftovers } = await refused(home);
    expect(line).toContain(`${file} can be written by others (mode 0666)`);
    expect({ code, leftovers }).toEqual({ code: 1, leftovers: [] });
  });
});

describe('a daemon beside whose socket there is a lock', () => {
  it('that is a pipe › it says so, and does not wait', async () => {
    const socket = join(temporaryDirectory(), 's');
    KINDS['a pipe'](`${socket}.lock`);
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
  it('says why', async () => {
    const { code, line } = await refused('/dev/null/x');
    const words = 'the state directory /dev/null/x cannot be made: a part of its path is a file (ENOTDIR)';
    expect({ code, line }).toEqual({ code: 1, line: `switchboard: ${words}; choose another with --home` });
  });
});
