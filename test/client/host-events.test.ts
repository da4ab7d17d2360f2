import { describe, expect, it, onTestFinished } from 'vitest';
import { connectHost, type HostEvent } from '../../client/node.ts';
import { RealBroker, rejection } from './real-broker.ts';
import { type Message, ScriptedBroker } from './scripted-broker.ts';

async function scripted() {
  const broker = await ScriptedBroker.start();
  onTestFinished(() => broker.stop());
  const connecting = connectHost({ url: broker.url, token: 'secret' });
  const wire = await broker.accept();
  await wire.authenticate();
  const host = await connecting;
  /** Answers the handshake, and waits for the subscription. */
  const asked = async (): Promise<number> => {
    const handshake = await wire.receive('server.handshake');
    expect(handshake.params).toEqual({ protocol_version: 3 });
    wire.send({ id: handshake.id as number, result: { protocol_version: 3 } });
    return (await wire.receive('host.subscribe')).id as number;
  };
  return { host, wire, asked };
}

const event = (sequence: number, fields: object = {}): Message => ({
  method: 'host.event',
  params: { id: `e${sequence}`, sequence, timestamp: '', kind: 'x', message: '', payload: {}, ...fields },
});
const snapshot = (id: number, sequence: number): Message => ({
  id,
  result: {
    subscribed: true,
    agents: [],
    devices: [],
    approvals: [],
    events: [],
    event_sequence: sequence,
    identity: { version: '1', pid: 1 },
  },
});
const next = async (events: AsyncIterator<HostEvent>) => (await events.next()).value?.sequence;

describe('host.subscribe', () => {
  it('shakes hands, and gives what was before and what comes after', async () => {
    const real = await RealBroker.start();
    const host = await real.host();
    await host.notify({ message: 'before' });
    const subscription = await host.subscribe();
    await host.notify({ message: 'after', kind: 'my.own', payload: { a: 1 } });
    expect(subscription.snapshot).toMatchObject({ identity: { pid: process.pid }, agents: [] });
    expect(subscription.snapshot.events.map(({ message }) => message)).toEqual(['before']);
    const { value } = await subscription[Symbol.asyncIterator]().next();
    const sequence = subscription.snapshot.event_sequence + 1;
    expect(value).toMatchObject({ sequence, kind: 'my.own', message: 'after', payload: { a: 1 } });
  });

  it('drops what the snapshot tells already, and keeps what comes in its packet', async () => {
    const { host, wire, asked } = await scripted();
    const subscribing = host.subscribe();
    const id = await asked();
    wire.send(event(4), event(6), snapshot(id, 5), event(5), event(7));
    const events = (await subscribing)[Symbol.asyncIterator]();
    expect(await next(events)).toBe(6);
    expect(await next(events)).toBe(7);
  });

  it('when it is subscribed twice › each has its own', async () => {
    const host = await (await RealBroker.start()).host();
    const first = await host.subscribe();
    await host.notify({ message: 'one' });
    const second = await host.subscribe();
    first.close();
    await host.notify({ message: 'two' });
    expect(await first[Symbol.asyncIterator]().next()).toEqual({ value: undefined, done: true });
    expect((await second[Symbol.asyncIterator]().next()).value).toMatchObject({ message: 'two' });
  });

  it('when it is closed while somebody reads › that ends', async () => {
    const host = await (await RealBroker.start()).host();
    const subscription = await host.subscribe();
    const reading = subscription[Symbol.asyncIterator]().next();
    subscription.close();
    expect(await reading).toEqual({ value: undefined, done: true });
  });

  it('when the connection is lost › reading throws, after the events that came before', async () => {
    const { host, wire, asked } = await scripted();
    const subscribing = host.subscribe();
    const id = await asked();
    wire.send(snapshot(id, 0), event(1));
    const subscription = await subscribing;
    wire.close(1001, 'broker stopping');
    await host.closed;
    const events = subscription[Symbol.asyncIterator]();
    expect(await next(events)).toBe(1);
    expect(await rejection(events.next())).toMatchObject({ name: 'ConnectionLostError', closeCode: 1001 });
  });

  it('when nobody reads beyond the limit › reading ends in an error, and the connection lives', async () => {
    const host = await (await RealBroker.start()).host();
    const subscription = await host.subscribe({ bufferLimit: 1_000 });
    await host.notify({ message: 'fits' });
    await host.notify({ message: 'x'.repeat(2_000) });
    const events = subscription[Symbol.asyncIterator]();
    expect((await events.next()).value).toMatchObject({ message: 'fits' });
    expect(await rejection(events.next())).toMatchObject({ name: 'BufferOverflowError' });
    expect(await host.sessions()).toEqual([]);
  });

  it('when the broker refuses › rejects', async () => {
    const { host, wire, asked } = await scripted();
    const subscribing = rejection(host.subscribe());
    wire.send({ id: await asked(), error: { code: -32005, message: 'handshake required' } });
    expect(await subscribing).toMatchObject({ codeName: 'HandshakeRequired' });
  });

  it('can be read once', async () => {
    const subscription = await (await (await RealBroker.start()).host()).subscribe();
    subscription[Symbol.asyncIterator]();
    expect(() => subscription[Symbol.asyncIterator]()).toThrow('once');
  });
});

describe('the host registry', () => {
  it('lists what a host registers, until it takes it off', async () => {
    const host = await (await RealBroker.start()).host();
    const agent = await host.registerAgent({ id: 'mine', name: 'Mine', kind: 'script' });
    expect(agent).toMatchObject({ id: 'mine', kind: 'script', status: 'idle' });
    const busy = await host.setStatus({ agentId: 'mine', status: 'running', currentTask: 'dishes' });
    expect(busy).toMatchObject({ status: 'running', current_task: 'dishes' });
    expect(await host.hostAgents()).toEqual([busy]);
    await host.unregisterAgent('mine');
    expect(await host.hostAgents()).toEqual([]);
    const events = await host.events(2);
    expect(events.map(({ kind }) => kind)).toEqual(['agent.status_changed', 'agent.unregistered']);
    expect(await host.events()).toHaveLength(3);
  });
});
