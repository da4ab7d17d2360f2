import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { done, TestDaemon, token } from './test-daemon.ts';
import type { TestIo } from './test-io.ts';

let daemon: TestDaemon;
let io: TestIo;
let prompts: number;
beforeEach(async () => {
  daemon = await TestDaemon.start();
  io = daemon.io();
  io.stdin.isTTY = true;
  prompts = 0;
});
afterEach(() => daemon.stop());

/** Waits until it asks once more. */
function nextPrompt(): Promise<void> {
  return io.shows('> ', 'err', ++prompts);
}

describe('switchboard chat AGENT', () => {
  it('talks prompt after prompt in one session, until /quit', async () => {
    const running = io.run('chat', 'echo');
    await nextPrompt();
    io.stdin.write('first\n');
    await io.shows('first\n');
    await nextPrompt();
    io.stdin.write('second\n');
    await io.shows('second\n');
    await nextPrompt();
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
    expect(io.out).toBe('first\nsecond\n');
    const [first, second] = daemon.chats;
    expect(first.session_id).toMatch(/^chat-/);
    expect(second).toMatchObject({ session_id: first.session_id, conversation_id: first.session_id });
  });

  it('takes lines that were typed ahead, and skips empty ones', async () => {
    const running = io.run('chat', 'echo', '--session', 's1');
    await nextPrompt();
    io.stdin.write('one\n\n   \ntwo\n/quit\n');
    expect(await running).toBe(0);
    expect(daemon.chats).toMatchObject([
      { prompt: 'one', session_id: 's1' },
      { prompt: 'two', session_id: 's1' },
    ]);
  });

  it('leaves with 0 at the end of the input (Ctrl-D)', async () => {
    const running = io.run('chat', 'echo');
    await nextPrompt();
    io.stdin.end();
    expect(await running).toBe(0);
  });

  it('when Ctrl-C is pressed in a turn › cancels it and goes on', async () => {
    daemon.answer = (prompt) => (prompt === 'stuck' ? [token('hm')] : [token(prompt), done()]);
    const running = io.run('chat', 'echo');
    await nextPrompt();
    io.stdin.write('stuck\n');
    await io.shows('hm');
    io.interrupt();
    await nextPrompt();
    io.stdin.write('again\n');
    await io.shows('again\n');
    await nextPrompt();
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
    expect(daemon.cancels).toHaveLength(1);
  });

  it('when Ctrl-C is pressed at the prompt › leaves with 130', async () => {
    const running = io.run('chat', 'echo');
    await nextPrompt();
    io.interrupt();
    expect(await running).toBe(130);
    expect(daemon.chats).toEqual([]);
  });

  it('when a turn fails › tells it and goes on', async () => {
    daemon.answer = () => [{ kind: 'error', error: 'it broke' }];
    const running = io.run('chat', 'echo');
    await nextPrompt();
    io.stdin.write('x\n');
    await io.shows('the agent failed: it broke', 'err');
    await nextPrompt();
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
  });

  it('when the agent is not there › says so before asking for anything', async () => {
    expect(await io.run('chat', 'sleepy')).toBe(5);
    expect(io.err).toBe('switchboard: agent sleepy is not attached; attached: echo\n');
  });

  it('when the daemon goes while it waits for a prompt › ends with 1', async () => {
    const running = io.run('chat', 'echo');
    await nextPrompt();
    daemon.wires[0]?.close(1001, 'broker stopping');
    expect(await running).toBe(1);
    expect(io.err).toContain('connection lost');
  });
});
