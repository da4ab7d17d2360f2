import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, expect, it, onTestFinished } from 'vitest';
import { acquireLock, LockHeldError } from '../../daemon/lock.ts';
import { ownIdentity } from '../../daemon/process-identity.ts';
import { modeOf, temporaryDirectory } from './temporary.ts';

/** Waits to be told, tries the lock, says how that went, and then holds it until its input ends. */
const CONTENDER = `
  import { acquireLock } from ${JSON.stringify(new URL('../../dist/daemon/lock.js', import.meta.url))};
  console.log('ready');
  process.stdin.once('data', () => {
    try {
      acquireLock(process.argv[1]);
      console.log('held');
    } catch (error) {
      console.log(error.name);
    }
  });
  process.stdin.once('end', () => process.exit());
`;

async function contender(path: string) {
  const child = spawn(process.execPath, ['--input-type=module', '-e', CONTENDER, path], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  const lines = createInterface(child.stdout)[Symbol.asyncIterator]();
  expect((await lines.next()).value).toBe('ready');
  return {
    pid: child.pid as number,
    async acquire(): Promise<string> {
      child.stdin.write('go\n');
      return (await lines.next()).value;
    },
    async crash() {
      child.kill('SIGKILL');
      await once(child, 'exit');
    },
  };
}

const lockPath = () => join(temporaryDirectory(), 'lock');
const holderOf = (path: string): number => JSON.parse(readFileSync(path, 'utf8')).pid;

describe('a lock', () => {
  it('is a private file that names its holder, and goes when it is released', () => {
    const path = lockPath();
    const lock = acquireLock(path);
    expect(holderOf(path)).toBe(process.pid);
    expect(modeOf(path)).toBe(0o600);
    lock.release();
    expect(readdirSync(join(path, '..'))).toEqual([]);
  });

  it('is refused while its holder lives, with the pid', async () => {
    const path = lockPath();
    const first = await contender(path);
    expect(await first.acquire()).toBe('held');
    expect(() => acquireLock(path)).toThrow(LockHeldError);
    expect(() => acquireLock(path)).toThrow(expect.objectContaining({ pid: first.pid }));
    expect(holderOf(path)).toBe(first.pid);
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  it('is taken over from a holder that crashed', async () => {
    const path = lockPath();
    const first = await contender(path);
    expect(await first.acquire()).toBe('held');
    await first.crash();
    acquireLock(path);
    expect(holderOf(path)).toBe(process.pid);
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  it.runIf(existsSync('/proc/self/stat'))('is taken over when its pid belongs to a later process by now', async () => {
    const path = lockPath();
    const { pid } = await contender(path);
    writeFileSync(path, JSON.stringify({ pid, start: '1' }));
    acquireLock(path);
    expect(holderOf(path)).toBe(process.pid);
  });

  it('is not taken over from a living holder whose start is unknown', async () => {
    const path = lockPath();
    const { pid } = await contender(path);
    writeFileSync(path, JSON.stringify({ pid, start: null }));
    expect(() => acquireLock(path)).toThrow(LockHeldError);
  });

  it('with our own pid is an earlier process’s', () => {
    const path = lockPath();
    writeFileSync(path, JSON.stringify(ownIdentity()));
    acquireLock(path);
    expect(JSON.parse(readFileSync(path, 'utf8'))).toHaveProperty('unique');
  });

  it.each(['', '{', 'null', '{"pid": -1}', '{"pid": "1"}', '{}'])('that says %j is nobody’s', (text) => {
    const path = lockPath();
    writeFileSync(path, text);
    acquireLock(path);
    expect(holderOf(path)).toBe(process.pid);
  });

  it('is taken over although somebody crashed while doing just that', async () => {
    const path = lockPath();
    const dead = await contender(path);
    await dead.crash();
    const stale = JSON.stringify({ pid: dead.pid, start: '1' });
    writeFileSync(path, stale);
    // Whoever takes over holds a lock that is named after the stale one's content.
    const living = await contender(path);
    const marker = createHash('sha256').update(stale).digest('hex').slice(0, 16);
    writeFileSync(`${path}.${marker}`, JSON.stringify({ pid: living.pid, start: null }));
    expect(() => acquireLock(path)).toThrow(LockHeldError);
    await living.crash();
    acquireLock(path);
    expect(holderOf(path)).toBe(process.pid);
    expect(readdirSync(join(path, '..'))).toEqual(['lock']);
  });

  it('that somebody else took since is not released', () => {
    const path = lockPath();
    const lock = acquireLock(path);
    writeFileSync(path, 'theirs');
    lock.release();
    expect(readFileSync(path, 'utf8')).toBe('theirs');
  });

  it.each(['free', 'stale'])('that is %s goes to exactly one of many who race for it', async (state) => {
    for (let round = 0; round < 3; round++) {
      const path = lockPath();
      const contenders = await Promise.all(Array.from({ length: 6 }, () => contender(path)));
      if (state === 'stale') writeFileSync(path, '{"pid": 1, "start": "no such start"}');
      const results = await Promise.all(contenders.map((each) => each.acquire()));
      expect(results.sort()).toEqual([...Array(5).fill('LockHeldError'), 'held']);
      expect(contenders.map(({ pid }) => pid)).toContain(holderOf(path));
    }
  });
});
