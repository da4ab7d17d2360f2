import { beforeEach, describe, expect, it } from 'vitest';
import { RealDaemon } from './real-daemon.ts';
import type { TestIo } from './test-io.ts';

let daemon: RealDaemon;
let io: TestIo;
beforeEach(async () => {
  daemon = await RealDaemon.start();
  io = daemon.io();
});

const QUESTION = 'allow this? [y/n] ';

/** Both ends of a terminal that a person sits at. */
function atTerminal(): void {
  io.stdin.isTTY = true;
  io.stdout.isTTY = true;
  io.stderr.isTTY = true;
}

describe('switchboard chat › asked for an approval', () => {
  it.each([
    ['y\n', 'It was approved.'],
    ['Yes\n', 'It was approved.'],
    ['n\n', 'It was denied.'],
  ])('at a terminal › asks, and %j says it', async (keys, words) => {
    atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this');
    await io.shows(QUESTION, 'err');
    io.stdin.write(keys);
    expect(await running).toBe(0);
    expect(io.out).toBe(`I ask before I go on.\n${words}\n`);
  });

  it('when the answer is neither yes nor no › asks again, and nothing has happened', async () => {
    atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this');
    await io.shows(QUESTION, 'err');
    io.stdin.write('yesterday\n');
    await io.shows(QUESTION, 'err', 2);
    expect(await daemon.manager.approvals()).toMatchObject([{ status: 'pending' }]);
    io.stdin.write('n\n');
    expect(await running).toBe(0);
    expect(io.out).toContain('It was denied.');
  });

  it.each([
    ['approve', 'It was approved.', '[approved]'],
    ['deny', 'It was denied.', '[denied]'],
  ] as const)('when somebody else says %s › the question ends', async (resolution, words, told) => {
    atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this');
    await io.shows(QUESTION, 'err');
    await daemon.manager.resolveApproval((await daemon.pending()).id, resolution);
    expect(await running).toBe(0);
    expect(io.out).toContain(words);
    expect(io.err).toContain(`\n${told}\n`);
    expect(io.err).not.toContain('waiting for');
  });

  it('when Ctrl-C is pressed at the question › cancels the turn', async () => {
    atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this');
    await io.shows(QUESTION, 'err');
    // The terminal is in raw mode then, and gives the key itself.
    io.stdin.write('\u0003');
    expect(await running).toBe(130);
    expect(io.err).not.toContain('waiting for');
    expect(await daemon.manager.approvals()).toMatchObject([{ status: 'withdrawn' }]);
  });

  it('when the terminal has no more input › says how to answer, and waits', async () => {
    atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this');
    await io.shows(QUESTION, 'err');
    io.stdin.end();
    const { id } = await daemon.pending();
    await io.shows(`switchboard approve ${id}`, 'err');
    await daemon.manager.resolveApproval(id, 'approve');
    expect(await running).toBe(0);
  });

  it.each([
    ['without a terminal', []],
    ['with --json', ['--json']],
  ])('%s › says how to answer it from another one, which works', async (how, flags) => {
    if (how !== 'without a terminal') atTerminal();
    const running = io.run('chat', 'echo', '/approve', 'this', ...flags);
    const { id } = await daemon.pending();
    await io.shows(
      `[waiting for an approval: this]\n[answer it from another terminal: switchboard approve ${id}`,
      'err',
    );
    expect(io.err).not.toContain(QUESTION);
    const other = daemon.io();
    expect(await other.run('approve', id)).toBe(0);
    expect(await running).toBe(0);
    expect(io.out).toContain('It was approved.');
    expect(io.err).toContain('[approved]\n');
  });

  it.each([
    ['--approve', 'It was approved.', '[approved: this]\n'],
    ['--deny', 'It was denied.', '[denied: this]\n'],
  ])('%s answers by itself', async (flag, words, told) => {
    atTerminal();
    expect(await io.run('chat', 'echo', flag, '/approve', 'this')).toBe(0);
    expect(io.out).toContain(words);
    expect(io.err).toBe(told);
  });

  it('in a conversation › what was pasted ahead is no answer, but the next prompt', async () => {
    atTerminal();
    const running = io.run('chat', 'echo');
    await io.shows('> ', 'err');
    io.stdin.write('/approve this\ny\n');
    await io.shows(QUESTION, 'err');
    expect(await daemon.manager.approvals()).toMatchObject([{ status: 'pending' }]);
    io.stdin.write('n\n');
    await io.shows('It was denied.');
    // The "y" was echoed by the agent.
    await io.shows('y\n');
    io.stdin.write('/quit\n');
    expect(await running).toBe(0);
  });
});

describe('switchboard chat › a tool of the host', () => {
  it('is used by the agent, as a line shows', async () => {
    expect(await io.run('chat', 'echo', '/tool', 'dice', '{"sides": 2}')).toBe(0);
    expect(io.out).toMatch(/^Your dice says: [12]\n$/);
    expect(io.err).toMatch(/^⚙ dice\({"sides":2}\)\n✓ dice\({"sides":2}\) → [12]\n$/);
  });

  it('tells the time', async () => {
    expect(await io.run('chat', 'echo', '/tool clock {"time_zone": "UTC"}')).toBe(0);
    expect(io.out).toMatch(/^Your clock says: {"utc":"\d{4}-.*Z","local":".* UTC"}\n$/);
  });
});

describe('switchboard chat › when the gate holds a tool back', () => {
  const ASK = ['chat', 'echo', '/tool', 'clock', '{"time_zone": "UTC\\u200b"}'];
  beforeEach(async () => {
    daemon = await RealDaemon.start({ approvals: { methods: ['tools.execute:clock'] } });
    io = daemon.io();
  });

  it('at a terminal › asks, with what it would be given, and a no is taken', async () => {
    atTerminal();
    const running = io.run(...ASK);
    await io.shows('allow clock(', 'err');
    expect(io.err).toContain('\\u200b');
    io.stdin.write('n\n');
    expect(await running).toBe(0);
    expect(io.out).toContain('it was denied');
    expect(io.err).not.toContain('[denied]');
  });

  it('when somebody else decides › the question ends, and says how', async () => {
    atTerminal();
    const running = io.run('chat', 'echo', '/tool', 'clock');
    await io.shows('allow clock(', 'err');
    await daemon.manager.resolveApproval((await daemon.pending()).id, 'approve');
    expect(await running).toBe(0);
    expect(io.err).toContain('[approved]');
  });

  it('without a terminal › says how to answer it from another', async () => {
    const running = io.run('chat', 'echo', '/tool', 'clock');
    const { id } = await daemon.pending();
    await io.shows(`switchboard approve ${id}`, 'err');
    await daemon.manager.resolveApproval(id, 'approve');
    expect(await running).toBe(0);
  });
});
