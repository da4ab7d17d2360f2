import { describe, expect, it, onTestFinished, vi } from 'vitest';
import { CutProxy } from '../client/cut-proxy.ts';
import { RealBroker } from '../client/real-broker.ts';
import { speaker } from '../client/speaker.ts';
import { TestIo } from './test-io.ts';

const LOST = '[connection lost; waiting for it to come back… Ctrl-C leaves]';

/** A terminal whose wire to the broker can be cut, and an agent that speaks when it is told to. */
async function scene() {
  const real = await RealBroker.start();
  const { onChat, say } = speaker();
  await real.agent(onChat);
  const proxy = await CutProxy.to(real.url);
  const io = new TestIo({ SWITCHBOARD_URL: proxy.url, SWITCHBOARD_AUTH_TOKEN: real.broker.tokens.daemon });
  return { real, proxy, io, say };
}

describe('switchboard chat AGENT PROMPT, when the connection is lost', () => {
  it('says so on stderr, and the answer goes on where it was', async () => {
    const { proxy, io, say } = await scene();
    const running = io.run('chat', 'echo', 'hi');
    say('one ');
    await io.shows('one ');
    proxy.close();
    await io.shows('connection lost', 'err');
    say('two ');
    proxy.open();
    await io.shows('[back]', 'err');
    say('three');
    say();
    expect(await running).toBe(0);
    expect(io.out).toBe('one two three\n');
    expect(io.err).toBe(`${LOST}\n[back]\n`);
  });

  it('on a terminal › says it dimly, on lines of its own', async () => {
    const { proxy, io, say } = await scene();
    io.stdout.isTTY = true;
    io.stderr.isTTY = true;
    const running = io.run('chat', 'echo', 'hi');
    say('one ');
    await io.shows('one ');
    proxy.cut();
    await io.shows('[back]', 'err');
    say('two');
    say();
    expect(await running).toBe(0);
    expect(io.screen).toBe(`one \n\u001b[2m${LOST}\u001b[22m\n\u001b[2m[back]\u001b[22m\ntwo\n`);
  });

  it('with --json › stdout holds nothing but events', async () => {
    const { proxy, io, say } = await scene();
    const running = io.run('chat', 'echo', 'hi', '--json');
    say('one');
    await io.shows('one');
    proxy.cut();
    await io.shows('[back]', 'err');
    say('two');
    say();
    expect(await running).toBe(0);
    const events = io.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([
      { delta: 'one', seq: 1 },
      { delta: 'two', seq: 2 },
      { kind: 'done', seq: 3 },
    ]);
  });

  it('leaves at the first Ctrl-C, with 130', async () => {
    const { proxy, io, say } = await scene();
    const running = io.run('chat', 'echo', 'hi');
    say('one');
    await io.shows('one');
    proxy.close();
    await io.shows('connection lost', 'err');
    io.interrupt();
    expect(await running).toBe(130);
  });

  it('an answer to a question that stood there reaches the agent all the same', async () => {
    const real = await RealBroker.start();
    await real.agent(async function* (turn) {
      const { approved } = await turn.requestApproval({ action: 'make coffee' });
      yield approved ? 'made' : 'not made';
    });
    const proxy = await CutProxy.to(real.url);
    const io = new TestIo({ SWITCHBOARD_URL: proxy.url, SWITCHBOARD_AUTH_TOKEN: real.broker.tokens.daemon });
    io.stdin.isTTY = true;
    io.stderr.isTTY = true;
    const running = io.run('chat', 'echo', 'hi');
    await io.shows('allow make coffee? [y/n] ', 'err');
    proxy.close();
    await io.shows('connection lost', 'err');
    io.stdin.write('y\n');
    proxy.open();
    expect(await running).toBe(0);
    expect(io.out).toBe('made\n');
  });

  it('when the daemon was restarted meanwhile › ends with 1 and says what became of the answer', async () => {
    const { real, proxy, io, say } = await scene();
    const running = io.run('chat', 'echo', 'hi');
    say('one');
    await io.shows('one');
    proxy.close();
    const { url } = await RealBroker.start({ tokens: real.broker.tokens });
    proxy.open(url);
    expect(await running).toBe(1);
    expect(io.out).toBe('one\n');
    expect(io.err).toContain('the chat cannot be resumed, the broker does not know this turn');
  });
});

describe('switchboard chat AGENT, when the connection is lost', () => {
  async function conversation() {
    const all = await scene();
    all.io.stdin.isTTY = true;
    const running = all.io.run('chat', 'echo');
    await all.io.shows('> ', 'err');
    return { ...all, running };
  }

  it('between two answers › says so, and goes on when it is back', async () => {
    const { proxy, io, say, running } = await conversation();
    proxy.close();
    await io.shows('connection lost', 'err');
    proxy.open();
    await io.shows('[back]', 'err');
    say('hello');
    say();
    io.stdin.write('hi\n');
    await io.shows('hello\n');
    await io.shows('> ', 'err', 2);
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
  });

  it('in an answer › that goes on, and so does the conversation', async () => {
    const { proxy, io, say, running } = await conversation();
    say('one ');
    io.stdin.write('hi\n');
    await io.shows('one ');
    proxy.close();
    await io.shows('connection lost', 'err');
    proxy.open();
    await io.shows('[back]', 'err');
    say('two');
    say();
    await io.shows('one two\n');
    await io.shows('> ', 'err', 2);
    io.stdin.end();
    expect(await running).toBe(0);
    expect(io.err.split('connection lost')).toHaveLength(2);
  });

  it('is not waited for longer than a minute', async () => {
    const { proxy, io, running } = await conversation();
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    onTestFinished(() => {
      vi.useRealTimers();
    });
    proxy.close();
    await io.shows('connection lost', 'err');
    let isOver = false;
    void running.then(() => {
      isOver = true;
    });
    await vi.advanceTimersByTimeAsync(59_000);
    expect(isOver).toBe(false);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(await running).toBe(1);
    expect(io.err).toMatch(/\[connection lost; .*\]\nswitchboard: .+\n$/);
  });

  it('Ctrl-C and /quit leave while it waits', async () => {
    const first = await conversation();
    first.proxy.close();
    await first.io.shows('connection lost', 'err');
    first.io.interrupt();
    expect(await first.running).toBe(130);
    const second = await conversation();
    second.proxy.close();
    await second.io.shows('connection lost', 'err');
    second.io.stdin.write('/quit\n');
    expect(await second.running).toBe(0);
  });
});
