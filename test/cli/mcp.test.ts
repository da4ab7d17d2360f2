import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, it, onTestFinished, test } from 'vitest';
import { commandWords } from '../../cli/command-words.ts';
import { ROOT } from '../../docs/render.ts';
import { RealDaemon } from './real-daemon.ts';

const SERVER = `"${process.execPath}" '${join(ROOT, 'test/support/mcp-server.mjs')}'`;

function notes(): { path: string; pid(): number } {
  const directory = mkdtempSync(join(tmpdir(), 'mcp-'));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const path = join(directory, 'notes');
  return { path, pid: () => Number(/pid (\d+)/.exec(readFileSync(path, 'utf8'))?.[1]) };
}

/** Whether a process is there. One that has ended, and whose parent has not looked yet, is not. */
function isThere(pid: number): boolean {
  try {
    process.kill(pid, 0);
  } catch {
    return false;
  }
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
  } catch {
    return false;
  }
}

describe('switchboard chat --mcp', () => {
  it('offers the tools of the server beside its own, and ends the server with the chat', async () => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    const { path, pid } = notes();
    io.env.NOTES = path;
    expect(await io.run('chat', 'echo', '/tool picture', '--mcp', SERVER)).toBe(0);
    expect(io.err).toContain('✓ picture(');
    expect(io.err).toContain('image/png');
    expect(isThere(pid())).toBe(false);
  });

  it('shows what failed in the words of the server', async () => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    await io.run('chat', 'echo', '/tool fail', '--mcp', SERVER);
    expect(io.screen).toContain('the disk is full');
  });

  it('tells the server nothing of ours, and everything else that it may need', async () => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    io.env.API_KEY = 'k';
    expect(await io.run('chat', 'echo', '/tool variables', '--no-tools', '--mcp', SERVER)).toBe(0);
    expect(io.screen).toContain('API_KEY');
    expect(io.screen).not.toContain('SWITCHBOARD');
  });

  it('in a conversation › says that a server has ended, with its last words, and goes on', async () => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    io.stdin.isTTY = true;
    const running = io.run('chat', 'echo', '--mcp', SERVER);
    await io.shows('> ', 'err');
    io.stdin.write('/tool die\n');
    await io.shows('are gone', 'err');
    expect(io.err).toContain(
      '[the tools of toolbox are gone: toolbox has ended: it exited with code 3; its last words:',
    );
    expect(io.err).toContain('out of memory');
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
  });

  it('ends what the server has started, too', async () => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    expect(await io.run('chat', 'echo', '/tool child', '--mcp', SERVER)).toBe(0);
    const child = Number(/→ "?(\d+)/.exec(io.screen)?.[1]);
    expect(child).toBeGreaterThan(1);
    expect(isThere(child)).toBe(false);
  });

  test.each([
    ['that does not exist', '/no/such/program', 'the MCP server does not start'],
    [
      'that is no MCP server',
      `${process.execPath} -e "console.error('boom'); process.exit(4)"`,
      'code 4; its last words: boom',
    ],
  ])('a program %s › ends the command with 1, saying why', async (_what, command, says) => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    expect(await io.run('chat', 'echo', 'hi', '--mcp', command)).toBe(1);
    expect(io.err).toContain(says);
    expect(io.out).toBe('');
  });

  test.each([
    ['', 'It takes a command'],
    ['npx "server', 'A quote (") is open'],
  ])('%j is wrong usage', async (command, says) => {
    const daemon = await RealDaemon.start();
    const io = daemon.io();
    expect(await io.run('chat', 'echo', 'hi', '--mcp', command)).toBe(2);
    expect(io.err).toContain(says);
  });
});

test.each([
  ['npx  server\t--flag ', ['npx', 'server', '--flag']],
  [`a "b c" 'd "e"' f\\ g ""`, ['a', 'b c', 'd "e"', 'f g', '']],
  [`"a\\"b\\\\c\\d" 'a\\b' x"y"z`, ['a"b\\c\\d', 'a\\b', 'xyz']],
])('%s › is in words', (line, words) => {
  expect(commandWords(line)).toEqual(words);
});
