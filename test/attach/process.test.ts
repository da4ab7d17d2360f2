import { tmpdir } from 'node:os';
import { describe, expect, it, onTestFinished } from 'vitest';
import { AgentProcess } from '../../attach/process/agent-process.ts';
import { environmentOf } from '../../attach/process/environment.ts';
import { gone } from './gone.ts';

const quiet = { debug: () => {}, info: () => {}, warn: () => {}, error: () => {} };

/** A program, in JavaScript. @param onLine what its reader does beside. */
function run(source: string, onLine: () => void = () => {}) {
  const lines: string[] = [];
  const said: string[] = [];
  const waiting: (() => void)[] = [];
  const process = new AgentProcess({
    command: [globalThis.process.execPath, '-e', source],
    cwd: tmpdir(),
    env: { PATH: '/usr/bin:/bin' },
    log: { ...quiet, debug: (fields) => void said.push((fields as { stderr: string }).stderr) },
    onLine: (line) => {
      lines.push(line.toString());
      onLine();
      for (const wake of waiting.splice(0)) wake();
    },
  });
  onTestFinished(() => process.kill());
  const line = async (count: number) => {
    while (lines.length < count) await new Promise<void>((resolve) => waiting.push(resolve));
    return lines[count - 1] ?? '';
  };
  return { process, lines, line, said };
}

/** Starts a child that outlives its parent, ignores SIGTERM where it is told to, and tells its id. */
const CHILD = (isStubborn: boolean) => `
  const { spawn } = require('node:child_process');
  const source = ${JSON.stringify(`${isStubborn ? "process.on('SIGTERM', () => {});" : ''} setInterval(() => {}, 1000); console.log('up ' + process.pid)`)};
  const child = spawn(process.execPath, ['-e', source], { stdio: ['ignore', 'inherit', 'inherit'] });
`;

describe('a program', () => {
  it('is heard line by line, what is unfinished at its end too, and its end is told', async () => {
    const { process, lines } = run('process.stdout.write("one\\n\\ntwo\\nthree"); process.exitCode = 3');
    expect(await process.ended).toBe('exited with code 3');
    expect(lines).toEqual(['one', '', 'two', 'three']);
    expect(process.isOver).toBe(true);
  });

  it('that is not there › is told so', async () => {
    const process = new AgentProcess({
      ...{ command: ['/no/such/program'], cwd: tmpdir(), env: {}, log: quiet, onLine: () => {} },
    });
    expect(await process.ended).toBe(
      'cannot be run: there is no such program, or no such working directory: /no/such/program',
    );
    await process.end();
  });

  it('has its stderr logged, harmless for a terminal, and its last words kept', async () => {
    const { process, said } = run('console.error("oh\\u001b[2J\\n\\nno")');
    await process.ended;
    expect(said).toEqual(['oh\\u001b[2J', 'no']);
    expect(process.lastWords).toBe('oh\\u001b[2J\nno');
  });

  it('that has written much when it ends › is heard to its end, however long its reader takes', async () => {
    const { process, lines } = run(
      `
      const text = Array.from({ length: 300 }, (_, at) => 'line ' + at + ' ' + 'x'.repeat(500)).join('\\n');
      require('node:fs').writeSync(1, text);
    `,
      () => {
        for (const until = performance.now() + 2; performance.now() < until; );
      },
    );
    expect(await process.ended).toBe('exited with code 0');
    expect(lines).toHaveLength(300);
  });

  it('that writes a line without an end › is ended, and that is why', async () => {
    const { process } = run('const flood = () => process.stdout.write("{".repeat(65536), flood); flood()');
    expect(await process.ended).toBe('wrote a line that is too long');
  });

  it('ends by itself where closing its stdin is enough', async () => {
    const { process } = run('process.stdin.resume(); process.stdin.on("end", () => process.exit(7))');
    await process.end();
    expect(await process.ended).toBe('exited with code 7');
  });

  it('takes with it what it has started, when it has ended by itself', async () => {
    const { process, line } = run(`${CHILD(false)} child.on('spawn', () => setTimeout(() => process.exit(0), 300))`);
    const pid = Number((await line(1)).slice(3));
    await process.ended;
    await gone(pid);
  });

  it('that is killed › is gone with a child that ignores SIGTERM', async () => {
    const { process, line } = run(`${CHILD(true)} setInterval(() => {}, 1000)`);
    const pid = Number((await line(1)).slice(3));
    await process.kill();
    expect(await process.ended).toBe('was ended by SIGKILL');
    await gone(pid);
  });
});

describe('an agent’s environment', () => {
  const own = { PATH: '/bin', HOME: '/root', LC_ALL: 'C', KEY: 'k', SWITCHBOARD_HOST_TOKEN: 's', Switchboard_x: 'y' };

  it('is ours, without what is of this project, and with what the operator gives', () => {
    const given = environmentOf(own, { KEY: 'other', SWITCHBOARD_AUTH_TOKEN: 'z' }, false);
    expect(given).toEqual({ PATH: '/bin', HOME: '/root', LC_ALL: 'C', KEY: 'other' });
  });

  it('that is to be clean › has what any program needs', () => {
    expect(environmentOf(own, { A: '1' }, true)).toEqual({ PATH: '/bin', HOME: '/root', LC_ALL: 'C', A: '1' });
  });
});
