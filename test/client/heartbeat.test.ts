import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { done, interruptions, ResumeStage, read, token } from './resume-stage.ts';

const stage = new ResumeStage();
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
  onTestFinished(() => {
    vi.useRealTimers();
  });
  await stage.start();
});
afterEach(() => stage.stop());

const TICK = 15_000;

describe('a connection on which nothing is heard', () => {
  it('is asked something after 45 s, and kept when it answers', async () => {
    await stage.connect();
    const { wire, host } = stage;
    vi.advanceTimersByTime(3 * TICK);
    const { id, params } = await wire.receive('server.handshake');
    expect(params).toEqual({ protocol_version: 3 });
    wire.send({ id: id as number, result: {} });
    expect(await wire.settled()).toEqual([]);
    vi.advanceTimersByTime(3 * TICK);
    expect(host.status).toBe('ready');
    expect(await wire.settled()).toEqual([]);
  });

  it('is left in peace while there are pings', async () => {
    await stage.connect();
    for (let n = 0; n < 5; n++) {
      vi.advanceTimersByTime(2 * TICK);
      await stage.wire.ping();
    }
    expect(await stage.wire.settled()).toEqual([]);
  });

  it('is lost when there is no answer either, and a resumable chat goes on over the next', async () => {
    await stage.connect();
    const { states, onInterruption } = interruptions();
    const { chat } = await stage.open({ onInterruption });
    const reading = read(chat);
    stage.wire.send(token(1, 'a'));
    await stage.wire.settled();
    // The first of these still hears what was before.
    vi.advanceTimersByTime(4 * TICK);
    await stage.wire.receive('server.handshake');
    expect(states).toEqual([]);
    vi.advanceTimersByTime(TICK);
    expect(states).toMatchObject([{ error: { closeCode: 1006, closeReason: 'nothing was heard for 60 s' } }]);
    await stage.reconnect({ head: 1 }, done(2));
    expect(await reading).toEqual(['a', 'done']);
  });

  it('ends the host that has no reason to come back', async () => {
    await stage.connect();
    vi.advanceTimersByTime(4 * TICK);
    expect(await stage.host.closed).toMatchObject({ name: 'ConnectionLostError', retryable: true });
  });
});
