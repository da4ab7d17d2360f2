import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import {
  AuthError,
  ConnectionClosedError,
  ConnectionError,
  ConnectionLostError,
  connectHost,
  RequestTimeoutError,
  RpcError,
} from '../../client/node.ts';
import { ScriptedBroker } from './scripted-broker.ts';

let broker: ScriptedBroker;
beforeEach(async () => {
  broker = await ScriptedBroker.start();
});
afterEach(() => broker.stop());

async function connect(options: { hostToken?: string } = {}) {
  const [host, wire] = await Promise.all([
    connectHost({ url: broker.url, token: 'secret', ...options }),
    broker.accept().then(async (wire) => {
      await wire.authenticate(options.hostToken ? { role: 'host' } : {});
      return wire;
    }),
  ]);
  return { host, wire };
}

describe('connectHost', () => {
  it('authenticates with the daemon token, first of all', async () => {
    const connecting = connectHost({ url: broker.url, token: 'secret' });
    const wire = await broker.accept();
    expect(await wire.authenticate()).toMatchObject({ method: 'session.auth', params: { token: 'secret' } });
    expect((await connecting).role).toBeUndefined();
  });

  it('asks for the management role with the host token alone', async () => {
    const connecting = connectHost({ url: broker.url, token: 'secret', hostToken: 'boss' });
    const wire = await broker.accept();
    expect((await wire.authenticate({ role: 'host' })).params).toEqual({ host_token: 'boss' });
    expect((await connecting).role).toBe('host');
  });

  it('when the token is wrong › rejects with AuthError and disconnects', async () => {
    const connecting = connectHost({ url: broker.url, token: 'wrong' });
    const wire = await broker.accept();
    const { id } = await wire.receive('session.auth');
    wire.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
    const error = await connecting.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(AuthError);
    expect(error).toMatchObject({ code: -32603, codeName: 'InternalError', retryable: false });
    await wire.closed;
  });

  it.each([undefined, null, ''])(
    'when no token is given, but %j › says so, and what the broker said',
    async (token) => {
      vi.stubEnv('SWITCHBOARD_AUTH_TOKEN', '');
      onTestFinished(() => void vi.unstubAllEnvs());
      const connecting = connectHost({ url: broker.url, home: '/nowhere', ...({ token } as { token: string }) });
      const wire = await broker.accept();
      const { id, params } = await wire.receive('session.auth');
      expect(params).toEqual({ token: '' });
      wire.send({ id: id as number, error: { code: -32603, message: 'auth failed: token mismatch' } });
      const error = await connecting.catch((error: unknown) => error);
      expect(error).toBeInstanceOf(AuthError);
      expect((error as Error).message).toBe('auth failed: token mismatch (no token was given)');
    },
  );

  it('when the broker closes before the answer › rejects with ConnectionLostError', async () => {
    const connecting = connectHost({ url: broker.url, token: 'wrong' });
    const wire = await broker.accept();
    await wire.receive('session.auth');
    wire.close(4401, 'not authenticated');
    await expect(connecting).rejects.toMatchObject({
      name: 'ConnectionLostError',
      closeCode: 4401,
      closeReason: 'not authenticated',
      retryable: false,
    });
  });

  it('when nobody listens › rejects with ConnectionError, which says so', async () => {
    const { url } = broker;
    await broker.stop();
    const error = await connectHost({ url, token: 'x' }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(ConnectionError);
    expect(error).toMatchObject({ url, retryable: true, status: undefined });
    expect(String(error)).toContain('ECONNREFUSED');
    broker = await ScriptedBroker.start();
  });

  it.each([
    [403, false],
    [503, true],
  ])(
    'when the upgrade is refused with HTTP %i › rejects with that status, retryable: %s',
    async (status, retryable) => {
      const server = createServer().on('upgrade', (_request, socket) => {
        socket.end(`HTTP/1.1 ${status} No\r\nConnection: close\r\n\r\n`);
      });
      await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
      const url = `ws://127.0.0.1:${(server.address() as AddressInfo).port}`;
      await expect(connectHost({ url })).rejects.toMatchObject({ name: 'ConnectionError', status, retryable });
      server.close();
    },
  );

  it('when the URL is none › rejects with ConnectionError, not to be retried', async () => {
    await expect(connectHost({ url: 'nonsense', token: '' })).rejects.toMatchObject({
      name: 'ConnectionError',
      retryable: false,
    });
  });

  it('when the broker never answers › gives up after connectTimeoutMs', async () => {
    const connecting = connectHost({ url: broker.url, token: '', connectTimeoutMs: 20 });
    const [error] = await Promise.all([connecting.catch((error: unknown) => error), broker.accept()]);
    expect(error).toMatchObject({ name: 'ConnectionError', retryable: true });
    expect(String(error)).toContain('no answer within 20 ms');
  });
});

describe('Host', () => {
  it('matches answers to requests by id, in whatever order they come', async () => {
    const { host, wire } = await connect();
    const list = host.agents.list();
    const sessions = host.sessions();
    const first = await wire.receive('agents.list');
    const second = await wire.receive('agents.chat.sessions');
    wire.send({ id: second.id as number, result: { sessions: [] } }, { id: first.id as number, result: [] });
    expect(await list).toEqual([]);
    expect(await sessions).toEqual([]);
  });

  it('sends what upsert and remove are given', async () => {
    const { host, wire } = await connect({ hostToken: 'boss' });
    const upserting = host.agents.upsert({ id: 'a', capabilities: ['x'] });
    const upsert = await wire.receive('agents.upsert');
    expect(upsert.params).toEqual({ id: 'a', capabilities: ['x'] });
    wire.send({ id: upsert.id as number, result: { spec: { id: 'a' }, token: 't' } });
    expect((await upserting).token).toBe('t');
    const removing = host.agents.remove('a');
    const remove = await wire.receive('agents.remove');
    expect(remove.params).toEqual({ id: 'a' });
    wire.send({ id: remove.id as number, result: { removed: true } });
    expect(await removing).toEqual({ removed: true });
  });

  it('rejects with RpcError, the code and data of the wire in it', async () => {
    const { host, wire } = await connect();
    const asking = host.request('my.method', { any: 1 });
    const { id } = await wire.receive('my.method');
    const data = { limit: { name: 'turns', value: 1 } };
    wire.send({ id: id as number, error: { code: -32020, message: 'limit exceeded', data } });
    const error = await asking.catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RpcError);
    expect(error).toMatchObject({
      name: 'RpcError',
      code: -32020,
      codeName: 'LimitExceeded',
      data,
      method: 'my.method',
      retryable: true,
    });
  });

  it('when a request is not answered within timeoutMs › rejects, and drops the late answer', async () => {
    const { host, wire } = await connect();
    const error = await host.request('agents.list', {}, { timeoutMs: 5 }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(RequestTimeoutError);
    const { id } = await wire.receive('agents.list');
    const next = host.agents.list();
    const { id: nextId } = await wire.receive('agents.list');
    wire.send({ id: id as number, result: ['late'] }, { id: nextId as number, result: [] });
    expect(await next).toEqual([]);
  });

  it('when the connection is lost › every pending request rejects, and so does every later one', async () => {
    const { host, wire } = await connect();
    const pending = [host.agents.list(), host.sessions()].map((request) => request.catch((error: unknown) => error));
    await wire.receive('agents.list');
    wire.close(1001, 'broker stopping');
    const errors = [...(await Promise.all(pending)), await host.closed, await host.agents.list().catch((e) => e)];
    for (const error of errors) {
      expect(error).toBeInstanceOf(ConnectionLostError);
      expect(error).toMatchObject({ closeCode: 1001, closeReason: 'broker stopping', retryable: true });
    }
  });

  it('when it is closed › every pending request rejects with ConnectionClosedError', async () => {
    const { host, wire } = await connect();
    const pending = host.agents.list().catch((error: unknown) => error);
    await host.close();
    expect(await pending).toBeInstanceOf(ConnectionClosedError);
    expect(await host.closed).toBeInstanceOf(ConnectionClosedError);
    await wire.closed;
    await host.close();
  });

  it('answers a request that it does not know with -32601', async () => {
    const { wire } = await connect();
    wire.send({ id: 'x-1', method: 'no.such', params: {} });
    expect(await wire.receive()).toMatchObject({ id: 'x-1', error: { code: -32601 } });
  });

  it('is not bothered by what makes no sense', async () => {
    const { host, wire } = await connect();
    wire.raw('not JSON');
    wire.raw(Buffer.from([1, 2, 3]));
    wire.send({ id: 999, result: 1 }, { method: 'no.such', params: {} }, { method: 'agents.chat.event', params: [] });
    const list = host.agents.list();
    const { id } = await wire.receive('agents.list');
    wire.send({ id: id as number, result: [] });
    expect(await list).toEqual([]);
  });
});
