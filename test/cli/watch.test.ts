import { beforeEach, describe, expect, it } from 'vitest';
import { RealDaemon } from './real-daemon.ts';
import type { TestIo } from './test-io.ts';

let daemon: RealDaemon;
let io: TestIo;
beforeEach(async () => {
  daemon = await RealDaemon.start();
  io = daemon.io();
});

const started = () => io.shows('watching switchboard', 'err');

describe('switchboard watch', () => {
  it('sums up what is there, and shows what happens, a line each', async () => {
    const running = io.run('watch');
    await started();
    expect(io.err).toMatch(/^watching switchboard \S+, pid \d+: 1 agent, 0 approvals waiting\n$/);
    const chat = (await daemon.real.host()).chat('echo', '/approve paint\u001b[2J it');
    const { id } = await daemon.pending();
    await daemon.manager.resolveApproval(id, 'approve');
    await chat.text();
    await io.shows('chat.ended');
    io.interrupt();
    expect(await running).toBe(130);
    const lines = io.out.trimEnd().split('\n');
    expect(lines.map((line) => line.split(/ {2,}/)[1])).toEqual([
      'chat.started',
      'approval.requested',
      'approval.resolved',
      'chat.ended',
    ]);
    expect(lines[1]).toMatch(
      new RegExp(
        `^\\d\\d:\\d\\d:\\d\\d {2}approval\\.requested {4}echo {2}.*paint\\\\u001b\\[2J it {2}\\(switchboard approve ${id}\\)$`,
      ),
    );
  });

  it('says what waits already', async () => {
    await daemon.manager.requestApproval({ action: 'launch' });
    const running = io.run('watch');
    await io.shows('1 approval waiting (switchboard approvals)', 'err');
    io.interrupt();
    expect(await running).toBe(130);
  });

  it('--json prints the events as they are, and nothing else', async () => {
    const running = io.run('watch', '--json');
    await started();
    const event = await daemon.manager.notify({
      kind: 'my.own',
      message: 'a\nb\u202e\u009b',
      payload: { x: ['\u200b\u{e0041}'] },
    });
    await io.shows('\n');
    io.interrupt();
    await running;
    expect(JSON.parse(io.out)).toEqual(event);
    expect(io.out).toMatch(/^[\x20-\x7e]+\n$/);
    expect(io.out).toContain('a\\nb\\u202e\\u009b');
  });

  it('sees what only the management role may, unless it is given a daemon token', async () => {
    const token = daemon.real.broker.tokens.daemon;
    const plain = daemon.io();
    const watches = [io.run('watch', '--json'), plain.run('watch', '--json', '--token', token)];
    await Promise.all([started(), plain.shows('watching switchboard', 'err')]);
    const { agentId } = await daemon.real.agent(async (turn) => {
      await turn.requestApproval({ tool: 'rm', params: { path: '/secret' } });
    });
    const chat = (await daemon.real.host()).chat(agentId, 'go');
    await Promise.all([io.shows('approval.requested'), plain.shows('approval.requested')]);
    await chat.cancel();
    io.interrupt();
    plain.interrupt();
    expect(await Promise.all(watches)).toEqual([130, 130]);
    expect(io.out).toContain('/secret');
    expect(plain.out).not.toContain('/secret');
  });

  it('when the daemon goes › ends with 1 and says so', async () => {
    const running = io.run('watch');
    await started();
    await daemon.real.broker.close();
    expect(await running).toBe(1);
    expect(io.err).toContain('connection lost (1001, broker stopping); the daemon may have stopped');
  });

  it('when the reader of stdout leaves › ends quietly', async () => {
    const running = io.run('watch');
    await started();
    io.stdout.destroy(Object.assign(new Error('write EPIPE'), { code: 'EPIPE' }));
    expect(await running).toBe(0);
  });

  it('with a wrong host token › ends with 4', async () => {
    expect(await io.run('watch', '--host-token', 'bad')).toBe(4);
  });
});
