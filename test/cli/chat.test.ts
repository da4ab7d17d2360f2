import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { done, TestDaemon, token } from './test-daemon.ts';
import { TestIo } from './test-io.ts';

const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\p{Variation_Selector}]/u;

let daemon: TestDaemon;
let io: TestIo;
beforeEach(async () => {
  daemon = await TestDaemon.start();
  io = daemon.io();
});
afterEach(() => daemon.stop());

describe('switchboard chat AGENT PROMPT', () => {
  it('streams the answer as it arrives, and ends with 0', async () => {
    let finish = () => {};
    daemon.answer = (_prompt, turn) => {
      turn.send(token('one '));
      finish = () => turn.send(token('two'), done());
      return [];
    };
    const running = io.run('chat', 'echo', 'hello', 'there');
    await io.shows('one ');
    finish();
    expect(await running).toBe(0);
    expect(io.out).toBe('one two\n');
    expect(io.err).toBe('');
    expect(daemon.chats).toMatchObject([{ agent_id: 'echo', prompt: 'hello there' }]);
  });

  it('passes model, session and context on', async () => {
    const flags = ['--model', 'm', '--session', 's1', '--context', '{"a":1}'];
    expect(await io.run('chat', 'echo', 'hi', ...flags)).toBe(0);
    expect(daemon.chats).toMatchObject([{ model: 'm', session_id: 's1', context: { a: 1 } }]);
  });

  it('with --json › prints the raw events, one a line, of the same value and with nothing unseen', async () => {
    const delta = 'a\u001b[31m\u009b\u007f\u202eb\u200d\u2028\u{e0041}';
    daemon.answer = () => [token(delta), done()];
    expect(await io.run('chat', 'echo', 'hi', '--json')).toBe(0);
    expect(io.out.replaceAll('\n', '')).not.toMatch(UNSEEN);
    const events = io.out
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line));
    expect(events).toMatchObject([{ kind: 'token', delta, turn_id: 't1' }, { kind: 'done' }]);
  });

  it.each([
    ['with "-"', ['-']],
    ['without a prompt', []],
  ])('%s › reads the prompt from a pipe', async (_how, words) => {
    const running = io.run('chat', 'echo', ...words);
    io.stdin.write('a line\n');
    io.stdin.end('and another\n');
    expect(await running).toBe(0);
    expect(daemon.chats[0].prompt).toBe('a line\nand another');
  });

  it('when the pipe is empty › is wrong usage', async () => {
    io.stdin.end();
    expect(await io.run('chat', 'echo')).toBe(2);
    expect(io.err).toContain('stdin is empty');
  });

  it('on a terminal › writes out what cannot be seen, also where it was cut in two', async () => {
    daemon.answer = () => [token('a\u001b'), token('[2J\tb\nc\u009b31m\r\u0007é'), done()];
    io.stdout.isTTY = true;
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.out).toBe('a\\u001b[2J\tb\nc\\u009b31m\\u000d\\u0007é\n');
  });

  it('on a terminal › keeps emoji, Persian and Hebrew whole, however they were cut, and turns nothing around', async () => {
    const answer = '👩\u200d🚀 🏴\u{e0067}\u{e0062}\u{e0065}\u{e006e}\u{e0067}\u{e007f} می\u200cخواهم \u200fשלום\u200f';
    const units = Array.from({ length: answer.length }, (_, at) => token(answer[at] ?? ''));
    daemon.answer = () => [...units, token(' delete \u202egpj.tac\u202c n\u200bow\r'), token('\nend\u{e0041}'), done()];
    io.stdout.isTTY = true;
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.out).toBe(`${answer} delete \\u202egpj.tac\\u202c n\\u200bow\nend\\udb40\\udc41\n`);
  });

  it('on a terminal › says what it kept back before a tool takes the screen', async () => {
    daemon.answer = () => [
      token('👩\u200d'),
      { kind: 'tool_call', tool: 'a\u202eb', params: { c: '\u{e0041}' } },
      done(),
    ];
    io.stdout.isTTY = true;
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.screen).toBe('👩\\u200d\n⚙ a\\u202eb({"c":"\\udb40\\udc41"})\n');
  });

  it('in a pipe › leaves the text as it is', async () => {
    daemon.answer = () => [token('a\u001b[31m\r\n'), done()];
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.out).toBe('a\u001b[31m\r\n');
  });

  it('shows the text of done where nothing was streamed', async () => {
    daemon.answer = () => [done({ text: 'all at once' })];
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.out).toBe('all at once\n');
  });

  it('tells of tools on stderr, a line each', async () => {
    daemon.answer = () => [
      { kind: 'tool_call', call_id: '1', tool: 'search\u001b', params: { q: 'a\nb' } },
      { kind: 'tool_call', call_id: '2', tool: 'rm' },
      { kind: 'tool_result', call_id: '2', tool: 'rm', ok: false, excerpt: 'no\u001b[2J such\nfile' },
      { kind: 'tool_result', call_id: '1', tool: 'search\u001b', ok: true },
      { kind: 'tool_result', tool: 'unheard-of', ok: true, excerpt: 'x' },
      token('ok'),
      done(),
    ];
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.err.split('\n')).toEqual([
      '⚙ search\\u001b({"q":"a\\nb"})',
      '⚙ rm()',
      '✗ rm() → no\\u001b[2J such\\nfile',
      '✓ search\\u001b({"q":"a\\nb"})',
      '✓ unheard-of → x',
      '',
    ]);
    expect(io.out).toBe('ok\n');
  });

  it('on a terminal › fills a tool’s line in with its result, cut to the width', async () => {
    io.stderr.isTTY = true;
    io.stderr.columns = 30;
    daemon.answer = () => [
      { kind: 'tool_call', tool: 'search' },
      { kind: 'tool_result', tool: 'search', ok: true, excerpt: 'a long answer that does not fit' },
      done(),
    ];
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.err).toBe('⚙ search() …\r\u001b[K✓ search() → a long answer …\n');
    expect(io.err.split('\u001b[K')[1]?.trimEnd()).toHaveLength(28);
  });

  it('on a terminal › leaves the line be when something else was written meanwhile', async () => {
    io.stdout.isTTY = true;
    io.stderr.isTTY = true;
    daemon.answer = () => [
      { kind: 'tool_call', tool: 'search' },
      token('meanwhile'),
      { kind: 'tool_result', tool: 'search', ok: true, excerpt: 'found' },
      done(),
    ];
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(io.err).toBe('⚙ search() …\n✓ search() → found\n');
    expect(io.out).toBe('meanwhile\n');
  });

  it('on a terminal › holds back what comes while a question stands there', async () => {
    io.stdin.isTTY = true;
    io.stdout.isTTY = true;
    io.stderr.isTTY = true;
    let goOn = () => {};
    daemon.answer = (_prompt, turn) => {
      goOn = () =>
        turn.send(
          token('in between'),
          { kind: 'approval_resolved', approval_id: 'a', resolution: 'timeout' },
          token(' and after'),
          done(),
        );
      return [{ kind: 'approval_pending', approval_id: 'a', tool: 'rm', params: { path: '/' } }];
    };
    const running = io.run('chat', 'echo', 'hi');
    await io.shows('allow rm({"path":"/"})? [y/n] ', 'err');
    goOn();
    expect(await running).toBe(0);
    expect(io.screen.split('[y/n] ')[1]?.split('\n').slice(1)).toEqual([
      'in between',
      '[not answered in time]',
      ' and after',
      '',
    ]);
  });

  it('offers the agent a clock and dice, unless it is told not to', async () => {
    expect(await io.run('chat', 'echo', 'hi')).toBe(0);
    expect(daemon.offered.map(({ name }) => name)).toEqual(['clock', 'dice']);
    expect(await io.run('chat', 'echo', 'hi', '--no-tools')).toBe(0);
    expect(daemon.offered).toHaveLength(2);
  });

  it.each([
    [{ kind: 'error', error: 'it broke\u001b' }, 'switchboard: the agent failed: it broke\\u001b\n'],
    [{ kind: 'auth_required', reason: 'x', message: 'log in' }, 'switchboard: the agent needs you to log in: log in\n'],
    [done({ finish_reason: 'cancelled' }), 'switchboard: the turn was cancelled\n'],
  ])('when the turn ends in %j › ends with 1 and says so', async (terminal, words) => {
    daemon.answer = () => [token('so far'), terminal];
    expect(await io.run('chat', 'echo', 'hi')).toBe(1);
    expect(io.out).toBe('so far\n');
    expect(io.err).toBe(words);
  });

  it('when Ctrl-C is pressed › cancels the turn, says so, and ends with 130', async () => {
    daemon.answer = () => [token('never ending')];
    const running = io.run('chat', 'echo', 'hi');
    await io.shows('never ending');
    io.interrupt();
    expect(await running).toBe(130);
    expect(daemon.cancels).toHaveLength(1);
    expect(io.err).toContain('cancelling');
  });

  it('when Ctrl-C is pressed twice › leaves without waiting for the turn', async () => {
    daemon.answer = (_prompt, { wire }) => {
      wire.pause();
      return [token('stuck')];
    };
    const running = io.run('chat', 'echo', 'hi');
    await io.shows('stuck');
    io.interrupt();
    io.interrupt();
    expect(await running).toBe(130);
  });

  it('when the reader of stdout leaves › cancels the turn and ends quietly', async () => {
    daemon.answer = () => [token('a lot')];
    const running = io.run('chat', 'echo', 'hi');
    await io.shows('a lot');
    io.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await running).toBe(0);
    expect(daemon.cancels).toHaveLength(1);
    expect(io.err).toBe('');
  });

  it('when the daemon goes in the middle › ends with 1 and says so', async () => {
    daemon.answer = (_prompt, { wire }) => {
      setImmediate(() => wire.close(1001, 'broker stopping'));
      return [token('so far')];
    };
    expect(await io.run('chat', 'echo', 'hi')).toBe(1);
    expect(io.out).toBe('so far\n');
    expect(io.err).toContain('connection lost (1001, broker stopping)');
  });

  it.each([
    ['nobody', 'there is no agent nobody; attached: echo'],
    ['sleepy', 'agent sleepy is not attached; attached: echo'],
  ])('when the agent is %s › ends with 5 and names those that are there', async (agent, words) => {
    expect(await io.run('chat', agent, 'hi')).toBe(5);
    expect(io.err).toBe(`switchboard: ${words}\n`);
  });

  it('when the token is wrong › ends with 4 and says so', async () => {
    expect(await io.run('chat', 'echo', 'hi', '--token', 'bad')).toBe(4);
    expect(io.err).toBe(
      `switchboard: the daemon at ${daemon.broker.url} refused the token that --token gave; is it that of the running daemon?\n`,
    );
  });

  it('when nobody listens › ends with 3 and says how to start one', async () => {
    const { url } = daemon.broker;
    await daemon.stop();
    expect(await io.run('chat', 'echo', 'hi', '--url', url)).toBe(3);
    expect(io.err).toBe(
      `switchboard: no daemon is running at ${url}; start one with \`npx switchboard serve\`, or name another with --url or --home\n`,
    );
    daemon = await TestDaemon.start();
  });

  it('when no daemon is found › ends with 3 and says where it looked', async () => {
    const lonely = new TestIo();
    expect(await lonely.run('chat', 'echo', 'hi', '--home', '/nonexistent')).toBe(3);
    expect(lonely.err).toContain('no daemon is running for /nonexistent; start one with `npx switchboard serve`');
  });

  it.each([
    [['chat']],
    [['chat', 'echo', 'hi', '--context', '[1]']],
    [['chat', 'echo', 'hi', '--context', '{']],
    [['chat', 'echo', 'hi', '--no-such-flag']],
    [['chat', 'echo', 'hi', '--url', 'nonsense']],
    [['chat', 'echo', 'hi', '--approve', '--deny']],
    [['approve']],
    [['no-such-command']],
  ])('%j is wrong usage: 2', async (argv) => {
    expect(await io.run(...argv)).toBe(2);
    expect(io.err).not.toBe('');
  });

  it('--help lists the exit codes, and is no error', async () => {
    expect(await io.run('chat', '--help')).toBe(0);
    expect(io.out).toContain('130  cancelled by Ctrl-C');
  });
});
