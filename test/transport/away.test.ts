import { once } from 'node:events';
import { afterEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { PatientTimer } from '../../protocol/patience.ts';
import { SocketClient, startListening } from './socket-client.ts';

/** Holds the event loop: for those outside no different from SIGSTOP. Nothing is read, no timer runs, and time goes by. */
function block(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

afterEach(() => {
  vi.useRealTimers();
});

describe('a broker that was stopped for longer than it waits', () => {
  test('whoever has nothing to say but answers pings › is not closed, and its turn goes on', async () => {
    const limits = { pingIntervalMs: 300, heartbeatTimeoutMs: 1_000 };
    const { broker, address } = await startListening({ limits });
    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, address, 'echo');
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    block(3_000);
    // Judged, and pinged, again.
    const pinged = new Promise((resolve) => host.ws.once('ping', () => host.ws.once('ping', () => resolve('pinged'))));
    expect(await Promise.race([pinged, host.closed, agent.closed])).toBe('pinged');
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().length === 1);
    expect(host.events()).toMatchObject([{ kind: 'done' }]);
  });

  test('whoever is silent from then on › is closed all the same', async () => {
    const limits = { pingIntervalMs: 300, heartbeatTimeoutMs: 1_000 };
    const { broker, address } = await startListening({ limits });
    const host = await SocketClient.host(broker, address, { autoPong: false });
    block(3_000);
    expect(await host.closed).toBe(4408);
  });

  test('whose session.auth has been waiting in the socket › is read before the time for it is over', async () => {
    const { broker, address } = await startListening({ limits: { authTimeoutMs: 1_000 } });
    const client = await SocketClient.connect(address);
    const auth = client.call('session.auth', { token: broker.tokens.daemon });
    block(3_000);
    expect((await auth).result).toMatchObject({ ok: true });
  });

  test('whose ack has been waiting in the socket › has its turn', async () => {
    const { broker, address } = await startListening({ limits: { ackTimeoutMs: 1_000 } });
    const host = await SocketClient.host(broker, address);
    const { token } = broker.upsertAgent({ id: 'slow' });
    const agent = await SocketClient.connect(address);
    await agent.ok('session.auth', { agent_id: 'slow', token });
    const chat = host.call('agents.chat', { agent_id: 'slow', prompt: 'p' });
    const { id } = await agent.until(() => agent.frames.find(({ method }) => method === 'agent.chat'));
    agent.send({ jsonrpc: '2.0', id, result: { accepted: true } });
    block(3_000);
    expect((await chat).result).toMatchObject({ accepted: true });
  });

  test('whose message is half here › has its time for the rest', async () => {
    const { broker, address } = await startListening({ limits: { messageTimeoutMs: 1_500 } });
    const host = await SocketClient.host(broker, address);
    host.ws.send('{"jsonrpc":"2.0","id":"half",', { fin: false });
    const ponged = once(host.ws, 'pong');
    host.ws.ping();
    await ponged;
    block(4_000);
    host.ws.send('"method":"agents.list"}', { fin: true });
    expect(await host.until(() => host.frames.find(({ id }) => id === 'half'))).toMatchObject({ result: [] });
  });
});

describe('a patient timer', () => {
  test('that is on time › runs on time, once; one that was stopped, never', async () => {
    const runs: string[] = [];
    const at = performance.now();
    await new Promise<void>((resolve) => {
      new PatientTimer(() => runs.push('stopped'), 20).stop();
      new PatientTimer(() => {
        runs.push('run');
        resolve();
      }, 50);
    });
    expect(performance.now() - at).toBeGreaterThanOrEqual(49);
    expect(runs).toEqual(['run']);
  });

  test('that is late › may be stopped by what is read before it, and runs once if nobody does', async () => {
    const runs: string[] = [];
    const stopped = new PatientTimer(() => runs.push('stopped'), 20);
    const ran = new Promise<void>((resolve) => {
      new PatientTimer(() => {
        runs.push('run');
        resolve();
      }, 20);
    });
    setImmediate(() => stopped.stop());
    block(2_000);
    await ran;
    expect(runs).toEqual(['run']);
  });
});

describe('the wall clock', () => {
  test.each([-1, 1])('when it jumps by a day (%i) › then nothing runs out, and nothing waits for ever', async (way) => {
    const limits = { pingIntervalMs: 50, heartbeatTimeoutMs: 2_000, ackTimeoutMs: 2_000, authTimeoutMs: 1_000 };
    const { broker, address } = await startListening({ limits });
    const host = await SocketClient.host(broker, address);
    const agent = await SocketClient.agent(broker, address, 'echo');
    const stranger = await SocketClient.connect(address);
    await host.ok('agents.chat', { agent_id: 'echo', prompt: 'p', session_id: 's' });
    vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + way * 24 * 3_600_000 });
    onTestFinished(() => void vi.useRealTimers());
    // Nobody has waited for longer: this is due by the clock that goes on.
    expect(await stranger.closed).toBe(4401);
    agent.emit('s', { kind: 'done', finish_reason: 'stop' });
    await host.until(() => host.events().length === 1);
    expect(host.events()).toMatchObject([{ kind: 'done' }]);
  });
});
