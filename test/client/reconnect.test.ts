import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Backoff } from '../../client/backoff.ts';
import {
  type Agent,
  type AgentOptions,
  type AgentStatus,
  AuthError,
  ConnectionClosedError,
  ConnectionLostError,
  connectAgent,
  TurnCancelled,
} from '../../client/node.ts';
import { ScriptedBroker } from './scripted-broker.ts';

const soon = { minMs: 1, maxMs: 2 };
let broker: ScriptedBroker;
let agent: Agent | undefined;

beforeEach(async () => {
  broker = await ScriptedBroker.start();
});
afterEach(async () => {
  await agent?.close();
  agent = undefined;
  await broker.stop();
});

function start(options: Partial<AgentOptions> = {}): Promise<Agent> {
  return connectAgent({
    url: broker.url,
    agentId: 'echo',
    token: 'secret',
    onChat: async () => 'x',
    reconnect: soon,
    ...options,
  });
}

async function connect(options: Partial<AgentOptions> = {}) {
  const connecting = start(options);
  const wire = await broker.accept();
  const { params } = await wire.authenticate({ agent_id: 'echo' });
  agent = await connecting;
  return { agent, wire, params };
}

describe('connectAgent', () => {
  it('authenticates with its own id and token', async () => {
    const { params } = await connect();
    expect(params).toEqual({ agent_id: 'echo', token: 'secret', resume: true, tickets: true });
  });

  it('when the token is wrong › rejects with AuthError, and does not try again', async () => {
    const connecting = start({ waitForBroker: true });
    const wire = await broker.accept();
    const { id } = await wire.receive('session.auth');
    wire.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    await expect(connecting).rejects.toBeInstanceOf(AuthError);
  });

  it('when nobody listens › rejects with ConnectionError', async () => {
    const { url } = broker;
    await broker.stop();
    await expect(start({ url })).rejects.toMatchObject({ name: 'ConnectionError' });
    broker = await ScriptedBroker.start();
  });

  it('when nobody listens yet, with waitForBroker › connects as soon as somebody does', async () => {
    const { url, port } = broker;
    await broker.stop();
    let waited = () => {};
    const waiting = new Promise<void>((resolve) => {
      waited = resolve;
    });
    const connecting = start({ url, waitForBroker: true, onStatus: ({ status }) => status === 'waiting' && waited() });
    await waiting;
    broker = await ScriptedBroker.start(port);
    await (await broker.accept()).authenticate();
    agent = await connecting;
    expect(agent.status).toBe('ready');
  });

  it('when the connection is lost › comes back, and says where it stands', async () => {
    const seen: AgentStatus['status'][] = [];
    const { wire } = await connect({ onStatus: ({ status }) => seen.push(status) });
    wire.close(1001);
    const next = await broker.accept();
    await next.authenticate();
    next.send({
      id: 1,
      method: 'agent.chat',
      params: { session_id: 's', turn_id: 't', prompt: '', stream: true, context: {} },
    });
    expect(await next.receive()).toMatchObject({ id: 1, result: { accepted: true } });
    expect(seen).toEqual(['connecting', 'ready', 'waiting', 'connecting', 'ready']);
  });

  it('when the connection is lost › its turns are cancelled, and the new connection hears nothing of them', async () => {
    let reason: unknown;
    const { wire } = await connect({
      onChat: async function* ({ signal }) {
        yield 'a';
        await new Promise((resolve) => signal.addEventListener('abort', resolve));
        reason = signal.reason;
      },
    });
    wire.send({
      id: 1,
      method: 'agent.chat',
      params: { session_id: 's', turn_id: 't', prompt: '', stream: true, context: {} },
    });
    await wire.receive();
    await wire.receive('agent.chat.event');
    wire.terminate();
    const next = await broker.accept();
    await next.authenticate();
    expect(await next.settled()).toEqual([]);
    expect(reason).toBeInstanceOf(TurnCancelled);
    expect(reason).toMatchObject({ reason: 'connection_lost' });
  });

  it.each([4401, 4403, 4409])('when the broker closes with %i › does not come back', async (code) => {
    const { agent, wire } = await connect();
    wire.close(code, 'why');
    const error = await agent.closed;
    expect(error).toBeInstanceOf(ConnectionLostError);
    expect(error).toMatchObject({ closeCode: code, closeReason: 'why' });
    expect(agent.status).toBe('closed');
  });

  it('when reconnecting is off › a lost connection is the end', async () => {
    const { agent, wire } = await connect({ reconnect: false });
    wire.close(1001);
    expect(await agent.closed).toMatchObject({ name: 'ConnectionLostError', closeCode: 1001 });
  });

  it('when its token is refused on the way back › that is the end', async () => {
    const { agent, wire } = await connect();
    wire.close(1001);
    const next = await broker.accept();
    const { id } = await next.receive('session.auth');
    next.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    expect(await agent.closed).toBeInstanceOf(AuthError);
  });

  it('when it is closed › does not come back', async () => {
    const { agent, wire } = await connect();
    await agent.close();
    await wire.closed;
    expect(await agent.closed).toBeInstanceOf(ConnectionClosedError);
  });

  it('when it is closed while it waits to come back › stops waiting', async () => {
    let waited = () => {};
    const waiting = new Promise<void>((resolve) => {
      waited = resolve;
    });
    const { agent, wire } = await connect({
      reconnect: { minMs: 2 ** 30, maxMs: 2 ** 30 },
      onStatus: ({ status }) => status === 'waiting' && waited(),
    });
    wire.terminate();
    await waiting;
    await agent.close();
    expect(await agent.closed).toBeInstanceOf(ConnectionClosedError);
  });

  it('opens chats of its own, and refuses them between two connections', async () => {
    const { agent, wire } = await connect({ reconnect: false });
    const chat = agent.chat('other', 'hi');
    const { id, params } = await wire.receive('agents.chat');
    wire.send(
      { id: id as number, result: { accepted: true, session_id: params.session_id, turn_id: 't' } },
      { method: 'agents.chat.event', params: { session_id: 's', turn_id: 't', kind: 'done', finish_reason: 'stop' } },
    );
    expect(await chat.text()).toBe('');
    wire.close(1001);
    await agent.closed;
    await expect(agent.chat('other', 'hi').ack).rejects.toBeInstanceOf(ConnectionLostError);
    await expect(agent.request('agents.list', {})).rejects.toBeInstanceOf(ConnectionLostError);
  });
});

describe('Backoff', () => {
  const full = 1 - Number.EPSILON;

  it('doubles its bound from minMs up to maxMs', () => {
    const backoff = new Backoff({ minMs: 100, maxMs: 1_000 }, () => full);
    const waits = Array.from({ length: 6 }, () => backoff.next());
    expect(waits).toEqual([99, 199, 399, 799, 999, 999]);
  });

  it('waits anything between nothing and its bound', () => {
    expect(new Backoff({}, () => 0).next()).toBe(0);
    expect(new Backoff({}, () => 0.5).next()).toBe(125);
  });

  it('starts over after a connection that has held, and only then', () => {
    const backoff = new Backoff({ minMs: 100, stableMs: 1_000 }, () => full);
    backoff.next();
    backoff.held(999);
    expect(backoff.next()).toBe(199);
    backoff.held(1_000);
    expect(backoff.next()).toBe(99);
  });

  it('stays within its bound however often it fails', () => {
    const backoff = new Backoff({ minMs: 0, maxMs: 10 }, () => full);
    for (let n = 0; n < 2_000; n++) expect(backoff.next()).toBe(0);
  });
});
