import { connectAgent, connectHost, type Host, type HostOptions, type OnChat, ResumeError } from 'switchboard/client';
import { beforeAll, describe, expect, it } from 'vitest';
import { CutProxy } from '../client/cut-proxy.ts';
import { speaker } from '../client/speaker.ts';
import { own, temporaryDirectory } from './support/cleanup.ts';
import { type Daemon, startDaemon } from './support/daemon.ts';
import { CLI, Program } from './support/program.ts';
import { sdkProcess } from './support/tools.ts';

const soon = { minMs: 1, maxMs: 50 };

/** A host that finds its daemon by the home directory alone, however often that daemon is restarted. */
async function hostAt(home: string, options: Partial<HostOptions> = {}): Promise<Host> {
  const host = await connectHost({ env: {}, home, ...options });
  own(() => host.close());
  return host;
}

/** An agent that comes back by itself to whatever daemon runs there. */
async function agentAt(daemon: Daemon, onChat: OnChat) {
  const token = await daemon.register('speaker');
  const attached: (() => void)[] = [];
  const agent = await connectAgent({
    env: {},
    home: daemon.home,
    agentId: 'speaker',
    token,
    onChat,
    reconnect: soon,
    onStatus: ({ status }) => {
      if (status === 'ready') for (const resolve of attached.splice(0)) resolve();
    },
  });
  own(() => agent.close());
  return { agent, attached: () => new Promise<void>((resolve) => attached.push(resolve)) };
}

describe('when the daemon dies and is started again', () => {
  const flags = ['--durable', 'off'];

  it('a resumable chat goes on, and switchboard chat says so', async () => {
    const home = temporaryDirectory();
    const daemon = await startDaemon({ home });
    const { onChat, say } = speaker();
    await agentAt(daemon, onChat);
    const chat = new Program([CLI, 'chat', 'speaker', 'x'], { SWITCHBOARD_HOME: home });
    say('one ');
    await chat.shows('one ');
    await daemon.program.kill('SIGKILL');
    await chat.shows('connection lost', 'err');
    say('two ');
    await startDaemon({ home });
    await chat.shows('[back]', 'err');
    await chat.shows('two ');
    say('three');
    say();
    expect(await chat.exit).toEqual({ code: 0, signal: null });
    expect(chat.out).toBe('one two three\n');
  });

  it('without a journal a resumable chat ends in an error that may be retried; host and agent come back, and it works', async () => {
    const home = temporaryDirectory();
    const daemon = await startDaemon({ home, flags });
    const { attached } = await agentAt(daemon, async function* ({ prompt, signal }) {
      yield 'one';
      if (prompt === 'wait') await new Promise((resolve) => signal.addEventListener('abort', resolve));
    });
    const host = await hostAt(home, { reconnect: soon });
    const events = host.chat('speaker', 'wait', { resumable: true })[Symbol.asyncIterator]();
    expect(await events.next()).toMatchObject({ value: { delta: 'one' } });
    const back = attached();
    await daemon.program.kill('SIGKILL');
    await startDaemon({ home, flags });
    const error = await events.next().catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ResumeError);
    expect(error).toMatchObject({ reason: 'not_found', retryable: true });
    await back;
    expect(await host.chat('speaker', 'again', { resumable: true }).text()).toBe('one');
  });

  it('a plain chat ends in ConnectionLostError, and so does its host', async () => {
    const daemon = await startDaemon();
    const { onChat } = speaker();
    await agentAt(daemon, onChat);
    const host = await hostAt(daemon.home);
    const chat = host.chat('speaker', 'x');
    await chat.ack;
    await daemon.program.kill('SIGKILL');
    const lost = { name: 'ConnectionLostError', retryable: true };
    await expect(chat.text()).rejects.toMatchObject(lost);
    expect(await host.closed).toMatchObject(lost);
  });

  it('a resumable chat whose daemon stays away ends when its window is over', async () => {
    const daemon = await startDaemon();
    const { onChat } = speaker();
    await agentAt(daemon, onChat);
    const host = await hostAt(daemon.home);
    const chat = host.chat('speaker', 'x', { resumable: true, resumeWindowMs: 100 });
    await chat.ack;
    await daemon.program.kill('SIGKILL');
    await expect(chat.text()).rejects.toMatchObject({ name: 'ResumeError', reason: 'window_over', retryable: true });
    await host.closed;
  });

  it('without a journal switchboard chat ends with 1 and says what became of the answer', async () => {
    const home = temporaryDirectory();
    const daemon = await startDaemon({ home, flags });
    const { onChat, say } = speaker();
    await agentAt(daemon, onChat);
    const chat = new Program([CLI, 'chat', 'speaker', 'x'], { SWITCHBOARD_HOME: home });
    say('one');
    await chat.shows('one');
    await daemon.program.kill('SIGKILL');
    await chat.shows('connection lost', 'err');
    await startDaemon({ home, flags });
    expect(await chat.exit).toEqual({ code: 1, signal: null });
    expect(chat.out).toBe('one\n');
    expect(chat.err).toContain('the chat cannot be resumed');
  });
});

describe('when the daemon stays', () => {
  let daemon: Daemon;
  beforeAll(async () => {
    daemon = await startDaemon();
  });

  describe('and a wire is cut', () => {
    it('switchboard chat goes on, and says so', async () => {
      const { onChat, say } = speaker();
      await agentAt(daemon, onChat);
      const proxy = await CutProxy.to(daemon.url);
      const chat = new Program([CLI, 'chat', 'speaker', 'x', '--url', proxy.url], { SWITCHBOARD_HOME: daemon.home });
      say('one ');
      await chat.shows('one ');
      proxy.cut();
      await chat.shows('[back]', 'err');
      say('two');
      say();
      expect(await chat.exit).toEqual({ code: 0, signal: null });
      expect(chat.out).toBe('one two\n');
      expect(chat.err.split('\n')).toEqual([expect.stringContaining('connection lost'), '[back]', '']);
    });

    it('switchboard chat leaves at the first Ctrl-C', async () => {
      const { onChat, say } = speaker();
      await agentAt(daemon, onChat);
      const proxy = await CutProxy.to(daemon.url);
      const chat = new Program([CLI, 'chat', 'speaker', 'x', '--url', proxy.url], { SWITCHBOARD_HOME: daemon.home });
      say('one');
      await chat.shows('one');
      proxy.close();
      await chat.shows('connection lost', 'err');
      expect(await chat.kill('SIGINT')).toEqual({ code: 130, signal: null });
    });
  });

  describe('and the program itself dies', () => {
    it('the next one goes on with its handle', async () => {
      const { onChat, say } = speaker();
      await agentAt(daemon, onChat);
      const env = { SWITCHBOARD_HOME: daemon.home };
      const first = sdkProcess(
        `const host = await connectHost();
       const chat = host.chat('speaker', 'x', { resumable: true });
       for await (const event of chat) console.log(JSON.stringify(chat.handle));`,
        env,
      );
      say('one ');
      await first.shows('\n');
      await first.kill('SIGKILL');
      say('two');
      say();
      const second = sdkProcess(
        `const host = await connectHost();
       for await (const { kind, delta } of host.resume(JSON.parse(process.env.HANDLE))) console.log(kind, delta);
       await host.close();`,
        { ...env, HANDLE: first.lines[0] ?? '' },
      );
      expect(await second.exit).toEqual({ code: 0, signal: null });
      expect(second.lines).toEqual(['token two', 'done undefined']);
    });
  });
});
