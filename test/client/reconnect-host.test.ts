import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { ConnectionClosedError, ConnectionLostError } from '../../client/node.ts';
import { failure, ResumeStage, soon } from './resume-stage.ts';
import type { Wire } from './scripted-broker.ts';

const stage = new ResumeStage();
beforeEach(() => stage.start());
afterEach(() => stage.stop());

describe('connectHost with reconnect', () => {
  it('comes back, tells where it stands, and registers its tools before its chats go on', async () => {
    const seen: string[] = [];
    await stage.connect({ reconnect: soon, onStatus: ({ status }) => seen.push(status) });
    const registering = stage.host.tool('clock', { description: 'Tells the time' }, () => 'noon');
    stage.wire.send({ id: (await stage.wire.receive('session.init')).id as number, result: 1 });
    await registering;
    await stage.open();
    stage.wire.terminate();
    const next = await stage.broker.accept();
    await next.authenticate();
    const { id, params } = await next.receive('session.init');
    expect(params).toEqual({ tools: [{ name: 'clock', description: 'Tells the time' }], params_once: true });
    expect(await next.settled()).toEqual([]);
    next.send({ id: id as number, result: 1 });
    await next.receive('agents.chat.subscribe');
    await next.receive('server.handshake');
    next.send({
      id: 'x',
      method: 'tools.execute',
      params: { tool: 'clock', request_id: 'x', action_id: '', params: {}, parameters: {}, timeout_ms: 9, attempt: 1 },
    });
    expect(await next.receive()).toMatchObject({ id: 'x', result: 'noon' });
    expect(seen).toEqual(['connecting', 'ready', 'waiting', 'connecting', 'ready']);
  });

  it('comes back without chats, too, until it is closed', async () => {
    await stage.connect({ reconnect: soon });
    stage.wire.terminate();
    const next = await stage.broker.accept();
    await next.authenticate();
    next.terminate();
    await (await stage.broker.accept()).authenticate();
    await stage.host.close();
    expect(await stage.host.closed).toBeInstanceOf(ConnectionClosedError);
  });

  it('told to › tries at once, and not before it was told', async () => {
    await stage.connect({ reconnect: { minMs: 3_600_000, maxMs: 3_600_000 } });
    stage.wire.terminate();
    await expect.poll(() => stage.host.status).toBe('waiting');
    stage.host.retry();
    await (await stage.broker.accept()).authenticate();
    await expect.poll(() => stage.host.status).toBe('ready');
    // There is nothing to hurry now.
    stage.host.retry();
    expect(stage.host.status).toBe('ready');
  });

  it('left out › does not come back for plain chats', async () => {
    await stage.connect();
    const chat = stage.host.chat('echo', 'x');
    await stage.wire.receive('agents.chat');
    stage.wire.terminate();
    expect(await failure(chat)).toBeInstanceOf(ConnectionLostError);
    expect(await stage.host.closed).toBeInstanceOf(ConnectionLostError);
  });

  it('renews subscriptions: what was missed comes first, nothing comes twice', async () => {
    await stage.connect({ reconnect: soon });
    const at = (sequence: number) => ({
      id: `e${sequence}`,
      sequence,
      timestamp: '',
      kind: 'x',
      message: '',
      payload: {},
    });
    const answer = async (wire: Wire, last: number, events: object[], pid = 1) => {
      const { id: first } = await wire.receive('server.handshake');
      wire.send({ id: first as number, result: {} });
      const { id } = await wire.receive('host.subscribe');
      const identity = { pid, version: '1' };
      wire.send(
        { method: 'host.event', params: at(last) },
        { id: id as number, result: { agents: [], approvals: [], events, event_sequence: last, identity } },
        { method: 'host.event', params: at(last + 1) },
      );
    };
    const renewed: number[] = [];
    const subscribing = stage.host.subscribe({ onRenewed: ({ event_sequence }) => renewed.push(event_sequence) });
    await answer(stage.wire, 5, []);
    const events = (await subscribing)[Symbol.asyncIterator]();
    const next = async () => (await events.next()).value?.sequence;
    expect(await next()).toBe(6);
    stage.wire.terminate();
    const second = await stage.broker.accept();
    await second.authenticate();
    await answer(second, 9, [at(6), at(7), at(8), at(9)]);
    expect([await next(), await next(), await next(), await next()]).toEqual([7, 8, 9, 10]);
    second.terminate();
    // Another daemon: it counts anew.
    const third = await stage.broker.accept();
    await third.authenticate();
    await answer(third, 2, [at(1), at(2)], 2);
    expect([await next(), await next(), await next()]).toEqual([1, 2, 3]);
    expect(renewed).toEqual([9, 2]);
  });
});
